"""Receipts of the commits of stories: made of the records, kept beside the commits, checked on any clone."""
