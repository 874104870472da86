"""A runner that is reached in two ways is one row: the local way first, the broker's where only that is open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from fleet.service import FleetService
from fleet.source import (
    Committed,
    Envelope,
    Heard,
    Listed,
    Lost,
    News,
    Removed,
    RunnerId,
    RunnerInfo,
    RunnerNews,
    RunnerRequest,
    RunnerResponse,
    Snapshot,
)
from fleet.twins import GIVES_WAY_MS
from runstate.server_state import ServerState
from runstate.views import FoldedRun, run_view
from security.grants import Role

HERE, THERE = RunnerId("local", "a"), RunnerId("stream", "box")
INFO = RunnerInfo(project="Shop", machine="m", folder="/shop", epoch="e1", host="h")


class Source:
    """A way to runners that yields what it is given."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def news(self) -> AsyncIterator[News]:
        await asyncio.Event().wait()
        yield Removed(HERE)

    def resync(self, runner: RunnerId) -> None:
        raise AssertionError("nothing is missing")

    async def request(self, runner: RunnerId, request: RunnerRequest) -> RunnerResponse:
        raise AssertionError("nothing is asked of it")

    async def messages(self, runner: RunnerId, query: str, role: Role) -> AsyncIterator[bytes]:
        raise AssertionError("nothing is asked of it")
        yield b""


class Page:
    """A service, and what a page of it has after the messages that were sent."""

    def __init__(self) -> None:
        self.service = FleetService([Source("local"), Source("stream")])

    def hear(self, *news: RunnerNews) -> list[str]:
        """Fold news and send what has changed; return the ids of the rows."""
        for one in news:
            self.service.fleet.apply(one)
            self.service._changed[one.runner] = None
        self.service.send()
        return [state.id for state in self.service.listed().runners]

    def way(self) -> set[str]:
        """The ids by which both ways are asked."""
        return {str(self.service.way_to(id)[1]) for id in (HERE, THERE)}

    def seq(self) -> int:
        (state,) = self.service.listed().runners
        assert state.run is not None
        return state.run.seq


def snapshot(id: RunnerId, at: int, seq: int = 0) -> Snapshot:
    run = run_view(FoldedRun(seq=seq), ServerState(), "idle")
    return Snapshot(id, "e1", seq, msgspec.json.encode(run), at)


def event(id: RunnerId, seq: int, at: int) -> Committed:
    return Committed(id, "e1", (Envelope("error", {"type": "t", "message": "m"}, at, seq),), at)


@pytest.fixture
def page() -> Page:
    return Page()


async def test_one_row_that_falls_back_and_returns_without_loss(page: Page) -> None:
    assert page.hear(Listed(THERE, INFO), snapshot(THERE, 1000)) == [str(THERE)]
    assert page.hear(Listed(HERE, INFO), snapshot(HERE, 1000)) == [str(HERE)]
    assert page.way() == {str(HERE)}
    page.hear(event(THERE, 1, 1100))
    page.hear(event(HERE, 1, 1100))
    assert page.seq() == 1
    # A killed server is lost here at once and there soon: its row does not move meanwhile.
    assert page.hear(Lost(HERE, "It does not answer."), event(THERE, 2, 1200)) == [str(HERE)]
    assert page.hear(Heard(THERE, 1100 + GIVES_WAY_MS + 1)) == [str(THERE)]
    assert (page.seq(), page.way()) == (2, {str(THERE)})
    assert page.hear(event(HERE, 2, 9000)) == [str(HERE)]
    assert page.seq() == 2
    assert page.hear(Lost(HERE, "x"), Lost(THERE, "x")) == [str(HERE)]
    assert page.hear(Removed(HERE)) == [str(THERE)]
    assert page.hear(Removed(THERE)) == []


@pytest.mark.parametrize("other", [{"folder": "/copy"}, {"epoch": "e2"}, {"host": "h2"}, {"host": ""}])
async def test_a_copy_elsewhere_is_another_runner(page: Page, other: dict[str, str]) -> None:
    page.hear(Listed(HERE, INFO), snapshot(HERE, 1000))
    assert len(page.hear(Listed(THERE, msgspec.structs.replace(INFO, **other)), snapshot(THERE, 1000))) == 2


async def test_a_runner_that_listens_elsewhere_is_shown_by_the_broker(page: Page) -> None:
    lost = Lost(HERE, "It listens on an address that this machine does not reach by loopback: open it there.")
    assert page.hear(Listed(HERE, INFO), lost, Listed(THERE, INFO), snapshot(THERE, 5000)) == [str(THERE)]
    assert page.way() == {str(THERE)}
