"""A random walk over HTTP on a real server with real agent processes that misbehave; after each batch every law holds.

A few batches of the whole program, where `test_model.py` has thousands with agents that are played. What the walk does
comes from a seed; how far everything has come by then does not. SPRINT_RUNNER_WALK_SECONDS and SPRINT_RUNNER_WALK_SEED
make it longer and another.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest

import sprint
from tests.unattended import LONG_S, Unattended

SECONDS = float(os.environ.get("SPRINT_RUNNER_WALK_SECONDS", "15"))
SEED = int(os.environ.get("SPRINT_RUNNER_WALK_SEED", "3"))
CHAOS = 0.25
BATCHES = 2  # that the shortest walk goes through
STATUSES = ("backlog", "ready-for-dev", "in-progress", "review", "review")
STORIES = {"1-1-a": "review", "1-2-b": "in-progress", "2-1-c": "ready-for-dev", "2a-1-d": "review", "10-1-e": "backlog"}
SETTINGS = {
    "retries": 1,
    "silence_timeout_min": 0.05,
    "max_code_review_attempts": 4,
    "verify": "git status --short",
    "parallel": 1 + SEED % 2,
}
STEP_S = 0.8  # between two steps, at most
STEPS = {"look": 60, "pause": 6, "graceful": 5, "now": 6, "kill": 5, "end": 3}


class Walk:
    """One walk; `taken` counts its steps."""

    def __init__(self, simulation: Unattended, dice: random.Random) -> None:
        self.simulation = simulation
        self.dice = dice
        self.taken: Counter[str] = Counter()

    async def batch(self) -> None:
        """From a start to the end of the batch, whatever lies between."""
        while not await self._begin():
            self._refill()
        async with asyncio.timeout(LONG_S):
            while (run := await self.simulation.run())["state"] != "idle" or run["resumable"]:
                if run["state"] == "idle":
                    assert self.simulation.left_alive() == []
                    await self._post(*(("start",) if self.dice.random() < 0.2 else ("resume",)))
                await self._step()
                await asyncio.sleep(self.dice.random() * STEP_S)

    async def _begin(self) -> bool:
        size = self.dice.choice((1, 1, 2, "all"))
        status, answer = await self.simulation.post("start", batch_size=size)
        assert status == 202 or answer["error"]["code"] == "nothing_to_run", answer
        return status == 202

    async def _step(self) -> None:
        """A verb that does not fit the moment is refused, which is an answer, too."""
        run = await self.simulation.run()
        asked = [each["command_id"] for each in run["attention"] if each["kind"] == "question"]
        if run["state"] == "paused" and asked and self.dice.random() < 0.7:
            await self._post("answer", command_id=asked[-1], text="The first of the two.")
            return
        if run["state"] in ("paused", "waiting") and self.dice.random() < 0.4:
            await self._post("resume")
            return
        step = self.dice.choices(list(STEPS), list(STEPS.values()))[0]
        if step == "pause":
            await self._post("pause")
        elif step in ("graceful", "now"):
            await self._post("stop", mode=step)
        elif step in ("kill", "end"):
            await self._restart(step)

    async def _restart(self, step: str) -> None:
        self.taken[step] += 1
        await (self.simulation.kill() if step == "kill" else self.simulation.end())
        await self.simulation.start(SPRINT_RUNNER_AUTO_RESUME=self.dice.choice(("true", "false")))

    async def _post(self, path: str, **fields: object) -> None:
        status, answer = await self.simulation.post(path, **fields)
        assert status in (202, 409), (path, status, answer)
        self.taken[path if status == 202 else f"{path} refused"] += 1

    def _refill(self) -> None:
        """The operator sets stories back: work for the batches to come."""
        project = sprint.locate(self.simulation.root)
        for story in sprint.read(project).stories:
            if story.raw_status in ("done", "blocked"):
                sprint.set_status(project, story.key, self.dice.choice(STATUSES))


@pytest.mark.slow
async def test_a_walk_leaves_everything_in_order(tmp_path: Path) -> None:
    simulation = Unattended(tmp_path, STORIES, ["--chaos", f"{SEED}:{CHAOS}"], SETTINGS)
    walk = Walk(simulation, random.Random(SEED))
    await simulation.start()
    try:
        end, batches = time.monotonic() + SECONDS, 0
        while time.monotonic() < end or batches < BATCHES:
            await walk.batch()
            batches += 1
            assert await simulation.faults() == [], f"seed {SEED}, batch {batches}, {walk.taken}"
            print(f"batch {batches}: {dict(walk.taken)}")
    except BaseException:
        print(f"seed {SEED}, {walk.taken}, {simulation.server.errors()[-3000:]}")
        raise
    finally:
        await simulation.end()
