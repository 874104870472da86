"""A runner with agents in its own process, which runs short batches until it is killed.

`python -m tests.model.simulation FOLDER SEED [COMMIT]`: opens the project in FOLDER as the server would, recovers, then
runs batch after batch, with pauses, stops, restarts and answers at random moments, until it kills itself at COMMIT. A
line on standard output for every batch that ended. What it leaves behind is looked at by `tests/model/laws.py`.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

import agents
import base.plausible
import events
import running.command
import running.gate
import sprint
from agents import AgentSpec
from db import Database
from events import Event, EventType
from orchestrator import NotNow, Orchestrator, StartRequest
from running.gate import StopMode
from running.workspace import Workspace
from runstate.fold import RunState
from settings import Settings
from store.batches import get_active_batch, get_last_batch
from store.job import Job
from store.log import get_events_since_batch
from store.writer import Writer
from tests.model.fakes import Fakes
from tests.servers import ROOT

STATUSES = ("backlog", "ready-for-dev", "in-progress", "review")
AGENT = AgentSpec(name="fake", kind="claude", command=("fake",), model="sonnet", light_model="haiku")


def hurry(fakes: Fakes) -> None:
    """Everything that only takes time takes little of it."""
    for module, name, value in (
        (base.plausible, "LIMIT_BACKOFF_S", (0.005,)),
        (running.command, "TRANSIENT_BACKOFF_S", (0.001, 0.001)),
        (running.gate, "WAIT_SLICE_S", 0.01),
        (agents, "start", fakes.start),
        (agents, "preflight", fakes.preflight),
        (agents, "sweep", fakes.sweep),
    ):
        assert hasattr(module, name)
        setattr(module, name, value)


class Simulation:
    """One life: from opening the database to its end by a restart or by a kill."""

    def __init__(self, root: Path, dice: random.Random) -> None:
        self.root = root
        self.dice = dice

    async def open(self) -> None:
        self.database = await Database.open(self.root / ".sprint-runner/sprint-runner.db")
        self.run_state = RunState()
        last = await self.database.read(get_last_batch)
        if last is not None:
            self.run_state.apply(map(event_of, await self.database.read(get_events_since_batch, last.id)))
        events.start(self.database, self.run_state.apply)
        settings = Settings(agent="fake", retries=1, max_code_review_attempts=4)
        workspace = Workspace(
            project=sprint.locate(self.root),
            settings=lambda: settings,
            agents={"fake": AGENT},
            database=self.database,
            data_dir=self.root / ".sprint-runner",
            prompts=ROOT / "prompts",
            git=None,
            clock=time.time,
        )
        self.workspace = workspace
        self.orchestrator = Orchestrator(workspace, self.run_state)
        await self.orchestrator.recover()

    async def close(self) -> None:
        await self.orchestrator.shutdown()
        events.stop()
        await self.database.close()

    async def live(self) -> None:
        """Some batches, then a restart."""
        await self.open()
        for _ in range(self.dice.randrange(3, 12)):
            if not await self._begin():
                self._refill()
                continue
            if not await self._meddle():
                break
            batch = self.run_state.run.batch
            print(f"ended {batch.id if batch else 0} {batch.status if batch else ''}", flush=True)
        await self.close()

    async def _begin(self) -> bool:
        """Go on with what is open, or start anew; False when there is nothing to run."""
        try:
            if await self.database.read(get_active_batch) is not None and self.dice.random() < 0.8:
                if self.run_state.run.state != "paused":
                    await self.orchestrator.resume()
                return True
            cycles = self.dice.choice((1, 1, 2, None))
            await self.orchestrator.start(StartRequest(cycles=cycles))
        except NotNow as refused:
            return refused.code == "running"
        return True

    async def _meddle(self) -> bool:
        """Verbs at random moments until the batch has ended; False when the simulation is to end in its middle."""
        finished = asyncio.ensure_future(self.orchestrator.finished())
        while True:
            done, _ = await asyncio.wait({finished}, timeout=self.dice.random() * 0.05)
            if done:
                return True
            chance = self.dice.random()
            if chance < 0.03:
                finished.cancel()
                await asyncio.gather(finished, return_exceptions=True)
                return False
            try:
                await self._verb(chance)
            except NotNow:
                continue  # it does not fit the moment: that is an answer, too

    async def _verb(self, chance: float) -> None:
        for asked in self.run_state.run.attention:
            if asked.kind == "question" and asked.command_id is not None:
                await self.orchestrator.answer(asked.command_id, "The first.")
                return
        if self.run_state.run.state in ("paused", "waiting"):
            await self.orchestrator.resume()
        elif chance < 0.15:
            self.orchestrator.pause()
        elif chance < 0.22:
            self.orchestrator.stop(StopMode.GRACEFUL)
        elif chance < 0.28:
            self.orchestrator.stop(StopMode.NOW)

    def _refill(self) -> None:
        """The operator sets stories back: work for the batches to come."""
        for story in sprint.read(self.workspace.project).stories:
            if self.dice.random() < 0.7:
                sprint.set_status(self.workspace.project, story.key, self.dice.choice(STATUSES))


def event_of(row: object) -> Event:
    return Event(
        type=EventType(row.type),  # type: ignore[attr-defined]
        payload=msgspec.json.decode(row.payload),  # type: ignore[attr-defined]
        timestamp=row.timestamp,  # type: ignore[attr-defined]
        seq=row.seq,  # type: ignore[attr-defined]
        batch_id=row.batch_id,  # type: ignore[attr-defined]
    )


def kill_at(commit: int) -> None:
    """Kill this process when the writer has made so many commits, before the loop hears of the last one."""
    call_back = Writer._call_back

    def counted(writer: Writer, units: list[list[Job[Any]]]) -> None:
        if writer.commits >= commit:
            os.kill(os.getpid(), signal.SIGKILL)
        call_back(writer, units)

    Writer._call_back = counted  # type: ignore[method-assign,assignment]


async def main(root: Path, seed: int, commit: int = 0) -> None:
    dice = random.Random(seed)
    if commit:
        kill_at(commit)
    hurry(Fakes(seed + 1))
    while True:
        await Simulation(root, dice).live()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *map(int, sys.argv[2:])))
