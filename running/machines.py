"""The workers of other machines, as a run sees them: what a lane asks of them, and what they promise.

Protocols and values alone: the composition passes in what speaks to workers, and a run without one has none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agents import AgentSpec, Call, Outcome, Record, Usage
from running.check_process import VerifyResult


class MachineLostError(Exception):
    """The worker lost its lease of the lane: the command is interrupted, and runs again on another machine.

    The message says why, in one sentence.
    """


class LeftRunningError(Exception):
    """This server ends and the call goes on: its worker keeps what it says, and the next server adopts it."""


@dataclass(frozen=True, slots=True)
class LaneLease:
    """Which machine holds a lane, as the lane's row remembers it.

    `job` and `cursor` are the implementation's own: the job in the work queue, and the newest message of the lane that
    was taken. `token` grows with every machine that takes the lane.
    """

    machine: str
    job: str
    token: int
    cursor: int


@dataclass(frozen=True, slots=True)
class LaneJob:
    """A lane that is to be worked on by a worker.

    `name` is unique in the database (the worktree's folder and branch are named so), `top` the mirror: the lane's
    worktree here, in which `prefix` is the project's folder ("" or "apps/web/"). `untracked` returns the files below
    the project that git ignores or does not know and that the lane has as copies: they travel both ways, and so does
    whatever is untracked below the pathspecs of `planning`. The worker must have the `agents` and `labels`. `setup` is
    the command that makes a fresh worktree ready.
    `lease` is the newest one that was kept, None for a new lane.
    """

    epoch: str
    name: str
    branch: str
    top: Path
    prefix: str
    untracked: Callable[[], Sequence[str]]
    planning: tuple[str, ...]
    agents: tuple[str, ...]
    setup: str | None
    stories: tuple[str, ...]
    labels: tuple[str, ...] = ()
    lease: LaneLease | None = None


class RemoteProcess(Protocol):
    """A call of an agent on a worker: what a run uses of `agents.AgentProcess`.

    `wait` and `outcome` raise `MachineLostError`. They return when the mirror holds what the call has changed; `wait`
    when its recording is compressed as well. `pid` is None: no process of this machine.
    """

    pid: int | None
    start_time: str | None
    quiet_since: float | None

    @property
    def usage(self) -> Usage: ...

    @property
    def cost_usd(self) -> float | None: ...

    @property
    def estimated_usd(self) -> float: ...

    async def wait(self) -> Outcome: ...

    async def outcome(self) -> Outcome: ...

    def stop(self) -> None: ...

    def say(self, message_id: int, text: str) -> bool: ...

    def answer(self, text: str) -> bool: ...

    def leave(self) -> None:
        """Stop following the call, which goes on; `wait` and `outcome` raise `LeftRunningError`."""
        ...


class LaneMachine(Protocol):
    """The place of a lane on a worker. Every method raises `MachineLostError` once the lease is lost.

    `name` is the machine's name, as pages show it.
    """

    @property
    def name(self) -> str: ...

    async def start(
        self, spec: AgentSpec, call: Call, on_record: Callable[[Record], None], on_exit: Callable[[], None]
    ) -> RemoteProcess:
        """Bring the worker's tree to the mirror's state and start the call there, in the worker's own environment.

        The raw lines are written to `call.stream_path`. `call.options` are those of this machine's program: the worker
        asks its own. `on_exit` is called once the mirror holds the result.
        """
        ...

    async def adopt(
        self, spec: AgentSpec, call: Call, on_record: Callable[[Record], None], on_exit: Callable[[], None]
    ) -> RemoteProcess | None:
        """Return the call with this mark, which an earlier server has started; None where no worker was given it.

        Lines that `call.stream_path` holds already are counted (usage, outcome) and not reported to `on_record`.
        """
        ...

    async def verify(self, command: str) -> VerifyResult:
        """Run the project's check in the worker's tree, which is brought to the mirror's state before."""
        ...

    async def release(self, *, keep: bool) -> None:
        """Give the place back; `keep` leaves the lane's tree on the worker, whose story is not finished."""
        ...


class CommandPlace(Protocol):
    """Where the commands of a lane run: here, or on a worker, which another one follows when it is lost."""

    @property
    def machine(self) -> LaneMachine | None:
        """The worker that has the lane; None where the lane is worked on here, or has no place at the moment."""
        ...

    @property
    def is_ready(self) -> bool:
        """Whether the lane has a place."""
        ...

    async def ready(self) -> None:
        """Return when the lane has a place, here or on a worker. Raises `Stopped`."""
        ...

    async def lost(self, machine: LaneMachine, why: str) -> None:
        """The machine has lost the lane: the next command waits for another one."""
        ...


class Machines(Protocol):
    """All workers of a fleet."""

    @property
    def problem(self) -> str | None:
        """Why no worker can be reached now, in one sentence; None where that is possible."""
        ...

    def free(self, agents: Sequence[str], labels: Sequence[str] = ()) -> int:
        """Return how many places of workers that have these agents and labels are free, as far as is known."""
        ...

    def lack(self, job: LaneJob) -> str | None:
        """Return what no worker that is there has of a job's agents and labels; None where one only has no place."""
        ...

    async def take(self, job: LaneJob, keep: Callable[[LaneLease], Awaitable[None]]) -> LaneMachine | None:
        """Return a place on a worker, None where none is free within a moment; may be called again at once.

        A lane that a worker holds by `job.lease` gets that one. `keep` is awaited for each lease that is to be kept.
        Cancelling it takes the lane out of the queue.
        """
        ...

    async def forget(self, job: LaneJob) -> None:
        """End what still runs of a lane that is given up, and take it out of the queue."""
        ...
