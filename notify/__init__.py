"""Notifications outside of the page: the events that cause one, and its channels, a webhook or a command."""
