"""Telling the operator elsewhere: by a webhook, or by a command of their own, when the run needs them or has ended."""

from notify.notifier import Notifier

__all__ = ["Notifier"]
