"""Telling the operator elsewhere: what is worth a notice, and the channels that carry it, a webhook or a command."""
