"""What agents report of their windows, from recordings of the real programs to rows and events, only on a change."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

import events
from agents import LimitSeen
from agents.codex_quota import windows_of
from db import Database
from events import Event
from running.quota import Quota
from running.seen_windows import SeenWindows, record_windows
from running.workspace import Workspace
from settings import Settings
from store.quota import current, history
from tests.agents.streams import RECORDINGS, read, recording

DAY_S = 86_400.0
RESET = 1_900_000_000.0  # of the recordings of Claude Code


class Watch:
    """A database, a clock, and what was emitted."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.now, self.logged = database, RESET - 3600, cast(list[Event], [])
        events.start(database, self.hear)
        nothing = cast(Any, None)
        self.workspace = Workspace(nothing, Settings, {}, database, folder, folder, None, lambda: self.now)

    def hear(self, committed: Sequence[Event]) -> None:
        self.logged += committed

    async def see(self, *seen: LimitSeen, account: str = "claude") -> list[tuple[str, float, float | None]]:
        """The rows that these reports add."""
        before = len(await self.database.read(history, 0))
        await record_windows(self.workspace, account, seen)
        rows = (await self.database.read(history, 0))[before:]
        return [(row.window, row.used_fraction, row.resets_at and row.resets_at / 1000) for row in rows]


@pytest.fixture
async def watch(tmp_path: Path) -> AsyncIterator[Watch]:
    database = await Database.open(tmp_path / "quota.db")
    yield Watch(database, tmp_path)
    events.stop()
    await database.close()


def limits(kind: str, case: str) -> list[LimitSeen]:
    records, _ = read(recording(kind, case))
    return [record for record in records if isinstance(record, LimitSeen)]


RECORDED = [
    ("claude", "ratelimit_warning_oauth", [("5 h", 0.93, RESET)]),
    ("claude", "ratelimit_rejected_oauth", [("5 h", 1.0, RESET)]),
    ("claude", "ratelimit_rejected_apikey", []),  # with a key there are no windows
    ("claude", "ratelimit_headers_apikey", []),
    ("codex", "err_usage_limit", [("limit", 1.0, None)]),  # "try again later"
    ("codex", "usage_limit_at_0.171.0", [("limit", 1.0, None)]),  # its date is years before the clock of this test
    ("codex", "err_429_quota", []),  # no money is left: no window
    ("gemini", "err_429_forever", []),
    *((kind, "retry_429_then_ok", []) for kind in ("claude", "gemini", "opencode", "qwen")),
]


@pytest.mark.parametrize(("kind", "case", "rows"), RECORDED)
async def test_recordings_of_every_agent(watch: Watch, kind: str, case: str, rows: list[Any]) -> None:
    assert await watch.see(*limits(kind, case)) == rows


async def test_a_limit_of_codex_in_words_and_its_windows(watch: Watch) -> None:
    (said,) = limits("codex", "usage_limit_at_0.171.0")
    assert said.resets_at is not None
    watch.now = said.resets_at - 7200
    assert await watch.see(said, account="codex") == [("limit", 1.0, said.resets_at)]
    answer = (RECORDINGS / "app_server/codex-0.171.0-login.ndjson").read_text()
    result = next(message for message in map(json.loads, answer.splitlines()) if message.get("id") == 2)["result"]
    watch.now = 1_795_966_071.0 - 60
    assert await watch.see(*windows_of(result), account="codex") == [
        ("5 h", 1.0, 1_795_966_071.0),
        ("week", 0.4, 1_796_048_871.0),
    ]


# before, then, whether that is a change
CHANGES = [
    ((0.5, 3600), (0.5, 3600), False),
    ((0.5, 3600), (0.503, 3630), False),  # less than is worth a row
    ((0.5, 3600), (0.51, 3600), True),
    ((0.5, 3600), (0.4, 3600), True),
    ((0.998, 3600), (1.0, 3600), True),  # it is used up
    ((0.5, 3600), (0.5, 9000), True),
    ((0.5, 3600), (0.5, None), True),
    ((0.5, 3600), (0.5, 99 * DAY_S), True),  # a reset that cannot be is not known
    ((0.5, 3600), (float("nan"), 3600), False),
    ((0.5, 3600), (-1.0, 3600), False),
    ((0.5, 3600), (93.0, 3600), False),
    ((0.5, 3600), (None, 3600), False),
]


@pytest.mark.parametrize(("before", "then", "changes"), CHANGES)
async def test_only_a_change_is_written(watch: Watch, before: Any, then: Any, changes: bool) -> None:
    def limit(used: float | None, resets_in: float | None) -> LimitSeen:
        return LimitSeen(False, None if resets_in is None else watch.now + resets_in, "five_hour", used)

    await watch.see(limit(*before))
    assert bool(await watch.see(limit(*then))) is changes
    assert len(watch.logged) == 1 + changes


async def test_row_and_event_are_the_same_and_survive_the_server(watch: Watch) -> None:
    seen = SeenWindows(watch.workspace, "claude ~/.second")
    for used in (0.1, 0.2, 0.2, 0.3):
        seen.take(LimitSeen(False, watch.now + 60, "seven_day_opus", used))
    await seen.close()
    rows = await watch.database.read(history, 0)
    assert [event.payload for event in watch.logged] == [
        {name: getattr(row, name) for name in row.__struct_fields__} for row in rows
    ]
    assert [row.used_fraction for row in rows] == [0.1, 0.2, 0.3]
    again = Quota()
    await again.load(watch.database)
    (window,) = again.windows_of("claude ~/.second")
    assert (window.name, window.used) == ("week, opus", 0.3)
    assert await watch.database.read(current) == rows[-1:]
