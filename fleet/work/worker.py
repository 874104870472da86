"""A worker: it offers places, takes lanes from the queues of a fleet, and runs their commands with its own agents.

Promises: it holds no more lanes than it has places; it keeps working on what it has while the broker or a coordinator
is away; when it ends, no process of it is left, and what it held is another one's.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agents import AgentSpec
from base.tasks import end_tasks
from fleet.stream.broker import Broker, BrokerProblem, NotAllowed
from fleet.stream.login import BrokerLogin
from fleet.stream.names import key_subject
from fleet.work.copies import ProjectCopy, copies_in
from fleet.work.lane_work import LaneWork
from fleet.work.link import BrokerLink
from fleet.work.messages import ForeignMessage, LaneOffer, WorkerMessage, read_offer
from fleet.work.names import NOT_MINE_S, WORKERS, workers_bucket
from fleet.work.presence import WorkerPresence, suits
from fleet.work.queue import JobLease, projects, pull, refuse
from git.carried_tree import CarriedTree
from git.process import GitError

PULL_S: Final = 1.0  # a request for a job, until the next project is asked
LOOK_S: Final = 2.0  # between looks for projects that have work
FOREIGN_S: Final = 10.0  # until a job of another version is offered again
KEPT_MAX: Final = 20  # branches that the presence names

log = logging.getLogger("sprint_runner.fleet")


@dataclass(frozen=True, kw_only=True)
class WorkerConfig:
    """What a worker offers. `folder` is for its copies; `projects` are those that it works for, empty for all."""

    name: str
    folder: Path
    places: int
    specs: Mapping[str, AgentSpec]
    labels: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    machine: str = field(default_factory=socket.gethostname)


class Worker:
    """One worker. `mark` begins the mark of every process that it starts."""

    def __init__(self, login: BrokerLogin, config: WorkerConfig) -> None:
        self.mark = f"worker-{config.name}-{secrets.token_hex(4)}"
        self.problem: str | None = None
        self._config = config
        self._instance = secrets.token_hex(8)
        self._link = BrokerLink(login, f"worker {config.name}", self._session, self._report)
        self._presence = WorkerPresence(config.name, self._describe)
        self._lanes: dict[tuple[str, str], tuple[LaneWork, asyncio.Task[None]]] = {}
        self._kept: list[str] = []
        self._freed = asyncio.Event()

    async def start(self) -> None:
        await self._keep_left()
        self._link.start()

    async def stop(self) -> None:
        """End in order: agents are ended, and the lanes given back."""
        await end_tasks(*[task for _, task in self._lanes.values()])
        if self._link.is_connected:
            try:
                async with asyncio.timeout(1):
                    await self._presence.end(await self._link.broker())
            except (BrokerProblem, TimeoutError) as error:
                log.info("the end was not announced to the fleet: %s", error)
        await self._link.stop()

    async def _keep_left(self) -> None:
        """Keep as branches what an earlier process of this worker was working on when it was killed."""
        for copy in await asyncio.to_thread(copies_in, self._config.folder):
            for lane in await copy.left():
                try:
                    index = copy.folder / "carried" / copy.project / lane / "index"
                    state = await CarriedTree(copy.top(lane), index).state()
                    branch = await copy.keep(lane, state.commit, str(int(time.time())))
                    self._kept.append(branch)
                    log.warning("the lane %s was lost: its tree is kept as the branch %s", lane, branch)
                    await copy.remove(lane)
                except (GitError, OSError) as error:
                    log.warning("the tree of the lane %s stays in %s: %s", lane, copy.top(lane), error)

    # -- jobs --------------------------------------------------------------------------------------------------

    async def _session(self, broker: Broker) -> None:
        await broker.ensure(workers_bucket(), key_subject(WORKERS, self._config.name))
        tasks = [asyncio.ensure_future(self._presence.keep(broker)), asyncio.ensure_future(self._take_jobs(broker))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await end_tasks(*tasks)

    async def _take_jobs(self, broker: Broker) -> None:
        looked, names = -LOOK_S, list(self._config.projects)
        closed: set[str] = set()
        self._report(None)
        while True:
            if len(self._lanes) >= self._config.places:
                self._freed.clear()
                await self._freed.wait()
            if not self._config.projects and time.monotonic() - looked > LOOK_S:
                names, looked = [name for name in await projects(broker) if name not in closed], time.monotonic()
            for project in names:
                if len(self._lanes) < self._config.places:
                    await self._ask(broker, project, closed)
            names = [project for project in names if project not in closed]
            if not names:
                await asyncio.sleep(LOOK_S / 2)

    async def _ask(self, broker: Broker, project: str, closed: set[str]) -> None:
        """Take the next lane of a project, if there is one; a project of others is `closed`."""
        try:
            lease = await pull(broker, project, PULL_S)
        except NotAllowed as refused:
            closed.add(project)
            if project in self._config.projects:
                self._report(str(refused))
            return
        if lease is not None:
            await self._take(broker, lease)

    async def _take(self, broker: Broker, lease: JobLease) -> None:
        try:
            job = read_offer(lease.message.headers, lease.message.data)
        except ForeignMessage as foreign:
            self._report(str(foreign))
            await refuse(broker, lease, FOREIGN_S)
            return
        if not suits(self._describe(), job.agents, job.labels):
            await refuse(broker, lease, NOT_MINE_S)
            return
        key = job.project, job.lane
        known = self._lanes.get(key)
        if known is not None and known[0].lease.job == lease.job:
            known[0].renew(lease)
            return
        if known is not None:  # of an earlier job of this lane, which is over
            await end_tasks(known[1])
        self._begin(key, job, lease)

    def _begin(self, key: tuple[str, str], job: LaneOffer, lease: JobLease) -> None:
        copy = ProjectCopy(self._config.folder, job.project)
        mark = f"{self.mark}:{job.lane}"
        work = LaneWork(self._link, self._config.name, job, lease, copy, self._config.specs, mark, self._report)
        task = asyncio.get_running_loop().create_task(self._work(key, work), name=f"lane {job.lane}")
        self._lanes[key] = work, task
        log.info("the lane %s of %s is worked on here (%s)", job.lane, job.project, ", ".join(job.stories))
        self._presence.changed()

    async def _work(self, key: tuple[str, str], work: LaneWork) -> None:
        try:
            await work.work()
        except Exception:  # of any kind: the other lanes go on, and this one's lease ends
            log.exception("the lane %s failed", key[1])
        finally:
            if work.kept is not None:
                self._kept.append(work.kept)
            if key in self._lanes and self._lanes[key][0] is work:
                del self._lanes[key]
            self._freed.set()
            self._presence.changed()

    # -- what it says of itself --------------------------------------------------------------------------------

    def _describe(self) -> WorkerMessage:
        config = self._config
        return WorkerMessage(
            instance=self._instance,
            machine=config.machine,
            host=socket.gethostname(),
            place=str(config.folder),
            places=config.places,
            free=max(0, config.places - len(self._lanes)),
            agents=tuple(config.specs),
            labels=config.labels,
            lanes=tuple(f"{project}/{lane}" for project, lane in self._lanes),
            kept=tuple(self._kept[-KEPT_MAX:]),
            problem=self.problem,
        )

    def _report(self, problem: str | None) -> None:
        if problem == self.problem:
            return
        self.problem = problem
        if problem is None:
            log.info("in the fleet as the worker %s", self._config.name)
        else:
            log.warning("worker: %s", problem)
        self._presence.changed()
