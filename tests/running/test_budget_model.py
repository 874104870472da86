"""A cap holds in every order of pause, resume, question, answer, crossing, new day, raised cap and kill.

Random walks over the real gate, ledger and log. The law: no command begins while a cap is reached.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

import events
import running.gate
from db import Database
from events import Event
from running.budget import Budget
from running.caps import today_ms
from running.gate import Gate
from running.workspace import Workspace
from settings import Settings
from store.batches import create_batch
from store.commands import cost_since, create_command
from store.spending import spent_of_batch

NOON = 1_767_261_600.0
DAY_S = 86_400.0
STEPS = 60
ACTIONS = {"spend": 30, "pause": 10, "resume": 14, "ask": 8, "answer": 10, "kill": 8, "raise": 3, "day": 3, "limit": 6}


class Walk:
    """One batch: what it has spent, how it is paused, and the command that waits at its gate."""

    def __init__(self, database: Database, folder: Path, dice: random.Random) -> None:
        self.database, self.dice, self.now = database, dice, NOON
        self.settings = Settings(budget_batch_usd=1.0, budget_day_usd=1.5)
        self.reason: str | None = None  # as the pages see it
        self.begun = 0
        self.broken: list[str] = []
        self.trace: list[str] = []
        self.entering: asyncio.Task[None] | None = None
        events.start(database, self._fold)
        nothing = cast(Any, None)
        self.workspace = Workspace(nothing, lambda: self.settings, {}, database, folder, folder, None, lambda: self.now)

    def _fold(self, committed: Sequence[Event]) -> None:
        for event in committed:
            if event.type == "batch:pause":
                self.reason = event.payload["reason"]
            elif event.type == "batch:resume":
                self.reason = None

    async def open(self) -> None:
        self.batch_id = await self.database.write(create_batch, None)
        self._launch()

    def _launch(self) -> None:
        self.gate = Gate(self.workspace, self.batch_id)
        self.budget = Budget(self.workspace, self.batch_id, None)
        self.gate.caps = self.budget
        if self.reason is not None:
            self.gate.pause(self.reason, announced=True)

    async def reached(self) -> bool:
        batch = (await self.database.read(spent_of_batch, self.batch_id)).usd
        day = await self.database.read(cost_since, today_ms(self.now))
        return batch >= (self.settings.budget_batch_usd or 0) or day >= (self.settings.budget_day_usd or 0)

    async def command(self) -> None:
        """Let a command wait at the gate; what enters spends."""
        if self.entering is None:
            self.entering = asyncio.create_task(self.gate.enter())
        await asyncio.wait({self.entering}, timeout=0.02)
        if not self.entering.done():
            return
        self.entering = None
        if await self.reached():
            self.broken.append(" ".join(self.trace))
        self.begun += 1
        with self.gate.command():
            if self.dice.random() < 0.3:
                self.gate.pause("operator")  # while the command runs that may cross the cap
            cost = {"cost_usd": self.dice.random() / 2, "started_at": int(self.now * 1000)}
            await self.database.write(create_command, self.batch_id, "dev-story", **cost)
        await self.budget.look(self.gate)

    async def step(self) -> None:
        action = self.dice.choices(list(ACTIONS), list(ACTIONS.values()))[0]
        self.trace.append(action)
        match action:
            case "pause":
                self.gate.pause("operator")
            case "resume":
                self.gate.resume()
            case "ask":
                self.gate.ask(1, None)
            case "answer":
                self.gate.answer(1)
            case "limit":
                self.gate.pause("usage-limit", self.now - 1)
            case "raise":
                usd = (self.settings.budget_batch_usd or 0) + 1
                self.settings = Settings(budget_batch_usd=usd, budget_day_usd=usd + 0.5)
            case "day":
                self.now += DAY_S
            case "kill":
                await self.leave()
                self._launch()
        await self.command()

    async def leave(self) -> None:
        if self.entering is not None:
            self.entering.cancel()
            await asyncio.gather(self.entering, return_exceptions=True)
            self.entering = None


@pytest.fixture
async def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    monkeypatch.setattr(running.gate, "WAIT_SLICE_S", 0.002)
    database = await Database.open(tmp_path / "ledger.db")
    yield database
    events.stop()
    await database.close()


@pytest.mark.parametrize("seed", range(6))
async def test_no_command_begins_while_a_cap_is_reached(database: Database, tmp_path: Path, seed: int) -> None:
    walk = Walk(database, tmp_path, random.Random(seed))
    await walk.open()
    for _ in range(STEPS):
        await walk.step()
    await walk.leave()
    assert walk.broken == []
    assert walk.begun >= 2
