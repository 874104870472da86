"""The settings of records, receipts, messages and connected pages."""

from __future__ import annotations

from typing import Final

from settings.setting import Setting

SERVER_SETTINGS: Final = (
    Setting("retention_days", "days that an agent's raw stream is kept", "integer", 1, 36_500, optional=True),
    Setting("event_retention_days", "days that events of older batches are kept", "integer", 1, 36_500, optional=True),
    Setting("receipt_notes", "write the receipt of each story's commit as a git note beside it", "boolean"),
    Setting("receipt_trailer", "name the receipt in the messages of commits that the runner makes", "boolean"),
    Setting(
        "receipt_key",
        "file of the SSH key that signs receipts; one with a passphrase must be in ssh-agent",
        optional=True,
        editable=False,
        trust="always",
    ),
    Setting(
        "notify_webhook",
        "URL that is called when the run needs you or has ended",
        "url",
        optional=True,
        trust="always",
    ),
    Setting(
        "notify_secret",
        "secret that signs calls of the webhook",
        optional=True,
        editable=False,
        secret=True,
        trust="always",
    ),
    Setting(
        "notify_command",
        "command that is run when the run needs you or has ended",
        "command",
        optional=True,
        trust="always",
    ),
    Setting("heartbeat_s", "seconds between pings to a page", "number", 0.1, 3600, editable=False),
    Setting("pong_timeout_s", "seconds a page has to answer a ping", "number", 0.1, 3600, editable=False),
    Setting("max_clients", "pages that may be connected at once", "integer", 1, 100_000, editable=False),
)
