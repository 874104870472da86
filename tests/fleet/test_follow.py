"""Following real servers: nothing lost and nothing twice over kills, stops and another database."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from pathlib import Path

import aiohttp
import msgspec

import fleet.follow
from fleet.model import RunnerState
from fleet.service import FleetService
from fleet.source import Committed, News, RunnerId, Snapshot
from runstate.views import FoldedRun, Run
from tests.fleet.conftest import MakeServer, until
from tests.servers import Server, get, post

PRESENCE_S = 3.0  # within which the page knows who is there


def only(service: FleetService) -> RunnerState:
    (state,) = service.fleet.states()
    return state


def log_of(folder: Path) -> list[tuple[int, str]]:
    """Number and type of all events of a database, oldest first."""
    with sqlite3.connect(folder / "project" / ".sprint-runner" / "sprint-runner.db") as database:
        return database.execute("SELECT seq, type FROM events ORDER BY seq").fetchall()


async def test_every_event_comes_once_over_a_kill_and_another_database(
    service: FleetService, make_server: MakeServer, tmp_path: Path
) -> None:
    heard: list[News] = []
    apply = service.fleet.apply

    def noted(news: News) -> RunnerId | None:
        heard.append(news)
        return apply(news)

    service.fleet.apply = noted  # type: ignore[method-assign]
    server = make_server("shop").start()
    await until(lambda: service.fleet.states() and only(service).run is not None)
    await check_stopped(service, server)
    async with aiohttp.ClientSession(server.url) as client:
        assert (await post(client, "/api/run/start", {"batch_size": 1}))[0] == 202
        await until(lambda: sum(isinstance(news, Committed) for news in heard) > 20)
    server.end(signal.SIGKILL)
    await until(lambda: only(service).lost is not None)
    state = only(service)
    assert state.run is not None  # what was known of it stays
    assert state.heard_at > 0

    server.start()
    async with aiohttp.ClientSession(server.url) as client:
        await until(lambda: only(service).lost is None)
        assert (await post(client, "/api/run/resume"))[0] == 202
        await until(lambda: (run := only(service).run) is not None and run.batch is not None and run.batch.ended_at)
        last = (await get(client, "/api/run"))["seq"]
        await until(lambda: (run := only(service).run) is not None and run.seq == last)
        assert folded(only(service).run) == folded(msgspec.convert(await get(client, "/api/run"), Run))
        spent = (await get(client, "/api/run"))["limits"]["today_usd"]
        # What no event carries follows soon after them.
        await until(lambda: (run := only(service).run) is not None and run.limits.today_usd == spent > 0)
    assert_gapless(heard, log_of(tmp_path / "shop"))

    # Another database at the same place: its numbers begin anew, and mean other events.
    before = only(service).epoch
    server.end(signal.SIGKILL)
    for file in (tmp_path / "shop" / "project" / ".sprint-runner").glob("sprint-runner.db*"):
        file.unlink()
    server.start()
    await until(lambda: only(service).lost is None and only(service).epoch != before)
    assert (run := only(service).run) is not None
    assert run.batch is None
    server.end()
    await until(lambda: not service.fleet.states())  # one that ends in order is not lost, but gone


async def test_counts_that_no_event_carries_are_right_within_three_seconds(
    service: FleetService, make_server: MakeServer, tmp_path: Path
) -> None:
    make_server("shop").start()
    await until(lambda: service.fleet.states() and only(service).run is not None)
    tracker = tmp_path / "shop" / "project" / "_bmad-output" / "implementation-artifacts" / "sprint-status.yaml"
    text = tracker.read_text()

    def plan() -> tuple[int, int]:
        run = only(service).run
        assert run is not None
        return run.plan.done, run.plan.total

    clock = asyncio.get_running_loop().time
    done, total = plan()
    edited = text.replace("1-2-correct-a-sighting: backlog", "1-2-correct-a-sighting: done")
    for change, expected in ((edited, done + 1), (text, done)):
        since = clock()
        tracker.write_text(change)
        await until(lambda expected=expected: plan() == (expected, total))  # type: ignore[misc]
        assert clock() - since < PRESENCE_S


def folded(run: Run | None) -> dict[str, object]:
    """What of a run follows from its events, without its stories, which the fleet does not show."""
    return {name: getattr(run, name) for name in FoldedRun.__struct_fields__ if name != "stories"}


def assert_gapless(heard: list[News], log: list[tuple[int, str]]) -> None:
    """Whatever came first, every event behind it came once, in the order of the log."""
    at = [news.seq for news in heard if isinstance(news, Snapshot)]
    assert len(at) == 1, "a break was not resumed"
    events = [(one.seq, one.type) for news in heard if isinstance(news, Committed) for one in news.events]
    assert events == [row for row in log if row[0] > at[0]]


async def check_stopped(service: FleetService, server: Server) -> None:
    """A stopped process is lost in time, and found again."""
    assert server.process is not None
    clock = asyncio.get_running_loop().time
    server.process.send_signal(signal.SIGSTOP)
    since = clock()
    try:
        await until(lambda: only(service).lost is not None)
        took = clock() - since
    finally:
        server.process.send_signal(signal.SIGCONT)
    assert fleet.follow.QUIET_S + fleet.follow.ANSWER_S < PRESENCE_S
    assert took < 10 * PRESENCE_S  # the machine may be busy; the bound itself is the constants'
    assert only(service).lost == "It does not answer."
    await until(lambda: only(service).lost is None)
