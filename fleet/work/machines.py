"""All workers of a fleet, as the coordinator of one project uses them.

Promises: a lane has one job in the queue, however often it is asked for; a lane that no worker takes within a moment is
out of the queue; while there is no connection no lane is given away, and the runner works on alone.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from base.tasks import end_tasks
from fleet.stream.broker import Broker, BrokerProblem, NotAllowed
from fleet.stream.login import BrokerLogin
from fleet.work.lane_hold import LaneHold, remove_lane
from fleet.work.link import BrokerLink
from fleet.work.messages import LaneOffer
from fleet.work.names import LEASE_S, job_subject, jobs_stream, workers_bucket
from fleet.work.presence import WorkerDirectory
from fleet.work.queue import find_job, offer, prepare_work
from fleet.work.trees import SharedTree
from git.process import ask_git
from running.machines import LaneJob, LaneLease

TAKE_S: Final = 1.0  # for a worker to take a lane that is offered, where none is known to be free
TAKING_S: Final = 20.0  # for one that is free, or has begun with it
LOOK_S: Final = 0.5  # between looks for workers that are gone

log = logging.getLogger("sprint_runner.fleet")

Keep = Callable[[LaneLease], Awaitable[None]]


class FleetMachines:
    """The workers that the runner `project` may use. `on_change` is called when places come or go, or a problem."""

    def __init__(
        self,
        login: BrokerLogin,
        project: str,
        on_change: Callable[[], None] = lambda: None,
        lease_s: float = LEASE_S,
    ) -> None:
        self._project, self._on_change, self._lease_s = project, on_change, lease_s
        self._link = BrokerLink(login, f"coordinator {project}", self._session, self._report)
        self._directory = WorkerDirectory(on_change)
        self._holds: dict[str, LaneHold] = {}
        self._problem: str | None = None
        self._watching: asyncio.Task[None] | None = None
        self._to_remove: set[str] = set()  # lanes that could not be removed without a connection

    @property
    def problem(self) -> str | None:
        """Why no worker can be reached now, in one sentence; None where that is possible."""
        return self._problem or self._directory.problem

    def start(self) -> None:
        """Connect, once; the first lane that is offered does so: a runner whose lanes are all here needs no workers."""
        if self._watching is not None:
            return
        self._link.start()
        self._watching = asyncio.get_running_loop().create_task(self._watch(), name="workers")

    async def stop(self) -> None:
        """End; what runs on workers continues, and is adopted by the next server."""
        for hold in self._holds.values():
            await hold.close()
        await end_tasks(self._watching)
        await self._link.stop()

    def free(self, agents: Sequence[str], labels: Sequence[str] = ()) -> int:
        """Return how many places of workers that have these agents and labels are free, as far as is known."""
        return self._directory.free(agents, labels) if self._link.is_connected else 0

    def lack(self, job: LaneJob) -> str | None:
        """Return what no worker that is there has of a job's agents and labels; None where one only has no place."""
        return self._directory.lack(job.agents, job.labels) if self._link.is_connected else None

    def places(self) -> dict[str, tuple[int, int]]:
        """Return the workers that are there, with the count of their places and of the free ones."""
        return {name: (worker.places, worker.free) for name, worker in self._directory.here().items()}

    async def take(self, job: LaneJob, keep: Keep) -> LaneHold | None:
        """Return a place for a lane on a worker, None where none is free within a moment.

        Cancelling it takes the lane out of the queue.
        """
        self.start()
        lane = lane_name(job)
        hold = self._holds.get(lane)
        if hold is not None:
            if await self._until_taken(lane, hold):
                return hold
            await self._give_up(lane)
            return None
        if not self._link.is_connected and job.lease is None:
            return None
        try:
            return await self._open(lane, job, keep)
        except BrokerProblem as problem:
            self._report(str(problem))
            return None
        except asyncio.CancelledError:
            await asyncio.shield(self._give_up(lane))
            raise

    async def forget(self, job: LaneJob) -> None:
        """End what still runs of a lane that is given up, and take it out of the queue."""
        self.start()
        await self.release(lane_name(job), keep=True)

    async def release(self, lane: str, *, keep: bool) -> None:
        """Give a lane back; never raises."""
        hold = self._holds.pop(lane, None)
        if hold is not None:
            await hold.say_released(keep=keep)
            await asyncio.to_thread(shutil.rmtree, _scratch(hold.job), ignore_errors=True)
        await self._remove(lane)

    # -- inside ------------------------------------------------------------------------------------------------

    async def _open(self, lane: str, job: LaneJob, keep: Keep) -> LaneHold | None:
        """Find the lane's job in the queue, or offer it. Raises `BrokerProblem`."""
        found = await self._link.call(lambda broker: find_job(broker, self._project, lane))
        known = found is not None and job.lease is not None and str(found.seq) == job.lease.job
        if not known:
            if not self.free(job.agents, job.labels):
                return None
            await self._link.call(lambda broker: remove_lane(broker, self._project, lane))
        hold = self._holds[lane] = self._hold(lane, job, keep)
        if found is not None and known:
            await hold.open(found.seq)
        else:
            made = await self._offer(lane, job)
            await hold.open(await self._link.call(lambda broker: offer(broker, made)))
        if await (hold.until_held(self._lease_s * 2) if known else self._until_taken(lane, hold)):
            return hold
        await self._give_up(lane)
        return None

    async def _until_taken(self, lane: str, hold: LaneHold) -> bool:
        """Wait for a worker to take a lane, longer while one may; whether one has."""
        ends = time.monotonic() + TAKING_S
        while not await hold.until_held(TAKE_S):
            workers = self._directory.here().values()
            may = self.free(hold.job.agents, hold.job.labels) or any(
                f"{self._project}/{lane}" in worker.lanes for worker in workers
            )
            if not may or time.monotonic() > ends:
                return False
        return True

    def _hold(self, lane: str, job: LaneJob, keep: Keep) -> LaneHold:
        tree = SharedTree(
            link=self._link,
            project=self._project,
            top=job.top,
            repository=job.top,
            scratch=_scratch(job),
            prefix=job.prefix,
            planning=tuple(job.planning),
        )
        return LaneHold(self._link, self._project, lane, job, tree, keep, self._report, self.release)

    async def _offer(self, lane: str, job: LaneJob) -> LaneOffer:
        name, address = [await ask_git(job.top, "config", f"user.{what}") or "" for what in ("name", "email")]
        form = await ask_git(job.top, "rev-parse", "--show-object-format")
        return LaneOffer(
            project=self._project,
            lane=lane,
            branch=job.branch,
            top=str(job.top),
            prefix=job.prefix,
            agents=job.agents,
            labels=job.labels,
            setup=job.setup,
            stories=job.stories,
            planning=tuple(job.planning),
            object_format=form or "sha1",
            lease_s=self._lease_s,
            identity=(name, address),
        )

    async def _give_up(self, lane: str) -> None:
        """Take a lane out of the queue that no worker has; one that takes it all the same finds it released."""
        hold = self._holds.pop(lane, None)
        if hold is not None:
            hold.lose("no worker has the lane")
            await hold.close()
        await self._remove(lane)

    async def _remove(self, lane: str) -> None:
        if not self._link.is_connected:
            self._to_remove.add(lane)
            return
        try:
            await self._link.call(lambda broker: remove_lane(broker, self._project, lane))
        except BrokerProblem as problem:
            self._report(str(problem))

    async def _session(self, broker: Broker) -> None:
        try:
            await prepare_work(broker, self._project, self._lease_s)
            await broker.make(workers_bucket())
        except NotAllowed:  # an administrator has made them, or is to
            await broker.ensure(jobs_stream(self._project), job_subject(self._project, "none"))
        while self._to_remove:
            await remove_lane(broker, self._project, next(iter(self._to_remove)))
            self._to_remove.pop()
        self._report(None)
        await self._directory.follow(broker)

    async def _watch(self) -> None:
        """Give up workers that are gone and whose lanes no other one takes."""
        while True:
            await asyncio.sleep(LOOK_S)
            for hold in list(self._holds.values()):
                holder = hold.holder
                if not self._link.is_connected or holder is None:
                    continue
                if (
                    self._directory.silent_s(holder.name) > self._lease_s * 2
                    and self._link.connected_s > self._lease_s * 2
                ):
                    hold.lose(f"the worker {holder.name} is gone, and no other one has taken the lane")

    def _report(self, problem: str | None) -> None:
        if problem == self._problem:
            return
        self._problem = problem
        if problem is not None:
            log.warning("work of the fleet: %s", problem)
        self._on_change()


def lane_name(job: LaneJob) -> str:
    """Return the lane's name at the broker, where two databases of one project may follow each other."""
    return f"{job.epoch[:8]}-{job.name}"


def _scratch(job: LaneJob) -> Path:
    """Return the folder beside the mirror for what is on its way."""
    return job.top.with_name(f"{job.top.name}.carried")
