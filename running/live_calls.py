"""The calls of agents that run now, as requests find them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class LiveCall(Protocol):
    """A call of an agent for a command; `story_key` is empty where it works for the project itself."""

    story_key: str
    story_keys: list[str]
    agent: str

    @property
    def takes_messages(self) -> bool: ...
    def say(self, message_id: int, text: str) -> bool: ...
    def end(self) -> None: ...


class LiveCalls:
    """The calls of agents that run now, by the ids of their commands."""

    def __init__(self) -> None:
        self._calls: dict[int, LiveCall] = {}

    @contextmanager
    def running(self, command_id: int, call: LiveCall) -> Iterator[None]:
        """List the call while it runs."""
        self._calls[command_id] = call
        try:
            yield
        finally:
            del self._calls[command_id]

    def for_story(self, story_key: str) -> list[LiveCall]:
        """Return the calls for a story, also for several stories at once."""
        return [call for call in self._calls.values() if story_key in call.story_keys]

    def get(self, command_id: int) -> LiveCall | None:
        return self._calls.get(command_id)
