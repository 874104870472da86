"""The channels of notifications that the settings name, made for each delivery, so that a change counts at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from agents import GUARDING
from notify.channels import Channel, CommandChannel, Webhook
from settings import SECRET_VARIABLES, Settings


class SettingChannels:
    """The webhook and the command of `settings`; `folder` is where relative paths of the command begin."""

    def __init__(self, settings: Callable[[], Settings], project: str, epoch: str, folder: Path | None) -> None:
        self._settings = settings
        self._project = project
        self._epoch = epoch
        self._folder = folder

    def webhook(self) -> Channel | None:
        """Return the webhook; None while the settings name none."""
        settings = self._settings()
        if settings.notify_webhook is None:
            return None
        return Webhook(settings.notify_webhook, settings.notify_secret, self._project, self._epoch)

    def command(self) -> Channel | None:
        """Return the command, without the server's secrets in its environment; None while the settings name none."""
        line = self._settings().notify_command
        if line is None:
            return None
        environment = {name: value for name, value in os.environ.items() if name not in SECRET_VARIABLES}
        return CommandChannel(line, self._project, environment, GUARDING.command, self._folder)
