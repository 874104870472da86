"""Workers for tests, in this process: each has a clone of the project, in which it runs the real scripted agent.

What is theirs alone: trees are copied file by file, and no broker is between. What is real: the agent, git, the calls.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import agents
from agents import AgentProcess, AgentSpec, Call, Outcome, Record, Usage
from running.check_process import VerifyResult, run
from running.machines import LaneJob, LaneLease, LaneMachine, LeftRunningError, MachineLostError, RemoteProcess
from running.verify import arguments

State = dict[str, bytes | None]


def git(root: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def files_of(top: Path) -> State:
    """Every file of a tree but those of git, with its content."""
    paths = (path for path in top.rglob("*") if path.is_file() and ".git" not in path.relative_to(top).parts)
    return {str(path.relative_to(top)): path.read_bytes() for path in paths}


def apply(change: State, top: Path) -> None:
    for name, content in change.items():
        path = top / name
        if content is None:
            path.unlink(missing_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def changes(before: State, after: State) -> State:
    names = before.keys() | after.keys()
    return {name: after.get(name) for name in names if before.get(name) != after.get(name)}


class Tree:
    """A lane's tree on a worker, and what both sides had when they were last compared."""

    def __init__(self, job: LaneJob, top: Path) -> None:
        self.job, self.top = job, top
        self._shared: State = {}
        git(job.top, "clone", "-q", "--no-tags", str(job.top), str(top))
        for name in ("user.name", "user.email"):
            git(top, "config", name, "worker@localhost")
        self._head = git(top, "rev-parse", "HEAD")
        self._shared = files_of(top)

    def bring(self) -> None:
        """Give the worker what has changed here."""
        if (head := git(self.job.top, "rev-parse", "HEAD")) != self._head:
            git(self.top, "fetch", "-q", str(self.job.top), head)
            git(self.top, "reset", "-q", "--soft", head)
            self._head = head
        apply(changes(self._shared, files_of(self.job.top)), self.top)
        git(self.top, "reset", "-q")
        self._shared = files_of(self.job.top)

    def fetch(self) -> None:
        """Take what has changed there."""
        if (head := git(self.top, "rev-parse", "HEAD")) != self._head:
            git(self.job.top, "fetch", "-q", str(self.top), head)
            git(self.job.top, "reset", "-q", "--soft", head)
            self._head = head
        theirs = files_of(self.top)
        apply(changes(self._shared, theirs), self.job.top)
        git(self.job.top, "reset", "-q")
        self._shared = theirs


class WorkerCall:
    """A call on a worker. It outlives the server that has started it."""

    pid: int | None = None
    start_time: str | None = None

    def __init__(self, tree: Tree, process: AgentProcess) -> None:
        self.tree, self.process = tree, process
        self.records: list[Record] = []  # that nothing follows
        self.on_record: Callable[[Record], None] | None = None
        self.on_exit: Callable[[], None] = lambda: None
        self.quiet_since: float | None = None
        self.left = False
        self.lost = ""
        self.said: list[str] = []
        self._changed = asyncio.Event()
        self._done = asyncio.create_task(self._follow())

    def take(self, record: Record) -> None:
        if self.on_record is None:
            self.records.append(record)
        else:
            self.on_record(record)

    @property
    def usage(self) -> Usage:
        return self.process.usage

    @property
    def cost_usd(self) -> float | None:
        return self.process.cost_usd

    @property
    def estimated_usd(self) -> float:
        return self.process.estimated_usd

    def follow(self, on_record: Callable[[Record], None], on_exit: Callable[[], None]) -> None:
        self.left, self.on_record, self.on_exit = False, on_record, on_exit
        self._changed = asyncio.Event()
        for record in self.records:
            on_record(record)
        self.records.clear()

    async def _follow(self) -> Outcome:
        outcome = await self.process.wait()
        if not self.lost:
            self.tree.fetch()
            self.quiet_since = asyncio.get_running_loop().time()
        return outcome

    async def outcome(self) -> Outcome:
        changed = asyncio.ensure_future(self._changed.wait())
        await asyncio.wait((self._done, changed), return_when=asyncio.FIRST_COMPLETED)
        changed.cancel()
        if self.lost:
            raise MachineLostError(self.lost)
        if self.left:
            raise LeftRunningError
        self.on_exit()
        return self._done.result()

    wait = outcome

    def stop(self) -> None:
        self.process.stop()

    def say(self, message_id: int, text: str) -> bool:
        return self.process.say(message_id, text)

    def answer(self, text: str) -> bool:
        return self.process.answer(text)

    def leave(self) -> None:
        self.left, self.on_record = True, None
        self._changed.set()

    def lose(self, why: str) -> None:
        self.lost = why
        self.process.stop()
        self._changed.set()

    async def ended(self) -> None:
        self.process.stop()
        await asyncio.gather(self._done, return_exceptions=True)


@dataclass(eq=False)
class Worker:
    """A worker with places. `calls` are all that it was ever given, by their marks."""

    name: str
    folder: Path
    places: int = 1
    away: bool = False

    def __post_init__(self) -> None:
        self.lanes: dict[str, Tree] = {}
        self.calls: dict[str, WorkerCall] = {}
        self.verified: list[str] = []
        self.released: list[tuple[str, bool]] = []
        self.count = 0

    def lose(self, why: str = "") -> None:
        """Lose every lane, in the middle of whatever runs."""
        self.away = True
        self.lanes.clear()
        for call in self.calls.values():
            call.lose(why or f"{self.name} has lost its lease.")

    def tree(self, job: LaneJob) -> Tree:
        if self.away:
            raise MachineLostError(f"{self.name} is away.")
        if job.name not in self.lanes:
            self.count += 1
            self.lanes[job.name] = Tree(job, self.folder / f"{job.name}-{self.count}")
        return self.lanes[job.name]


class Machine:
    """The place of one lane on a worker."""

    def __init__(self, worker: Worker, job: LaneJob) -> None:
        self._worker, self._job = worker, job

    @property
    def name(self) -> str:
        return self._worker.name

    async def start(
        self, spec: AgentSpec, call: Call, on_record: Callable[[Record], None], on_exit: Callable[[], None]
    ) -> RemoteProcess:
        tree = self._worker.tree(self._job)
        tree.bring()
        made: list[WorkerCall] = []
        early: list[Record] = []

        def take(record: Record) -> None:
            made[0].take(record) if made else early.append(record)

        there = replace(call, cwd=tree.top / self._job.prefix, mark=f"{self.name}/{call.mark}")
        one = WorkerCall(tree, await agents.start(spec, there, take))
        one.records = early
        one.follow(on_record, on_exit)
        made.append(one)
        self._worker.calls[call.mark] = one
        return one

    async def adopt(
        self, spec: AgentSpec, call: Call, on_record: Callable[[Record], None], on_exit: Callable[[], None]
    ) -> RemoteProcess | None:
        one = self._worker.calls.get(call.mark)
        if one is not None:
            one.follow(on_record, on_exit)
        return one

    async def verify(self, command: str) -> VerifyResult:
        tree = self._worker.tree(self._job)
        tree.bring()
        self._worker.verified.append(command)
        return await run(arguments(command), tree.top / self._job.prefix)

    async def release(self, *, keep: bool) -> None:
        self._worker.lanes.pop(self._job.name, None)
        self._worker.released.append((self._job.name, keep))


class FakeMachines:
    """Some workers. They go on when a server ends."""

    def __init__(self, folder: Path, *names: str, places: int = 1) -> None:
        self.workers = [Worker(name, folder / name, places) for name in names]
        for worker in self.workers:
            worker.folder.mkdir(parents=True)
        self.problem: str | None = None
        self.jobs: list[LaneJob] = []
        self.forgotten: list[str] = []
        self._tokens = 0
        self.connected = asyncio.Event()  # without it nobody answers
        self.connected.set()

    def lack(self, job: LaneJob) -> str | None:
        return f"no worker has the label {job.labels[0]}" if job.labels else None

    def free(self, agents: Sequence[str], labels: Sequence[str] = ()) -> int:
        return sum(max(0, worker.places - len(worker.lanes)) for worker in self.workers if not worker.away)

    async def take(self, job: LaneJob, keep: Callable[[LaneLease], Awaitable[None]]) -> LaneMachine | None:
        await self.connected.wait()
        holder = next((worker for worker in self.workers if job.name in worker.lanes and not worker.away), None)
        free = (worker for worker in self.workers if not worker.away and len(worker.lanes) < worker.places)
        worker = holder or next(free, None)
        if worker is None:
            return None
        self.jobs.append(job)
        worker.tree(job)
        if holder is None:
            self._tokens += 1
        await keep(LaneLease(worker.name, f"job-{job.name}", self._tokens, len(self.jobs)))
        return Machine(worker, job)

    async def forget(self, job: LaneJob) -> None:
        self.forgotten.append(job.name)
        for worker in self.workers:
            worker.lanes.pop(job.name, None)
            for call in worker.calls.values():
                if call.tree.job.name == job.name:
                    call.stop()

    async def close(self) -> None:
        for worker in self.workers:
            for call in worker.calls.values():
                await call.ended()
            with suppress(OSError):
                shutil.rmtree(worker.folder)
