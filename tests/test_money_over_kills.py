"""The ledger equals the agents' own records, whatever was killed when; a finished call is never paid twice.

A real server, killed by SIGKILL, and real agent processes that write down what each of their results has cost.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unattended import LONG_S, POLL_S, Unattended

KILLS = int(os.environ.get("SPRINT_RUNNER_KILLS", "4"))
SEED = int(os.environ.get("SPRINT_RUNNER_KILLS_SEED", "7"))


class Paid:
    """A run whose agents keep their own books. `check` is the project's check."""

    def __init__(self, folder: Path, stories: dict[str, str], check: str) -> None:
        self.books = folder / "books.ndjson"
        script = folder / "check.sh"
        script.write_text(check.format(folder=folder))
        settings = {"verify": f"sh {script}", "retries": 0}
        self.run = Unattended(folder, stories, [], settings)

    async def start(self) -> None:
        await self.run.start(DEMO_AGENT_LEDGER=str(self.books))

    def records(self) -> dict[int, float]:
        """What each command's agent says that it has cost, by the command's id."""
        lines = self.books.read_text().splitlines() if self.books.exists() else []
        records = [json.loads(line) for line in lines]
        return {int(record["mark"].rpartition(":")[2]): record["usd"] for record in records}

    def booked(self) -> dict[int, float]:
        return {row["id"]: row["cost_usd"] or 0.0 for row in self.run.rows("SELECT id, cost_usd FROM commands")}


@pytest.fixture
async def paid(tmp_path: Path) -> AsyncIterator[Paid]:
    """Of which every check takes a while, the runner's second one so long that something must happen before."""
    made = Paid(tmp_path, {"1-1-a": "in-progress"}, "")
    yield made
    await made.run.end()


async def test_a_kill_between_result_and_verdict_costs_nothing(paid: Paid, tmp_path: Path) -> None:
    """The agent's own run of the check passes; that of the runner hangs, until the server is killed."""
    script = "if [ -e {f}/ran ] && [ ! -e {f}/hung ]; then touch {f}/hung; sleep 300; fi; touch {f}/ran"
    (tmp_path / "check.sh").write_text(script.format(f=tmp_path))
    await paid.start()
    await paid.run.post("start", batch_size="all")
    async with asyncio.timeout(LONG_S):
        while not (tmp_path / "hung").exists():
            await asyncio.sleep(POLL_S)
    await paid.run.kill()
    await paid.start()
    rows = paid.run.rows("SELECT status, cost_usd FROM commands WHERE command = 'dev-story'")
    assert [row["status"] for row in rows] == ["unchecked"]
    assert (await paid.run.post("resume"))[0] == 202
    await paid.run.until(lambda run: run["state"] == "idle")
    rows = paid.run.rows("SELECT status, cost_usd FROM commands WHERE command = 'dev-story'")
    assert [row["status"] for row in rows] == ["unchecked", "success"]
    assert rows[1]["cost_usd"] is None
    assert [await paid.run.faults(), paid.records() and differences(paid)] == [[], []]


@pytest.mark.slow
async def test_a_storm_of_kills_leaves_the_ledger_equal_to_the_agents_books(tmp_path: Path) -> None:
    stories = {"1-1-a": "backlog", "1-2-b": "in-progress", "2-1-c": "ready-for-dev"}
    paid, dice = Paid(tmp_path, stories, "sleep 0.2"), random.Random(SEED)
    try:
        await paid.start()
        await paid.run.post("start", batch_size="all")
        for _ in range(KILLS):
            await asyncio.sleep(0.5 + dice.random() * 2)
            await paid.run.kill()
            await paid.start()
            run = await paid.run.run()
            assert differences(paid) == [], f"seed {SEED}"
            if run["resumable"]:
                await paid.run.post("resume")
            elif run["state"] == "idle":
                break
        await paid.run.until(lambda run: run["state"] == "idle" and not run["resumable"])
        assert differences(paid) == []
        assert sum(paid.records().values()) > 0
        assert await paid.run.faults() == []
    finally:
        await paid.run.end()


def differences(paid: Paid) -> list[str]:
    """Commands whose agent's result record says something else than the ledger."""
    booked = paid.booked()
    return [
        f"command {id_}: the agent says {usd}, the ledger {booked.get(id_)}"
        for id_, usd in paid.records().items()
        if abs(booked.get(id_, 0.0) - usd) > 1e-9
    ]
