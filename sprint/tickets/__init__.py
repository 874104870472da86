"""Ticket trees of BMAD 7: lists, files, dependencies and gates, read and written as the official tool does."""
