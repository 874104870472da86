"""The search over all events and transcripts of a project."""
