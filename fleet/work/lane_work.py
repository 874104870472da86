"""A lane on the worker that holds its lease: its copy of the tree, and the commands that run in it.

Promises: it says each thing once and in order, also over lost connections; a worker that was replaced learns it before
anything that it says is stored, ends its agents, and keeps its tree as a branch; without a coordinator, a command that
runs is finished, its result waits in the stream, and the lane waits for the next one.
"""

from __future__ import annotations

import asyncio
import logging
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from agents import AgentSpec, Outcome, OutcomeKind
from base.tasks import end_tasks
from fleet.stream.broker import Broker, BrokerLost, BrokerProblem, Message
from fleet.work.channel import Fenced, LaneChannel, Writer
from fleet.work.copies import BASE, ProjectCopy
from fleet.work.lane_call import LaneCall, Places, could_not_start
from fleet.work.lane_copy import LaneCopy, tree_of
from fleet.work.link import BrokerLink
from fleet.work.messages import (
    AnswerCall,
    CallEnded,
    CheckEnded,
    ForeignMessage,
    LaneOffer,
    LaneReleased,
    LaneTaken,
    ReleaseLane,
    RunCall,
    RunCheck,
    SayToCall,
    StopCall,
    ToWorker,
    read_to_worker,
)
from fleet.work.queue import JobLease, acknowledge, extend, find_job, refuse
from git.bundles import set_ref
from git.process import GitError
from running.check_process import VerifyResult, run

BEATS: Final = 3  # signs of life within a lease
GOODBYE_S: Final = 2.0  # for the last message of a lane

log = logging.getLogger("sprint_runner.fleet")


class LaneWork:
    """The lane of a job. `specs` are the agents of this machine; `mark` begins the mark of every process of it."""

    def __init__(
        self,
        link: BrokerLink,
        name: str,
        job: LaneOffer,
        lease: JobLease,
        copy: ProjectCopy,
        specs: Mapping[str, AgentSpec],
        mark: str,
        on_problem: Callable[[str], None],
    ) -> None:
        self.job = job
        self.kept: str | None = None  # the branch of a lane that was lost
        self._link, self._name, self._lease, self._copy = link, name, lease, copy
        self._specs, self._mark, self._on_problem = specs, mark, on_problem
        writer = Writer(name, lease.job, lease.token)
        self._channel = LaneChannel(job.project, job.lane, writer, self._receive, worker=True)
        self._leases = {writer.lease}  # those by which this lane was held without a gap
        self._calls: dict[str, LaneCall] = {}
        self._orders: asyncio.Queue[RunCall | RunCheck] = asyncio.Queue()
        self._running: set[asyncio.Task[None]] = set()
        self._end: asyncio.Future[ReleaseLane | str] = asyncio.get_running_loop().create_future()
        top = copy.top(job.lane)
        self._places = Places(there=job.top, here=str(top))
        self._tree = tree_of(link, job, copy)
        self._lane = LaneCopy(name, job, copy, self._tree)

    async def work(self) -> None:
        """Work on the lane until it is released or lost; no process of it is left then."""
        loop = asyncio.get_running_loop()
        tasks: list[asyncio.Task[None]] = []
        try:
            await self._copy.open(self.job.object_format, self.job.identity)
            self._channel.post(LaneTaken(await self._copy.have()))
            tasks = [loop.create_task(work()) for work in (self._serve, self._beat, self._obey)]
            for task in tasks:
                task.add_done_callback(self._look_at)
            end = await asyncio.shield(self._end)
        except (GitError, OSError) as error:
            end = f"its copy cannot be made: {error}"
            self._on_problem(f"the lane {self.job.lane}: {end}")
        except asyncio.CancelledError:  # this worker ends: another one is to have the lane
            await self._close(tasks, "the worker ended")
            await self._give_back()
            raise
        if isinstance(end, ReleaseLane):
            await self._release(tasks[1:], end)
            await end_tasks(*tasks)
        else:
            await self._close(tasks, end)

    def renew(self, lease: JobLease) -> None:
        """Hold the lane by another delivery of the same job, that came while the broker was away."""
        self._lease = lease
        self._leases.add((lease.job, lease.token))
        self._channel.writer = Writer(self._name, lease.job, lease.token)

    @property
    def lease(self) -> JobLease:
        return self._lease

    # -- the lease ---------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        try:
            await self._channel.serve(self._link, self._on_problem)
        except (Fenced, ForeignMessage) as problem:
            self._lose(str(problem))

    async def _beat(self) -> None:
        while True:
            broker = await self._link.broker()
            try:
                await extend(broker, self._lease)
                await self._look(broker)
            except BrokerLost:
                await self._link.drop(broker)
                continue
            except Fenced as fenced:
                self._lose(str(fenced))
                return
            except BrokerProblem as problem:
                self._on_problem(f"{problem}; the lane {self.job.lane} waits")
            await asyncio.sleep(self.job.lease_s / BEATS)

    async def _look(self, broker: Broker) -> None:
        """Raise `Fenced` where the lane is another one's now."""
        found = await find_job(broker, self.job.project, self.job.lane)
        if found is None or found.seq != self._lease.job:
            raise Fenced("the lane was removed")
        await self._channel.check(broker)

    def _lose(self, reason: str) -> None:
        if not self._end.done():
            self._end.set_result(reason)

    def _look_at(self, task: asyncio.Task[None]) -> None:
        """Give the lane up where a part of the work has failed: nobody would be told how a command ended."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("the lane %s failed", self.job.lane, exc_info=error)
            self._lose(f"its worker failed: {error!r}")

    # -- what the coordinator says -----------------------------------------------------------------------------

    async def _receive(self, message: Message) -> None:
        self._handle(read_to_worker(message.headers, message.data))

    def _handle(self, message: ToWorker) -> None:
        match message:
            case RunCall():
                if message.lease in self._leases:  # else it was meant for another lease
                    self._calls[message.id] = self._call(message)
                    self._orders.put_nowait(message)
            case RunCheck():
                if message.lease in self._leases:
                    self._orders.put_nowait(message)
            case StopCall():
                if (call := self._calls.get(message.id)) is not None:
                    call.stop()
            case SayToCall():
                if (call := self._calls.get(message.id)) is not None:
                    call.say(message.message_id, message.text)
            case AnswerCall():
                if (call := self._calls.get(message.id)) is not None:
                    call.answer(message.text)
            case ReleaseLane():
                if not self._end.done():
                    self._end.set_result(message)

    def _call(self, message: RunCall) -> LaneCall:
        stream = self._copy.folder / "streams" / f"{self.job.lane}-{_file_name(message.id)}.jsonl"
        return LaneCall(
            message.id,
            message.call,
            self._specs.get(message.call.agent),
            self._channel,
            self._places,
            f"{self._mark}:{message.id}",
            stream,
        )

    async def _obey(self) -> None:
        """Begin commands in their order; several may run at once."""
        while True:
            order = await self._orders.get()
            problem = await self._lane.bring(order, self._calls.get(order.id))
            if problem is not None:
                self._on_problem(problem)
            work = self._run_check(order, problem) if isinstance(order, RunCheck) else self._run_call(order, problem)
            task = asyncio.get_running_loop().create_task(work)
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            task.add_done_callback(self._look_at)

    async def _run_call(self, order: RunCall, problem: str | None) -> None:
        call = self._calls[order.id]
        outcome = await call.run() if problem is None else could_not_start(problem)
        tree = None
        if problem is None:
            tree, why = await self._lane.send(order)
            if why is not None:
                outcome = _failed(outcome, why)
        self._calls.pop(order.id, None)
        self._channel.post(CallEnded(order.id, outcome, tree))
        await call.close()

    async def _run_check(self, order: RunCheck, problem: str | None) -> None:
        done, tree = VerifyResult(None, b"", 0, problem), None
        if problem is None:
            done = await run(shlex.split(order.command), self._lane.project)
            tree, why = await self._lane.send(order)
            done = done if why is None else VerifyResult(None, b"", 0, why)
        self._channel.post(
            CheckEnded(
                id=order.id,
                exit_code=done.exit_code,
                output=done.output,
                duration_ms=done.duration_ms,
                problem=done.problem,
                tree=tree,
            )
        )

    # -- its end -----------------------------------------------------------------------------------------------

    async def _close(self, tasks: list[asyncio.Task[None]], reason: str) -> None:
        """The lane is another one's: say nothing more, end the agents, keep the tree."""
        await end_tasks(*tasks, *self._running)
        try:
            await self._keep()
        except (GitError, OSError) as error:
            log.warning("the tree of the lane %s stays in %s: %s", self.job.lane, self._tree.top, error)
        if self.kept is None:
            log.info("the lane %s is no longer worked on here (%s)", self.job.lane, reason)
            return
        kept = f"its tree is kept as the branch {self.kept} of {self._copy.repository}"
        log.warning("the lane %s was lost (%s): its agents were ended, and %s", self.job.lane, reason, kept)

    async def _keep(self) -> None:
        """Keep what the coordinator does not have, and remove the copy."""
        if not await self._copy.is_made(self.job.lane):
            return
        state, last = await self._tree.state(), self._tree.last
        if self._calls or self._channel.waiting or last is None or state.commit != last.commit:
            self.kept = await self._copy.keep(self.job.lane, state.commit, f"{self._lease.job}-{self._lease.token}")
        await self._copy.remove(self.job.lane)

    async def _release(self, tasks: list[asyncio.Task[None]], order: ReleaseLane) -> None:
        await end_tasks(*tasks, *self._running)
        try:
            if order.keep:
                await self._keep()
            if self._tree.peer_head:
                await set_ref(self._copy.repository, BASE, self._tree.peer_head)
            await self._copy.remove(self.job.lane)
        except (GitError, OSError) as error:
            log.warning("the copy of the lane %s could not be removed: %s", self.job.lane, error)
        self._channel.post(LaneReleased())
        try:
            async with asyncio.timeout(GOODBYE_S):
                await self._say_goodbye()
        except (TimeoutError, BrokerProblem) as error:
            log.info("the end of the lane %s was not reported: %s", self.job.lane, error)

    async def _say_goodbye(self) -> None:
        await self._channel.until_stored()
        broker = await self._link.broker()
        await acknowledge(broker, self._lease)

    async def _give_back(self) -> None:
        try:
            async with asyncio.timeout(GOODBYE_S):
                await refuse(await self._link.broker(), self._lease, 0)
        except (TimeoutError, BrokerProblem):
            log.info("the lane %s was not given back: its lease ends by itself", self.job.lane)


def _failed(outcome: Outcome, why: str) -> Outcome:
    return replace(outcome, kind=OutcomeKind.FAILED, reason=why, structured=None)


def _file_name(call_id: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in call_id)
