"""A runner of a broker as a page knows it, and what is said of it when it changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import msgspec

from fleet.source import Lost, News, RunnerId, RunnerInfo
from fleet.stream.connection import Message
from fleet.stream.names import VERSION, VERSION_HEADER
from fleet.stream.presence import NO_RUN, StateMessage

STREAM: Final = "stream"
SILENT: Final = "Nothing is heard of it."

T = TypeVar("T")
Put = Callable[[News], Awaitable[None]]

log = logging.getLogger("sprint_runner.fleet")


class Remote:
    """A runner as it is known here; `seq` is that of the last event that was delivered, None: begin with a snapshot."""

    def __init__(self, name: str, heard: float, put: Put) -> None:
        self.put = put
        self.id = RunnerId(STREAM, name)
        self.name = name
        self.state: StateMessage | None = None
        self.state_at = 0  # when the broker has stored it, in ms
        self.epoch = ""
        self.seq: int | None = None
        self.heard = heard  # by the loop's clock
        self.clock_ahead_ms: float | None = None  # of the runner's clock, to the loop's
        self.lost: str | None = SILENT
        self.problem: str | None = None  # what of it cannot be read
        self.task: asyncio.Task[None] | None = None
        self.updated = asyncio.Event()  # of a newer state

    @property
    def is_behind(self) -> bool:
        """Whether its state is newer than the last event that was delivered, and complete."""
        state = self.state
        return state is not None and bytes(state.run) != NO_RUN and state.seq > (self.seq or 0)

    async def lose(self, reason: str) -> None:
        """Say once that it cannot be reached."""
        if self.lost != reason:
            self.lost = reason
            await self.put(Lost(self.id, reason))

    async def cannot_read(self, problem: str) -> None:
        """Say once what of it cannot be read: a sentence after its name."""
        if self.problem != problem:
            log.warning("fleet: %s %s", self.name, problem)
        self.problem = problem
        await self.lose(f"It {problem}.")

    def clock_ms(self) -> int | None:
        """Return the time by the runner's own clock; None where it is not there."""
        if self.clock_ahead_ms is None:
            return None
        return int(asyncio.get_running_loop().time() * 1000 + self.clock_ahead_ms)


def read(message: Message, kind: type[T]) -> T | str:
    """Return a message, or what is wrong with it, as a sentence after the runner's name."""
    version = message.headers.get(VERSION_HEADER)
    if version != VERSION:
        return f"sends messages of version {version}, and this page knows version {VERSION}: update both"
    try:
        return msgspec.json.decode(message.data, type=kind)
    except (msgspec.DecodeError, UnicodeError):
        return "sends messages that cannot be read"


def info_of(state: StateMessage) -> RunnerInfo:
    """Return what a runner says it is."""
    return RunnerInfo(
        project=state.project,
        machine=state.machine,
        folder=state.folder,
        branch=state.branch,
        started_at=state.started_at,
        epoch=state.epoch,
        host=state.host,
    )
