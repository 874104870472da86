"""The service behind the fleet's page: takes the news of all sources, and sends every change to the connected pages.

A page gets `init` with all runners, then `runner` (one that is new, or changed in more than its run), `runner:run` (the
parts of its run that have changed), `runner:removed` and `problem` (of a source), numbered without a gap, by the same
hub that a runner has. Changes that come faster than `FLUSH_S` are sent as one.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec
from aiohttp import web

from fleet.model import Fleet, Gap, RunnerState
from fleet.source import RunnerId, RunnerNews, RunnerSource, SourceProblem
from fleet.twins import preferred
from runstate.views import Run
from store.rows import now_ms
from websocket.hub import Hub

FLUSH_S: Final = 0.02  # between two messages about one runner; the first one is sent at once
APPEAR_S: Final = 3.0  # in which a runner that was just started is found
NO_REPLAY: Final = 1 << 62  # no event of the hub is stored: a page that is too far behind gets an `init`

log = logging.getLogger("sprint_runner.fleet")


class FleetEvent(msgspec.Struct, frozen=True):
    """A message to the pages, in the envelope that runners use."""

    seq: int
    data: bytes


class RunnerList(msgspec.Struct, frozen=True):
    """All runners, as of `seq`; `problem` is what keeps some of them from being seen at all, in sentences."""

    runners: list[RunnerState]
    seq: int
    problem: str | None = None


class FleetService:
    """All runners of all sources, and the pages that show them."""

    def __init__(self, sources: Sequence[RunnerSource]) -> None:
        self.sources = {source.name: source for source in sources}
        self.fleet = Fleet()
        self.hub = Hub(
            epoch=secrets.token_hex(8),
            history=_no_history,
            snapshot=lambda: (b"null", msgspec.json.encode(self.listed())),
            clock=time.monotonic,
        )
        self.hub.ring.pruned(NO_REPLAY)
        self._sent: dict[RunnerId, RunnerState] = {}
        self._changed: dict[RunnerId, None] = {}  # in the order of their changes
        self._problems: dict[str, str] = {}  # by source
        self._problem_sent: str | None = None
        self._shown: dict[RunnerId, RunnerId] = {}  # of each runner the one that the pages see for it
        self._wake = asyncio.Event()
        self._news = asyncio.Event()  # set with the next change, and replaced
        self._tasks: list[asyncio.Task[None]] = []

    def listed(self) -> RunnerList:
        """Return the runners as the pages have them."""
        states = sorted(self._sent.values(), key=lambda state: (state.info.project.lower(), state.id))
        return RunnerList(states, self.hub.seq, self._problem())

    def runner(self, text: str) -> RunnerId | None:
        """Return the id of a runner by its text; None for one that is not in the fleet."""
        return next((id for id in self.fleet.ids() if str(id) == text), None)

    async def appeared(self, text: str) -> bool:
        """Whether there is such a runner, after a moment in which one that was just started is found."""
        with suppress(TimeoutError):
            async with asyncio.timeout(APPEAR_S):
                while self.runner(text) is None:
                    await self._news.wait()
        return self.runner(text) is not None

    def way_to(self, id: RunnerId) -> tuple[RunnerSource, RunnerId]:
        """Return how a runner is reached now: the source, and its id there."""
        way = self._shown.get(id, id)
        return self.sources[way.source], way

    def start(self) -> None:
        self.hub.start()
        takers = [asyncio.create_task(self._take(source)) for source in self.sources.values()]
        self._tasks = [*takers, asyncio.create_task(self._send_forever())]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.hub.close()

    async def _take(self, source: RunnerSource) -> None:
        """Fold the news of a source. A source that fails ends alone."""
        news_of_source = source.news()
        try:
            async for news in news_of_source:
                if isinstance(news, SourceProblem):
                    self._note(news)
                else:
                    self._fold(source, news)
        except Exception:
            log.exception("the runners of %s are not followed any more", source.name)
            self._note(SourceProblem(source.name, f"What is of {source.name} is not followed any more: see the log."))
        finally:
            await news_of_source.aclose()  # type: ignore[attr-defined]  # a generator, whose tasks end with it

    def _fold(self, source: RunnerSource, news: RunnerNews) -> None:
        """Fold what is new of one runner."""
        with suppress(KeyError):
            try:
                changed = self.fleet.apply(news)
            except Gap as gap:
                log.warning("%s: %s; it begins anew", news.runner, gap)
                source.resync(news.runner)
                return
            # One that is hidden behind its twin and was heard may have to be shown.
            if changed is not None or self._shown.get(news.runner) != news.runner:
                self._changed[changed or news.runner] = None
                self._wake.set()
                self._news.set()
                self._news = asyncio.Event()

    def _note(self, news: SourceProblem) -> None:
        if news.problem is None:
            self._problems.pop(news.source, None)
        else:
            self._problems[news.source] = news.problem
        self._wake.set()

    def _problem(self) -> str | None:
        return " ".join(problem for _, problem in sorted(self._problems.items())) or None

    async def _send_forever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            self.send()
            await asyncio.sleep(FLUSH_S)

    def send(self) -> None:
        """Send what has changed since the last call."""
        changed, self._changed = {**self._choose(), **self._changed}, {}
        messages: list[tuple[str, Any]] = [message for id in changed if (message := self._message(id)) is not None]
        if (problem := self._problem()) != self._problem_sent:
            self._problem_sent = problem
            messages.append(("problem", {"problem": problem}))
        if messages:
            first = self.hub.seq + 1
            self.hub.publish([_event(first + index, *message) for index, message in enumerate(messages)])

    def _choose(self) -> dict[RunnerId, None]:
        """Choose the row of each runner anew; return those that are shown no more, then those that are shown now."""
        before = {id for id, shown in self._shown.items() if id == shown}
        self._shown = preferred(self.fleet)
        now = {id for id, shown in self._shown.items() if id == shown}
        return dict.fromkeys([*(before - now), *(now - before)])

    def _message(self, id: RunnerId) -> tuple[str, Any] | None:
        """Return the type and payload of the message about a runner, and remember what the pages have."""
        before, now = self._sent.get(id), self.fleet.state(id) if self._shown.get(id) == id else None
        if now is None:
            return None if self._sent.pop(id, None) is None else ("runner:removed", {"id": str(id)})
        self._sent[id] = now
        if before is None or before.run is None or now.run is None or _shell(before) != _shell(now):
            return ("runner", now)
        changes = changed_parts(before.run, now.run)
        return ("runner:run", {"id": now.id, "heard_at": now.heard_at, "run": changes}) if changes else None


def changed_parts(before: Run, now: Run) -> dict[str, Any]:
    """Return the fields of a run that differ."""
    pairs = ((name, getattr(before, name), getattr(now, name)) for name in Run.__struct_fields__)
    return {name: new for name, old, new in pairs if old is not new and old != new}


def _shell(state: RunnerState) -> tuple[Any, ...]:
    """Return what of a runner is not its run; when it was heard last matters only where it is lost."""
    return (state.info, state.lost, state.epoch)


def _event(seq: int, type: str, payload: Any) -> FleetEvent:
    now = now_ms()
    body = msgspec.json.encode(payload)
    data = b'{"type":"%b","payload":%b,"timestamp":%d,"seq":%d,"batch_id":null}' % (type.encode(), body, now, seq)
    return FleetEvent(seq, data)


async def _no_history(first: int, last: int) -> list[bytes]:
    return []


FLEET: Final = web.AppKey("fleet", FleetService)
