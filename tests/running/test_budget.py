"""Tests of budgets: which warning or pause is emitted at which share, each of them once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

import events
from db import Database
from events import Event
from running.budget import Budget
from running.gate import Gate
from running.workspace import Workspace
from settings import Settings
from store.batches import create_batch
from store.commands import create_command
from store.stories import create_story, update_story

NOON = 1_767_261_600.0  # a day in January; only differences count
DAY_S = 86_400.0
NEW_BATCH = "stop the batch and start another one with a larger budget"


class Purse:
    """A ledger, a gate, a budget, and what was emitted."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.now, self.logged = database, NOON, cast(list[Event], [])
        self.settings = Settings()
        events.start(database, self.hear)
        nothing = cast(Any, None)
        self.workspace = Workspace(nothing, lambda: self.settings, {}, database, folder, folder, None, lambda: self.now)

    async def open(self, cap: float | None) -> None:
        self.batch_id = await self.database.write(create_batch, None)
        self.gate = Gate(self.workspace, self.batch_id)
        self.budget = Budget(self.workspace, self.batch_id, cap)

    def hear(self, committed: Sequence[Event]) -> None:
        self.logged += committed

    async def spend(self, dollars: float, **more: int | str) -> list[str]:
        """What is said after a command of such a cost."""
        before = len(self.logged)
        columns = {"cost_usd": dollars, "started_at": int(self.now * 1000), **more}
        await self.database.write(create_command, self.batch_id, "dev-story", **columns)
        await self.budget.look(self.gate)
        return [event.payload["message"] for event in self.logged[before:]]


@pytest.fixture
async def purse(tmp_path: Path) -> AsyncIterator[Purse]:
    database = await Database.open(tmp_path / "ledger.db")
    yield Purse(database, tmp_path)
    events.stop()
    await database.close()


async def test_at_eighty_percent_it_warns_and_at_a_hundred_it_pauses(purse: Purse) -> None:
    await purse.open(10)
    assert await purse.spend(7.9) == []
    assert await purse.spend(0.1) == ["$8.00 of the batch's budget of $10.00 is spent"]
    assert not purse.gate.paused
    assert await purse.spend(1.9) == []
    assert await purse.spend(0.1) == [f"$10.00 of the batch's budget of $10.00 is spent: {NEW_BATCH}"]
    assert purse.gate.reason == "budget"
    assert purse.logged[0].type == "batch:warning"
    assert purse.logged[0].payload["warning_type"] == "budget"
    assert purse.logged[1].type == "attention"


async def test_a_resume_does_not_open_a_full_cap(purse: Purse) -> None:
    await purse.open(1)
    await purse.spend(2)
    purse.gate.resume()
    assert await purse.spend(2) == []  # reported once
    assert purse.gate.reason == "budget"
    assert await purse.budget.refusal() == f"$4.00 of the batch's budget of $1.00 is spent: {NEW_BATCH}"


async def test_a_larger_cap_opens_it(purse: Purse) -> None:
    purse.settings = Settings(budget_batch_usd=1)
    await purse.open(None)
    await purse.spend(2)
    refusal = await purse.budget.refusal()
    assert refusal is not None
    assert refusal.endswith("raise budget_batch_usd to continue")
    purse.settings = Settings(budget_batch_usd=3)
    assert await purse.budget.refusal() is None
    purse.gate.resume()
    assert await purse.spend(2) == [
        "$4.00 of the batch's budget of $3.00 is spent",
        "$4.00 of the batch's budget of $3.00 is spent: raise budget_batch_usd to continue",
    ]


async def test_the_cap_of_the_settings_counts_where_the_batch_has_none(purse: Purse) -> None:
    await purse.open(None)
    assert await purse.spend(100) == []
    purse.settings = Settings(budget_batch_usd=50)
    assert len(await purse.spend(1)) == 2  # the warning, and that it is reached: one call may leap over both
    assert purse.gate.reason == "budget"


async def test_the_day_has_a_cap_of_its_own_on_every_day(purse: Purse) -> None:
    purse.settings = Settings(budget_day_usd=5)
    await purse.open(None)
    assert "of the day's budget" in (await purse.spend(6))[0]
    purse.now += DAY_S
    assert await purse.budget.refusal() is None
    purse.gate.resume()
    assert await purse.spend(4.5) == ["$4.50 of the day's budget of $5.00 is spent"]
    assert not purse.gate.paused
    await purse.spend(1)
    assert purse.gate.reason == "budget"


async def test_tokens_have_caps_of_their_own(purse: Purse) -> None:
    """Models without a price cost nothing that is known: only their tokens can be counted."""
    purse.settings = Settings(budget_batch_tokens=1000, budget_day_tokens=5000)
    await purse.open(None)
    tokens = {"input_tokens": 100, "output_tokens": 200, "cache_read_tokens": 300, "cache_write_tokens": 250}
    assert await purse.spend(0, **tokens) == ["850 of the batch's budget of 1,000 tokens are used"]
    assert await purse.budget.remaining() is None
    assert not purse.gate.paused
    assert await purse.spend(0, input_tokens=150) == [
        "1,000 of the batch's budget of 1,000 tokens are used: raise budget_batch_tokens to continue"
    ]
    assert purse.gate.reason == "budget"
    purse.settings = Settings(budget_day_tokens=1000)
    assert "of the day's budget of 1,000 tokens" in (await purse.budget.refusal() or "")
    purse.now += DAY_S
    assert await purse.budget.refusal() is None


async def test_what_is_left_is_that_of_the_smallest_cap(purse: Purse) -> None:
    purse.settings = Settings(budget_day_usd=5)
    await purse.open(10)
    await purse.spend(2)
    assert await purse.budget.remaining() == 3
    await purse.spend(4)
    assert await purse.budget.remaining() == 0


async def test_after_the_batch_nothing_is_said(purse: Purse) -> None:
    await purse.open(1)
    purse.gate.close()
    assert await purse.spend(2) == []
    assert not purse.gate.paused


async def test_a_story_and_a_command_have_caps_of_their_own(purse: Purse) -> None:
    """A story counts in all batches, a command with its attempts, and neither when it is over."""
    purse.settings = Settings(budget_story_usd=5, budget_command_usd=2)
    await purse.open(None)
    batch, story = purse.batch_id, {"story_key": "1-1-a"}
    row = await purse.database.write(create_story, batch, "1-1-a")
    assert await purse.budget.remaining("1-1-a", "dev-story") == 2
    assert await purse.spend(1.5, status="error", **story) == []
    assert await purse.budget.remaining("1-1-a", "dev-story") == 0.5
    assert await purse.budget.remaining("1-1-a", "code-review-1") == 2
    assert await purse.spend(0.5, **story) == [
        "1-1-a dev-story: $2.00 of the command's budget of $2.00 is spent",
        "1-1-a dev-story: $2.00 of the command's budget of $2.00 is spent: raise budget_command_usd to continue",
    ]
    assert purse.gate.reason == "budget"
    purse.settings = Settings(budget_story_usd=5)
    assert await purse.budget.refusal() is None
    other = await purse.database.write(create_batch, None)
    await purse.database.write(create_command, other, "dev-story", cost_usd=3.0, **story)
    refusal = await purse.budget.refusal()
    assert refusal is not None
    assert refusal.startswith("1-1-a: $5.00 of the story's budget of $5.00 is spent: ")
    await purse.database.write(update_story, row, ended_at=1)
    assert await purse.budget.refusal() is None
