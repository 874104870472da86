"""A lane's place on a worker, as its coordinator sees it: who holds the lease, and what is said by whom.

Promises: what a worker writes whose lease another one has taken is refused; a call of a lost lease ends with
`MachineLostError`, and nothing of it is applied to the mirror. What came in order is handled in order, each once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from agents import AgentSpec, Call, Record
from base.tasks import end_tasks
from fleet.stream.broker import Broker, BrokerLost, BrokerProblem, Message
from fleet.work.channel import Fenced, LaneChannel, Writer
from fleet.work.link import BrokerLink
from fleet.work.messages import (
    LaneReleased,
    LaneTaken,
    ReleaseLane,
    RunCall,
    RunCheck,
    read_to_coordinator,
    read_to_worker,
)
from fleet.work.mirror import Mirror
from fleet.work.names import do_subject, lanes_stream, said_subject
from fleet.work.queue import purge, remove_job
from fleet.work.remote_call import RemoteCall
from fleet.work.trees import SharedTree
from fleet.work.worker_calls import WorkerCalls
from running.check_process import VerifyResult
from running.machines import LaneJob, LaneLease, MachineLostError

RELEASE_S: Final = 8.0  # for the worker's word that it has nothing of the lane any more
CAUGHT_UP_S: Final = 20.0  # for what was said while no server was there

log = logging.getLogger("sprint_runner.fleet")


class LaneHold:
    """The place of the lane `job`. `keep` is awaited with each lease; `on_problem` is called with what is wrong.

    `remove` takes the lane out of the queue and ends this.
    """

    def __init__(
        self,
        link: BrokerLink,
        project: str,
        lane: str,
        job: LaneJob,
        tree: SharedTree,
        keep: Callable[[LaneLease], Awaitable[None]],
        on_problem: Callable[[str], None],
        remove: Callable[..., Awaitable[None]],
    ) -> None:
        self.lane, self.job = lane, job
        self.refused = 0  # messages of lost leases
        self._link, self._project = link, project
        self._keep, self._on_problem = keep, on_problem
        self._remove = remove
        self._holder: Writer | None = None
        self._name = "" if job.lease is None else job.lease.machine
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        self._held, self._advanced = asyncio.Event(), asyncio.Event()
        self._released = asyncio.Event()
        self._channel = LaneChannel(project, lane, Writer("coordinator"), self._receive, worker=False)
        self._mirror = Mirror(link, project, lane, job, tree, self._keep_lease, on_problem)
        self._calls = WorkerCalls(lane, job, self._channel, self._mirror, lambda: self._holder, lambda: self._name)
        self._tasks: list[asyncio.Task[None]] = []
        self._handled = 0  # the place of the newest message that was handled
        self._job = 0  # the place of the lane's job in the queue

    @property
    def name(self) -> str:
        """The machine that has the lane, or had it last."""
        return self._name

    @property
    def is_held(self) -> bool:
        return self._holder is not None

    @property
    def holder(self) -> Writer | None:
        return self._holder

    # -- its life ----------------------------------------------------------------------------------------------

    async def open(self, job: int) -> None:
        """Begin to speak with the worker that takes the job at this place, and catch up with what was said.

        Raises `BrokerProblem`.
        """
        self._job = job
        if self.job.lease is not None and self.job.lease.job == str(job):
            self._mirror.applied = self.job.lease.cursor
        stream = lanes_stream(self._project).name
        said = await self._link.call(lambda broker: broker.last(stream, said_subject(self._project, self.lane)))
        await self._link.call(self._read_own)
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._serve()), loop.create_task(self._handle_all())]
        try:
            async with asyncio.timeout(CAUGHT_UP_S):
                while said is not None and self._handled < said.seq:
                    self._advanced.clear()
                    await self._advanced.wait()
        except TimeoutError:
            raise BrokerLost("the broker does not deliver what a worker has said") from None

    async def until_held(self, within_s: float) -> bool:
        """Wait until a worker has the lane; whether one has."""
        try:
            async with asyncio.timeout(within_s):
                await self._held.wait()
        except TimeoutError:
            return False
        return True

    def lose(self, reason: str) -> None:
        """No worker has the lane any more: its calls end with `MachineLostError`."""
        self._holder = None
        self._held.clear()
        self._calls.fail(MachineLostError(reason))

    async def close(self) -> None:
        """Follow the lane no more; what runs on the worker continues."""
        await end_tasks(*self._tasks)
        self._calls.leave()

    async def release(self, *, keep: bool) -> None:
        """Give the place back, and remove what the broker has of the lane; never raises."""
        await self._remove(self.lane, keep=keep)

    async def say_released(self, *, keep: bool) -> None:
        """Have the worker give the lane up, and wait a moment for its word."""
        self._channel.post(ReleaseLane(keep))
        try:
            if self._link.is_connected:
                async with asyncio.timeout(RELEASE_S):
                    await self._released.wait()
        except TimeoutError:
            log.info("the worker %s did not say that it has released the lane %s", self._name, self.lane)
        self.lose("the lane was given back")
        await end_tasks(*self._tasks)

    async def _read_own(self, broker: Broker) -> None:
        """Read what an earlier server has posted, which says what runs."""
        stream, subject = lanes_stream(self._project).name, do_subject(self._project, self.lane)
        newest = await broker.last(stream, subject)
        if newest is None:
            return
        messages = broker.follow(stream, subject, 1)
        try:
            async for message in messages:
                posted = read_to_worker(message.headers, (await self._channel.whole(broker, message)).data)
                if isinstance(posted, RunCall | RunCheck):
                    self._calls.know(posted)
                if message.seq >= newest.seq:
                    return
        finally:
            await messages.aclose()

    async def _serve(self) -> None:
        try:
            await self._channel.serve(self._link, self._on_problem)
        except Fenced as fenced:
            self._on_problem(f"another server speaks for the lane {self.lane}: {fenced}")

    # -- commands ----------------------------------------------------------------------------------------------

    async def start(
        self, spec: AgentSpec, call: Call, on_record: Callable[[Record], None], on_exit: Callable[[], None]
    ) -> RemoteCall:
        """Start a call on the worker. Raises `MachineLostError`."""
        return await self._calls.start(spec, call, on_record, on_exit)

    async def adopt(
        self, spec: AgentSpec, call: Call, on_record: Callable[[Record], None], on_exit: Callable[[], None]
    ) -> RemoteCall | None:
        """Return the call that an earlier server has started, None where there is none. Raises `MachineLostError`."""
        return await self._calls.adopt(spec, call, on_record, on_exit)

    async def verify(self, command: str) -> VerifyResult:
        """Run the project's check in the worker's tree. Raises `MachineLostError`."""
        return await self._calls.verify(command)

    # -- what the worker says ----------------------------------------------------------------------------------

    async def _receive(self, message: Message) -> None:
        self._messages.put_nowait(message)

    async def _handle_all(self) -> None:
        while True:
            message = await self._messages.get()
            try:
                await self._handle(message)
            except BrokerProblem as problem:
                self._on_problem(f"the lane {self.lane}: {problem}")
                self.lose(f"a message of the worker {self._name} cannot be used: {problem}")
            except Exception:
                log.exception("a message about the lane %s could not be handled", self.lane)
                self.lose(f"a message of the worker {self._name} could not be handled")
            self._handled = message.seq
            self._advanced.set()

    async def _handle(self, message: Message) -> None:
        writer = Writer.of(message)
        if writer.job != self._job or (self._holder is not None and writer.lease < self._holder.lease):
            self.refused += 1
            log.warning("%s has lost the lane %s: what it says is refused", writer.name, self.lane)
            return
        said = read_to_coordinator(message.headers, message.data)
        if isinstance(said, LaneTaken):
            await self._taken(writer, said)
            return
        if self._holder is None or writer.lease != self._holder.lease:  # the same worker by a newer lease
            await self._hold(writer)
        if isinstance(said, LaneReleased):
            self._released.set()
            return
        await self._calls.take(said, message.seq)

    async def _taken(self, writer: Writer, taken: LaneTaken) -> None:
        if self._holder is not None:
            self._calls.fail(
                MachineLostError(f"{self._holder.name} lost the lane {self.lane}, and {writer.name} has taken it")
            )
        self._mirror.have = set(taken.have)
        await self._hold(writer)

    async def _hold(self, writer: Writer) -> None:
        self._holder, self._name = writer, writer.name
        self._held.set()
        await self._keep_lease()

    async def _keep_lease(self) -> None:
        if (holder := self._holder) is not None:
            await self._keep(LaneLease(holder.name, str(holder.job), holder.token, self._mirror.applied))


async def remove_lane(broker: Broker, project: str, lane: str) -> None:
    """Take a lane's job out of the queue and its messages out of the streams."""
    await remove_job(broker, project, lane)
    for subject in (do_subject(project, lane), said_subject(project, lane)):
        await purge(broker, lanes_stream(project).name, subject)
