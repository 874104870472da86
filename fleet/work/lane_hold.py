"""A lane's place on a worker, as its coordinator sees it: the calls that run there, and who holds the lease.

Promises: what a worker writes whose lease another one has taken is refused; a call of a lost lease ends with
`MachineLostError`, and nothing of it is applied to the mirror. What came in order is handled in order, each once. Trees
are applied in that order as well, whether their call was adopted by then or not: each holds only what changed since the
one before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import msgspec

from agents import AgentSpec, Call, Outcome, OutcomeKind, Record
from base.tasks import end_tasks
from fleet.stream.broker import Broker, BrokerLost, BrokerProblem, Message
from fleet.work.channel import Fenced, LaneChannel, Writer
from fleet.work.link import BrokerLink
from fleet.work.messages import (
    CallData,
    CallEnded,
    CallProgress,
    CheckEnded,
    LaneReleased,
    LaneTaken,
    ReleaseLane,
    RunCall,
    RunCheck,
    ToCoordinator,
    TreeRef,
    read_to_coordinator,
    read_to_worker,
)
from fleet.work.names import do_subject, lanes_stream, said_subject
from fleet.work.queue import purge, remove_job
from fleet.work.remote_call import RemoteCall
from fleet.work.trees import SharedTree
from git.carried_tree import TreeState
from git.process import GitError
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
        self._tree, self._keep, self._on_problem = tree, keep, on_problem
        self._remove = remove
        self._holder: Writer | None = None
        self._name = "" if job.lease is None else job.lease.machine
        self._have: set[str] = set()  # commits that the holder has
        self._calls: dict[str, RemoteCall] = {}
        self._checks: dict[str, asyncio.Future[VerifyResult]] = {}
        self._unclaimed: dict[str, list[ToCoordinator]] = {}  # of calls that an earlier server has started
        self._runs: dict[str, RunCall] = {}  # of the lane, by the ids of their calls, as an earlier server posted them
        self._adopted: set[str] = set()
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        self._held, self._advanced = asyncio.Event(), asyncio.Event()
        self._released = asyncio.Event()
        self._channel = LaneChannel(project, lane, Writer("coordinator"), self._receive, worker=False)
        self._tasks: list[asyncio.Task[None]] = []
        self._sending = asyncio.Lock()
        self._handled = 0  # the place of the newest message that was handled
        self._applied = 0  # that of the newest one whose tree the mirror has
        self._number = 0  # of checks
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
            self._applied = self.job.lease.cursor
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
        self._fail(MachineLostError(reason))

    async def close(self) -> None:
        """Follow the lane no more; what runs on the worker continues."""
        await end_tasks(*self._tasks)
        for call in self._calls.values():
            call.leave()

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
                run = read_to_worker(message.headers, (await self._channel.whole(broker, message)).data)
                if isinstance(run, RunCall):
                    self._runs[run.id] = run
                if isinstance(run, RunCall | RunCheck):
                    self._tree.last = TreeState(run.tree.head, run.tree.commit)
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
        made = RemoteCall(spec, call, on_record, on_exit, self._channel.post, self._name)
        async with self._sending:
            holder, tree, named = await self._send()
            await made.begin()
            folder = call.cwd.relative_to(self.job.top).as_posix() if call.cwd.is_relative_to(self.job.top) else ""
            self._check(holder)
            self._calls[call.mark] = made
            data = call_data(spec, call, "" if folder == "." else folder)
            self._channel.post(RunCall(id=call.mark, lease=holder.lease, call=data, tree=tree, named=named))
        return made

    async def adopt(
        self, spec: AgentSpec, call: Call, on_record: Callable[[Record], None], on_exit: Callable[[], None]
    ) -> RemoteCall | None:
        """Return the call that an earlier server has started, None where there is none. Raises `MachineLostError`."""
        run = self._runs.get(call.mark)
        if run is None:
            return None
        came = self._unclaimed.pop(call.mark, [])
        self._adopted.add(call.mark)
        is_ended = any(isinstance(message, CallEnded) for message in came)
        if not is_ended and (self._holder is None or self._holder.lease != run.lease):
            raise MachineLostError(f"the worker that ran the command has lost the lane {self.lane}")
        known = await asyncio.to_thread(_size, call)
        made = RemoteCall(spec, call, on_record, on_exit, self._channel.post, self._name, known)
        await made.begin()
        self._calls[call.mark] = made
        for message in came:
            await self._of_call(made, message)
        return made

    async def verify(self, command: str) -> VerifyResult:
        """Run the project's check in the worker's tree. Raises `MachineLostError`."""
        async with self._sending:
            holder, tree, named = await self._send()
            self._check(holder)
            self._number += 1
            name = f"check:{tree.commit}:{holder.job}:{holder.token}:{self._number}"
            future: asyncio.Future[VerifyResult] = asyncio.get_running_loop().create_future()
            self._checks[name] = future
            self._channel.post(RunCheck(id=name, lease=holder.lease, command=command, tree=tree, named=named))
        return await future

    async def _send(self) -> tuple[Writer, TreeRef, tuple[str, ...]]:
        """Have the worker's tree brought to the mirror's state. Raises `MachineLostError`."""
        holder = self._holder
        if holder is None:
            raise MachineLostError(f"no worker has the lane {self.lane}")
        prefix = f"{self.job.prefix.rstrip('/')}/" if self.job.prefix else ""
        named = tuple(f"{prefix}{path}" for path in await asyncio.to_thread(self.job.untracked))
        is_idle = not self._calls and not self._checks and not self._is_running_unclaimed()
        try:
            if is_idle:  # all that was said before is done with
                await self._link.call(self._shorten)
            tree = await self._tree.send(sorted(self._have), named, whole=is_idle)
        except (GitError, BrokerProblem) as error:
            raise MachineLostError(f"the tree of the lane {self.lane} could not be sent: {error}") from None
        self._have |= {tree.commit, tree.head}
        return holder, tree, named

    def _is_running_unclaimed(self) -> bool:
        """Whether a call of an earlier server runs that was not adopted yet."""
        lease = None if self._holder is None else self._holder.lease
        runs = [run for run in self._runs.values() if run.lease == lease and run.id not in self._adopted]
        ended = {said.id for came in self._unclaimed.values() for said in came if isinstance(said, CallEnded)}
        return any(run.id not in ended for run in runs)

    async def _shorten(self, broker: Broker) -> None:
        """Remove what was handled from the lane's streams, but for the newest message of each side."""
        stream = lanes_stream(self._project).name
        for subject in (said_subject(self._project, self.lane), do_subject(self._project, self.lane)):
            await purge(broker, stream, subject, keep=1)

    def _check(self, holder: Writer) -> None:
        if self._holder is None or self._holder.lease != holder.lease:
            raise MachineLostError(f"{holder.name} has lost the lane {self.lane}")

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
        match said:
            case LaneReleased():
                self._released.set()
            case CheckEnded():
                why = await self._apply(said.tree, message.seq)
                self._check_ended(said, why)
            case CallProgress() | CallEnded():
                call = self._calls.get(said.id)
                if isinstance(said, CallEnded) and not (call is not None and call.is_ended):
                    why = await self._apply(said.tree, message.seq)
                    said = said if why is None else msgspec.structs.replace(said, outcome=_failed(said.outcome, why))
                if call is None:
                    self._unclaimed.setdefault(said.id, []).append(said)
                else:
                    await self._of_call(call, said)

    async def _taken(self, writer: Writer, taken: LaneTaken) -> None:
        if self._holder is not None:
            self._fail(
                MachineLostError(f"{self._holder.name} lost the lane {self.lane}, and {writer.name} has taken it")
            )
        self._have = set(taken.have)
        await self._hold(writer)

    async def _hold(self, writer: Writer) -> None:
        self._holder, self._name = writer, writer.name
        self._held.set()
        await self._keep_lease(writer)

    async def _keep_lease(self, writer: Writer) -> None:
        await self._keep(LaneLease(writer.name, str(writer.job), writer.token, self._applied))

    async def _of_call(self, call: RemoteCall, said: ToCoordinator) -> None:
        if isinstance(said, CallProgress):
            await call.take(said)
        elif isinstance(said, CallEnded):
            await call.end(said.outcome)
            self._calls.pop(said.id, None)

    def _check_ended(self, said: CheckEnded, why: str | None) -> None:
        future = self._checks.pop(said.id, None)
        if future is not None and not future.done():
            future.set_result(VerifyResult(said.exit_code, said.output, said.duration_ms, why or said.problem))

    async def _apply(self, tree: TreeRef | None, place: int) -> str | None:
        """Set the mirror to what changed on the worker, as the message at this place says; return why it could not be.

        An earlier server has applied what it had kept as applied, and the mirror may have changed since.
        """
        if tree is None or place <= self._applied:
            return None
        named = await asyncio.to_thread(self.job.untracked)
        prefix = f"{self.job.prefix.rstrip('/')}/" if self.job.prefix else ""
        try:
            await self._tree.take(tree, [f"{prefix}{path}" for path in named])
        except (GitError, BrokerProblem) as error:
            why = f"the work of {self._name} cannot be taken: {error}"
            self._on_problem(why)
            return why
        self._have |= {tree.commit, tree.head}
        self._applied = place
        if self._holder is not None:
            await self._keep_lease(self._holder)
        return None

    def _fail(self, error: MachineLostError) -> None:
        calls, self._calls = self._calls, {}
        checks, self._checks = self._checks, {}
        for call in calls.values():
            call.fail(error)
        for future in checks.values():
            if not future.done():
                future.set_exception(error)
                future.exception()


def call_data(spec: AgentSpec, call: Call, folder: str) -> CallData:
    """Return what of a call travels: no program, no environment, no secret."""
    return CallData(
        agent=spec.name,
        kind=spec.kind,
        prompt=call.prompt,
        folder=folder,
        model=call.model or spec.model,
        fallback_model=spec.fallback_model,
        permission_mode=spec.permission_mode,
        prices=dict(spec.prices),
        resume=call.resume,
        booked=call.booked,
        timeout_s=call.timeout_s,
        silence_s=call.silence_s,
        schema=call.schema,
        budget_usd=call.budget_usd,
        may_ask=call.may_ask,
    )


def _failed(outcome: Outcome, why: str) -> Outcome:
    reason = f"{why[:1].upper()}{why[1:]}."
    return replace(outcome, kind=OutcomeKind.FAILED, reason=reason, structured=None)


def _size(call: Call) -> int:
    try:
        return call.stream_path.stat().st_size
    except OSError:
        return 0


async def remove_lane(broker: Broker, project: str, lane: str) -> None:
    """Take a lane's job out of the queue and its messages out of the streams."""
    await remove_job(broker, project, lane)
    for subject in (do_subject(project, lane), said_subject(project, lane)):
        await purge(broker, lanes_stream(project).name, subject)
