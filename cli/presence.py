"""What a server says of itself to the user's other programs while it runs: its entry in the registry."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Final

from cli.config import ServerConfig
from demo.fresh import TOUR
from fleet.registry import DEMO, Entry, LaunchOptions, new_entry, registry_of
from security.process_key import ProcessKey, new_secret
from settings import ENVIRONMENT_PREFIX, Loaded

TOKENS: Final = ("token", "reader_token")

log = logging.getLogger("sprint_runner")


def inherited_tokens(loaded: Loaded) -> dict[str, str]:
    """Return the tokens that came by the environment, which has them no more."""
    values = {name: getattr(loaded.settings, name) for name in TOKENS if loaded.sources[name] == "environment"}
    return {ENVIRONMENT_PREFIX + name.upper(): value for name, value in values.items() if value is not None}


class Presence:
    """The entry of this process. `key` lets the user's programs in where the server needs a token."""

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self._registry = registry_of(os.environ)
        self._secret = None if config.loaded.settings.token is None else new_secret()
        self._entry: Entry | None = None
        self.key = None if self._secret is None else ProcessKey(self._secret)

    async def enter(self, url: str, epoch: str) -> None:
        """Write the entry. A state folder that cannot be written keeps no server from running."""
        project = self._config.project
        entry = new_entry(project.root, project.name, url, epoch, self._secret)
        try:
            await asyncio.to_thread(self._registry.enter, entry, self._options())
        except OSError as error:
            log.warning("other programs will not find this server: %s (%s)", error.filename, error.strerror)
            return
        except UnicodeEncodeError:  # an option of the command line that is no text
            log.warning("other programs will not find this server: a path of its command line is not UTF-8 text")
            return
        self._entry = entry

    async def leave(self) -> None:
        """Remove the entry, as the first step of the end: nothing new is to come by it."""
        if self._entry is not None:
            await asyncio.to_thread(self._registry.leave, self._entry)

    def _options(self) -> LaunchOptions:
        """Return what the command line said of the project: without it, another start would be another server."""
        sources, agent = self._config.loaded.sources, self._config.loaded.settings.agent
        return LaunchOptions(
            data_dir=str(self._config.data_dir) if sources["data_dir"] == "flag" else None,
            agent=agent if sources["agent"] == "flag" and isinstance(agent, str) else None,
            demo=self._demo(),
        )

    def _demo(self) -> str | None:
        kind = self._config.demo
        return kind and (DEMO if kind == TOUR else f"{DEMO}={kind}")
