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
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

import agents
import base.plausible
import events
import running.command_waits
import running.gate
import running.tracker
import running.workspace
import sprint
from agents import AgentSpec
from db import Database
from events import Event, EventType
from orchestrator import BadRequest, NotNow, Orchestrator, StartRequest
from running.candidates import candidates
from running.data_files import DataFiles
from running.gate import StopMode
from running.gates import CHOICES, GateKind
from running.hints import keep_hint
from running.repository import find_git
from running.workspace import Workspace
from runstate.fold import RunState
from settings import Settings
from store.batches import get_active_batch, get_last_batch
from store.job import Job
from store.log import get_events_since_batch
from store.skips import get_skips
from store.stories import get_stories_by_batch
from store.takeovers import TakeOverRow, get_takeovers
from store.writer import Writer
from tests.model.fakes import Fakes
from tests.model.mischief import Mischief
from tests.model.recording import ACCOUNT
from tests.servers import ROOT
from workflow import runnable

# In long runs only, the project is changed from outside at some moments (switched branches, stashes, lost folders),
# since each of them waits for its fix.
MISCHIEF = 0.15 if os.environ.get("SPRINT_RUNNER_MODEL_MISCHIEF") == "1" else 0.0
STEERED = 0.1  # of the verbs change what runs next
BY_HAND = 0.04  # of them give a hint, or take a story over
HANDED_BACK = 0.3  # of them hand a story back that is taken over
DECISIONS = 0.5  # of the verbs at a gate decide it
STALE_CONTEXTS = 0.5  # of the contexts are removed when stories are set back, the others become old
FIXES = 0.7  # of the resumes come when the cause is fixed
STATUSES = ("backlog", "ready-for-dev", "in-progress", "review")
AGENT = AgentSpec(name="fake", kind="claude", command=("fake",), model="sonnet", light_model="haiku")


def hurry(fakes: Fakes) -> None:
    """Everything that only takes time takes little of it."""
    for module, name, value in (
        (base.plausible, "LIMIT_BACKOFF_S", (0.005,)),
        (running.command_waits, "TRANSIENT_BACKOFF_S", (0.001, 0.001)),
        (running.gate, "WAIT_SLICE_S", 0.01),
        (running.tracker, "LOOK_S", 0.01),
        (running.workspace, "RETRY_S", 0.02),
        (agents, "start", fakes.start),
        (agents, "preflight", fakes.preflight),
        (agents, "sweep", fakes.sweep),
    ):
        assert hasattr(module, name)
        setattr(module, name, value)


def drawn(dice: random.Random, repository: bool) -> Settings:
    """Settings at random; two lanes need a repository."""
    return Settings(
        agent="fake",
        retries=1,
        max_code_review_attempts=dice.choice((2, 4)),
        commit_by=dice.choice(("runner", "agent")),
        commit_per=dice.choice(("story", "cycle")),
        gates=dice.choice(([], [], ["plan"], ["commit", "done"], ["plan", "commit", "done"])),
        parallel=dice.choice((1, 2)) if repository else 1,
        budget_batch_usd=dice.choice((None, 0.3, 2.0)),
        budget_day_usd=dice.choice((None, None, 1.0)),
    )


class Simulation:
    """One life: from opening the database to its end by a restart or by a kill."""

    def __init__(self, root: Path, dice: random.Random) -> None:
        self.root = root
        self.dice = dice
        self.mischief = Mischief(root, dice)
        self.settings = drawn(dice, self.mischief.repository)
        self.last_seq: int | None = None
        self.steered: set[str] = set()  # stories whose turn was changed by hand

    async def open(self) -> None:
        (self.root / ".sprint-runner").mkdir(exist_ok=True)
        self.mischief.fix()
        self.database = await Database.open(self.root / ".sprint-runner/sprint-runner.db")
        self.run_state = RunState()
        last = await self.database.read(get_last_batch)
        if last is not None:
            self.run_state.apply(map(event_of, await self.database.read(get_events_since_batch, last.id)))
        events.start(self.database, self.run_state.apply, self._count)
        workspace = Workspace(
            project=sprint.locate(self.root),
            settings=lambda: self.settings,
            agents={"fake": AGENT},
            database=self.database,
            data_dir=self.root / ".sprint-runner",
            prompts=ROOT / "prompts",
            git=None,
            clock=time.time,
            data_files=DataFiles(self.database, None, self._prepare),
        )
        workspace.git = await find_git(workspace)
        self.workspace = workspace
        self.orchestrator = Orchestrator(workspace, self.run_state)
        await self.orchestrator.recover()

    def _prepare(self) -> None:
        (self.root / ".sprint-runner").mkdir(exist_ok=True)

    def _count(self, committed: Sequence[Event]) -> None:
        """Events reach the page one after the other, without a gap."""
        for event in committed:
            if self.last_seq is not None and event.seq != self.last_seq + 1:
                report(f"event {event.seq} came after {self.last_seq}")
            self.last_seq = event.seq

    async def close(self) -> None:
        await self.orchestrator.shutdown()
        assert self.workspace.data_files is not None
        await self.workspace.data_files.restore()
        events.stop()
        await self.database.close()

    async def live(self) -> None:
        """Some batches, then a restart."""
        await self.open()
        for _ in range(self.dice.randrange(3, 12)):
            if not await self._begin():
                continue
            if not await self._meddle():
                break
            batch = self.run_state.run.batch
            self.mischief.fix()
            if batch is not None and batch.status == "completed":
                await self._is_complete(batch.id)
            print(f"ended {batch.id if batch else 0} {batch.status if batch else ''}", flush=True)
        await self.close()

    async def _begin(self) -> bool:
        """Continue with what is open, or start anew; False when there is nothing to run."""
        self.mischief.fix()
        try:
            if await self.database.read(get_active_batch) is not None and self.dice.random() < 0.8:
                if self.run_state.run.state != "paused":
                    await self.orchestrator.resume()
                return True
            cycles = self.dice.choice((1, 1, 2, None))
            await self.orchestrator.start(StartRequest(cycles=cycles))
        except NotNow as refused:
            if refused.code == "taken_over":
                await self._all_handed_back()
            if refused.code == "budget":
                self._raise_budgets()
            if refused.code in ("nothing_to_run", "cannot_run"):
                await self._bring_back()
                self._refill()
            return refused.code == "running"
        return True

    async def _all_handed_back(self) -> None:
        with suppress(NotNow):  # it is given to the operator only now
            for row in await self.database.read(get_takeovers):
                if row.returned_at is None:
                    await self._hand_back(row)

    def _raise_budgets(self) -> None:
        self.settings = msgspec.structs.replace(self.settings, budget_batch_usd=None, budget_day_usd=None)

    async def _is_complete(self, batch_id: int) -> None:
        """A batch that was to run all and is completed leaves no story that could run."""
        row = await self.database.read(get_last_batch)
        if row is None or row.id != batch_id or row.max_cycles is not None or row.only_stories is not None:
            return
        taken = {story.story_key for story in await self.database.read(get_stories_by_batch, batch_id)}
        skipped = set(await self.database.read(get_skips))
        left = [story.key for story in runnable(candidates(sprint.read(self.workspace.project), skipped))]
        if open_ := [key for key in left if key not in taken and key not in self.steered]:
            report(f"batch {batch_id} is completed, and the tracker has {', '.join(open_)}")

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
            except (NotNow, BadRequest):
                continue  # it does not fit the moment: that is an answer, too

    async def _verb(self, chance: float) -> None:
        for asked in self.run_state.run.attention:
            if asked.kind == "question" and asked.command_id is not None:
                await self.orchestrator.steering.answer(asked.command_id, "The first.")
                return
        for row in await self.orchestrator.steering.gates():
            if self.dice.random() < DECISIONS:
                decision = self.dice.choice(CHOICES[GateKind(row.kind)])
                await self.orchestrator.steering.decide(
                    row.id, decision, self.dice.choice((None, "src/a.py:1: smaller"))
                )
                return
        if self.dice.random() < STEERED:
            await self._steer()
            return
        if await self._by_hand():
            return
        if self.run_state.run.state in ("paused", "waiting"):
            if self.dice.random() < FIXES:
                self.mischief.fix()
                self._raise_budgets()
            await self.orchestrator.resume()
        elif self.dice.random() < MISCHIEF:
            self.mischief.do()
        elif chance < 0.15:
            self.orchestrator.pause()
        elif chance < 0.22:
            self.orchestrator.stop(StopMode.GRACEFUL)
        elif chance < 0.28:
            self.orchestrator.stop(StopMode.NOW)

    async def _steer(self) -> None:
        """Put a story aside or bring all back, set the queue, or when the batch stops."""
        keys = [story.key for story in sprint.read(self.workspace.project).stories]
        some = self.dice.sample(keys, self.dice.randrange(min(3, len(keys)) + 1))
        self.steered.update(keys)  # what runs depends on the moment from here on
        match self.dice.randrange(5):
            case 0:
                await self.orchestrator.steering.skip(self.dice.choice(keys), "not now")
            case 1:
                await self._bring_back()
            case 2:
                only = self.dice.random() < 0.3
                await self.orchestrator.steering.set_queue(
                    partial(msgspec.structs.replace, stories=tuple(some), only=only)
                )
            case 3:
                after = self.dice.choice(("story", "cycle", None))
                await self.orchestrator.steering.set_queue(partial(msgspec.structs.replace, after=after, at=None))
            case _:
                at = int(time.time() * 1000) + self.dice.randrange(50)
                await self.orchestrator.steering.set_queue(partial(msgspec.structs.replace, after="time", at=at))

    async def _by_hand(self) -> bool:
        """Hint at a story, take one over, or hand one back; whether anything was done."""
        if rows := [row for row in await self.database.read(get_takeovers) if row.returned_at is None]:
            if self.dice.random() < HANDED_BACK:
                await self._hand_back(rows[0])
                return True
            return False
        if self.dice.random() >= BY_HAND:
            return False
        key = self.dice.choice([story.key for story in sprint.read(self.workspace.project).stories])
        self.steered.add(key)
        if self.dice.random() < 0.5:
            await keep_hint(self.workspace, key, "Keep it small.")
        else:
            await self.orchestrator.takeovers.take_over(key)
        return True

    async def _hand_back(self, row: TakeOverRow) -> None:
        """Hand a story back, half of the times with a change of the operator's own."""
        file = Path(row.folder) / f"{row.story_key}.py"
        if row.taken_at is not None and file.parent.is_dir() and self.dice.random() < 0.5:
            with file.open("a") as text:
                text.write("# by hand\n")
        await self.orchestrator.takeovers.hand_back(row.story_key)

    async def _bring_back(self) -> None:
        for key in await self.database.read(get_skips):
            await self.orchestrator.steering.bring_back(key)

    def _refill(self) -> None:
        """The operator sets stories back: work for the batches to come. The context is removed, or becomes old."""
        context = self.workspace.project.output / "project-context.md"
        if self.dice.random() < STALE_CONTEXTS:
            context.unlink(missing_ok=True)
        elif context.exists():
            os.utime(context, (0, 0))
        for story in sprint.read(self.workspace.project).stories:
            if self.dice.random() < 0.7:
                sprint.set_status(self.workspace.project, story.key, self.dice.choice(STATUSES))


def report(law: str) -> None:
    """A law that does not hold, for the test."""
    print(f"broken {law}", flush=True)


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
    hurry(Fakes(seed + 1, root.parent / ACCOUNT))
    while True:
        await Simulation(root, dice).live()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *map(int, sys.argv[2:])))
