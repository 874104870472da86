"""The forecast of a large project: 500 open stories, a year of history, and what the event loop notices of it.

The time is beside that of a baseline, reading the plan of the same project, to be compared between machines. On a busy
machine the time of the processor says more than that of the clock.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import sprint
from db import Database
from orchestrator import StartRequest
from running.forecaster import Forecaster
from running.selection import Selection
from runstate.fold import RunState
from store.batches import create_batch
from store.commands import create_command
from store.stories import create_story
from tests.bench.load import table
from tests.running.projects import Runner, make_project

OPEN: Final = 500
FINISHED: Final = 730  # two a day
COMMANDS: Final = ("create-story", "story-discovery", "story-review-1", "dev-story", "code-review-1", "code-review-2")
ROUNDS: Final = 9
DAY_MS: Final = 86_400_000
PROMISED_MS: Final = 50


async def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        stories = {f"{number // 10 + 1}-{number % 10 + 1}-story": "backlog" for number in range(OPEN)}
        runner = await Runner.create(make_project(Path(folder) / "large", stories, git=False))
        await _history(runner.database)
        try:
            await _measure(runner)
        finally:
            await runner.close()


async def _measure(runner: Runner) -> None:
    forecaster = Forecaster(runner.workspace, RunState(), Selection())
    request = StartRequest(cycles=None)

    async def forecast() -> None:
        found = await forecaster.before_start(request)
        assert found.stories == OPEN
        assert not found.basis.defaults

    async def baseline() -> None:
        await asyncio.to_thread(sprint.read, runner.workspace.project)

    await forecast()  # what is read for the first time only
    whole, used, lag = await _timed(forecast)
    read, read_used, idle_lag = await _timed(baseline)
    title = f"A forecast for {OPEN} stories from {FINISHED} finished ones ({FINISHED * len(COMMANDS):,} commands)"
    rows = [
        ("whole, with rows and plan", f"{PROMISED_MS} ms", f"{whole:.1f} ms"),
        ("of it the processor's", "", f"{used:.1f} ms"),
        ("baseline: the plan is read", "", f"{read:.1f} ms, of it {read_used:.1f} ms"),
        ("ratio, by the processor", "", f"{used / read_used:.2f}"),
        ("longest turn of the loop meanwhile", "", f"{lag:.1f} ms"),
        ("the same while the plan is read", "", f"{idle_lag:.1f} ms"),
    ]
    table(title, ("what", "promised", "measured"), rows)


async def _timed(work: Callable[[], Awaitable[None]]) -> tuple[float, float, float]:
    """Return the median ms of the work, of the processor, and of the longest time that the loop stood still."""
    took, used, lags = [], [], []
    for _ in range(ROUNDS):
        spent, begun = time.process_time(), time.perf_counter()
        task, longest = asyncio.ensure_future(work()), 0.0
        while not task.done():
            turn = time.perf_counter()
            await asyncio.sleep(0)
            longest = max(longest, time.perf_counter() - turn)
            await asyncio.sleep(0.0005)
        await task
        took.append((time.perf_counter() - begun) * 1000)
        used.append((time.process_time() - spent) * 1000)
        lags.append(longest * 1000)
    return statistics.median(took), statistics.median(used), statistics.median(lags)


async def _history(database: Database) -> None:
    begin = int(time.time() * 1000) - 365 * DAY_MS

    def fill(connection: sqlite3.Connection) -> None:
        at = begin
        for number in range(FINISHED):
            batch = create_batch(connection, 1)
            key = f"{100 + number // 10}-{number % 10}-story"
            row = create_story(connection, batch, key, status="done", entry_status="backlog", started_at=at)
            for place, command in enumerate(COMMANDS):
                seconds = 60 + (number * 37 + place * 101) % 900
                used = {"cost_usd": seconds / 600, "input_tokens": 9000, "output_tokens": 900}
                used |= {"cache_read_tokens": 90_000, "cache_write_tokens": 0}
                columns = {"story_id": row, "story_key": key, "story_keys": [key], "status": "success"}
                columns |= {"agent": "demo", "model": "sonnet", "started_at": at, "ended_at": at + seconds * 1000}
                create_command(connection, batch, command, **columns, **used)
                at += seconds * 1000
            at += DAY_MS // 2 - at % (DAY_MS // 2)

    await database.write(fill)
