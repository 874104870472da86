"""What a page of a fleet receives, and the checks that it is everything, once and in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from fleet.model import Fleet, Gap, RunnerState
from fleet.source import Committed, News, RunnerId, Snapshot
from fleet.stream.login import BrokerLogin
from fleet.stream.source import StreamRunners
from runstate.views import Run

PATIENCE_S = 25.0


class Reader:
    """A page of a fleet: the news of a source, folded, with the seqs of all events that were delivered."""

    def __init__(
        self, address: str = "", user: str = "page", password: str | None = None, login: BrokerLogin | None = None
    ) -> None:
        self.source = StreamRunners(login or BrokerLogin(address=address, user=user, password=password))
        self.fleet = Fleet()
        self.seqs: dict[str, list[int]] = {}
        self.snapshots: list[Snapshot] = []
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._take())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _take(self) -> None:
        news = self.source.news()
        try:
            async for one in news:
                self._note(one)
        finally:
            await news.aclose()  # type: ignore[attr-defined]

    def _note(self, news: News) -> None:
        if isinstance(news, Snapshot):
            self.snapshots.append(news)
        if isinstance(news, Committed):
            self.seqs.setdefault(news.runner.key, []).extend(event.seq for event in news.events)
        try:
            self.fleet.apply(news)
        except Gap as gap:
            raise AssertionError(f"a gap was delivered: {gap}") from None
        self._changed.set()

    def state(self, name: str) -> RunnerState | None:
        return self.fleet.state(RunnerId(StreamRunners.name, name))

    def lost(self, name: str) -> str | None:
        """Return why a runner cannot be reached; None while it can."""
        state = self.state(name)
        return "it is not listed" if state is None else state.lost

    def run(self, name: str) -> Run:
        state = self.state(name)
        assert state is not None
        assert state.run is not None
        return state.run

    async def until(self, holds: Callable[[], object], seconds: float = PATIENCE_S) -> None:
        """Wait until something holds of what was received."""
        until = asyncio.get_running_loop().time() + seconds
        while not holds():
            assert asyncio.get_running_loop().time() < until, self.fleet.states()
            assert self._task is not None
            if self._task.done():
                self._task.result()
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await self._changed.wait()

    async def until_seq(self, name: str, seq: int) -> None:
        await self.until(lambda: (position := self.fleet.position(RunnerId("stream", name))) and position[1] >= seq)

    def check(self, name: str) -> None:
        """Fail unless the events were delivered without a gap and once."""
        seqs = self.seqs.get(name, [])
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs))) if seqs else True
