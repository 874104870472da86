"""The place of a lane: this machine, as far as it has places for lanes, or a worker of the fleet.

Promises: a lane that a worker holds goes back to that one, since a command may still run there; what waits for a place
is emitted, and so is every change of the machine; the lease is in the lane's row before anything is done with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from typing import Final, Literal

from payloads import LaneChange, or_unset
from running.gate import Gate, StopMode, Stopped
from running.lanes.worktree import Worktree
from running.machines import LaneJob, LaneLease, LaneMachine, MachineLostError, Machines
from running.workspace import Workspace, emit_durable, until_stored
from store.lanes import Lane, get_leased_lanes, update_lane

NOT_LEASED: Final[Mapping[str, str | int | None]] = dict.fromkeys(("machine", "job", "token", "cursor"))
ASKED_S: Final = 2.0  # until a request for a worker is a wait

log = logging.getLogger("sprint_runner.run")


class Places:
    """The places for lanes on this machine."""

    def __init__(self, count: int) -> None:
        self._free = count

    def take(self) -> bool:
        """Take a place; whether one was free."""
        if self._free <= 0:
            return False
        self._free -= 1
        return True

    def give_back(self) -> None:
        self._free += 1


class LanePlace:
    """The place of one lane. `machine` is the worker that has it."""

    def __init__(self, workspace: Workspace, gate: Gate, places: Places, lane: Lane, job: LaneJob) -> None:
        self.machine: LaneMachine | None = None
        self._workspace = workspace
        self._gate = gate
        self._places = places
        self._lane = lane
        self._job = job
        self._is_here = False
        self._waits = False
        self._asking: asyncio.Future[LaneMachine | None] | None = None  # kept, since the loop keeps weak references
        self._lock = asyncio.Lock()  # commands of one lane may begin side by side

    @property
    def is_ready(self) -> bool:
        return self._is_here or self.machine is not None

    async def ready(self) -> None:
        """Return when the lane has a place. Raises `Stopped`."""
        async with self._lock:
            while not self.is_ready:
                if self._gate.stop_mode is not None:
                    raise Stopped
                await self._take()
                if not self.is_ready:
                    await self._wait()

    async def lost(self, machine: LaneMachine, why: str) -> None:
        """Give up a machine that has lost the lane; the next command waits for another one."""
        if self.machine is not machine:
            return
        self.machine = None
        await self._emit("lost", why, machine.name)

    async def close(self, *, keep: bool) -> None:
        """Give the place back; `keep`: the lane is not finished. A command that an ending server leaves goes on."""
        if self._is_here:
            self._is_here = False
            self._places.give_back()
            self._gate.look_again()
        machine, self.machine = self.machine, None
        if machine is not None:
            with suppress(MachineLostError):  # it has given the lane up itself
                await machine.release(keep=keep)
            await self._store(NOT_LEASED)
            self._job = replace(self._job, lease=None)

    # -- inside ------------------------------------------------------------------------------------------------

    async def _take(self) -> None:
        # A lane that a worker holds is not taken here before that worker has given it up.
        machines = self._workspace.machines
        if (self._job.lease is None or machines is None) and self._places.take():
            self._is_here = True
            if self._waits:
                await self._emit("here", "goes on here")
            return
        machine = None if machines is None else await self._ask(machines)
        if machine is None:
            if machines is not None and machines.problem is None and self._job.lease is not None:
                self._job = replace(self._job, lease=None)  # no worker has it any more
                await self._store(NOT_LEASED)
            return
        self.machine = machine
        await self._emit("worker", f"is worked on by {machine.name}", machine.name)

    async def _ask(self, machines: Machines) -> LaneMachine | None:
        """Ask for a worker; what takes long, as without a connection, is a wait as well. Raises `Stopped`."""
        self._asking = asking = asyncio.ensure_future(machines.take(self._job, self._keep))
        try:
            while not (await asyncio.wait((asking,), timeout=ASKED_S))[0]:
                await self._tell_wait()
                if self._gate.stop_mode is not None:
                    raise Stopped
        finally:
            # A server that ends gives nothing up: the next one asks for the same machine.
            if self._gate.stop_mode is not StopMode.INTERRUPT:
                asking.cancel()
        return asking.result()

    async def _wait(self) -> None:
        await self._tell_wait()
        await self._gate.wait_for_change()

    async def _tell_wait(self) -> None:
        if not self._waits:
            machines = self._workspace.machines
            problem = None if machines is None else machines.problem or machines.lack(self._job)
            await self._emit("waiting", f"waits for a place on a worker{'' if problem is None else f': {problem}'}")

    async def _emit(
        self, state: Literal["waiting", "here", "worker", "lost"], what: str, machine: str | None = None
    ) -> None:
        self._waits = state == "waiting"
        keys = ", ".join(self._job.stories)
        message = what if state == "lost" else f"{keys} {what}"
        log.info("lane %s: %s", self._lane.worktree, message)
        await emit_durable(
            LaneChange(
                cycle_number=self._lane.cycle_number,
                story_keys=list(self._job.stories),
                state=state,
                machine=or_unset(machine),
                message=message,
            )
        )

    async def _keep(self, lease: LaneLease) -> None:
        self._job = replace(self._job, lease=lease)
        await self._store(asdict(lease))

    async def _store(self, columns: Mapping[str, str | int | None]) -> None:
        await until_stored(lambda: self._workspace.database.write(update_lane, self._lane.id, **columns))


async def job_of(worktree: Worktree, agents: Sequence[str], stories: Sequence[str]) -> LaneJob:
    """Return a lane as a worker is asked to take it."""
    workspace, untracked = worktree.workspace, worktree.untracked
    return LaneJob(
        epoch=workspace.database.epoch,
        name=worktree.names.worktree,
        branch=worktree.names.branch,
        top=worktree.top,
        prefix=worktree.prefix,
        untracked=untracked.left_out,
        planning=tuple(untracked.folders),
        agents=tuple(agents),
        setup=workspace.settings().worktree_setup,
        stories=tuple(stories),
        labels=tuple(workspace.settings().worker_labels),
        lease=lease_of(worktree.names),
    )


async def forget_lanes(workspace: Workspace, batch_id: int) -> None:
    """End what workers still do for the lanes of a batch that is not continued."""
    machines = workspace.machines
    if machines is None or workspace.git is None:
        return
    for lane in await workspace.database.read(get_leased_lanes, batch_id):
        await machines.forget(await job_of(await Worktree.of(workspace, lane), (), ()))
        await until_stored(partial(workspace.database.write, update_lane, lane.id, **NOT_LEASED))


def lease_of(lane: Lane) -> LaneLease | None:
    """Return the lease that the lane's row remembers."""
    if lane.machine is None:
        return None
    return LaneLease(lane.machine, lane.job or "", lane.token or 0, lane.cursor or 0)
