"""The commands and checks that run on the worker of a lane, as its coordinator has given them, or an earlier one.

Promises: what a worker says of a command is handled in its order, whether the command was adopted by then or not; one
of a lost lease ends with `MachineLostError`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import msgspec

from agents import AgentSpec, Call, Outcome, OutcomeKind, Record
from fleet.work.channel import LaneChannel, Writer
from fleet.work.messages import (
    CallData,
    CallEnded,
    CallProgress,
    CheckEnded,
    RunCall,
    RunCheck,
    ToCoordinator,
)
from fleet.work.mirror import Mirror
from fleet.work.remote_call import RemoteCall
from git.carried_tree import TreeState
from running.check_process import VerifyResult
from running.machines import LaneJob, MachineLostError


class WorkerCalls:
    """What runs on the worker of the lane of a job. `holder` returns who has the lane, `name` that worker's name."""

    def __init__(
        self,
        lane: str,
        job: LaneJob,
        channel: LaneChannel,
        mirror: Mirror,
        holder: Callable[[], Writer | None],
        name: Callable[[], str],
    ) -> None:
        self._lane, self._job = lane, job
        self._channel, self._mirror = channel, mirror
        self._holder, self._name = holder, name
        self._calls: dict[str, RemoteCall] = {}
        self._checks: dict[str, asyncio.Future[VerifyResult]] = {}
        self._unclaimed: dict[str, list[ToCoordinator]] = {}  # of calls that an earlier server has started
        self._runs: dict[str, RunCall] = {}  # of the lane, by the ids of their calls, as an earlier server posted them
        self._adopted: set[str] = set()
        self._beginning: set[RemoteCall] = set()  # that the worker was not given yet
        self._sending, self._taking = asyncio.Lock(), asyncio.Lock()
        self._number = 0  # of checks

    async def start(
        self, spec: AgentSpec, call: Call, on_record: Callable[[Record], None], on_exit: Callable[[], None]
    ) -> RemoteCall:
        """Start a call on the worker; returns before that is given it. Raises `MachineLostError`."""
        made = RemoteCall(spec, call, on_record, on_exit, self._channel.post, self._name())
        self._held()
        await made.begin()
        made.give(self._give(made, spec, call))
        self._beginning.add(made)
        return made

    async def _give(self, made: RemoteCall, spec: AgentSpec, call: Call) -> None:
        """Bring the worker to the mirror's state and give it the call, which fails where that is not possible."""
        try:
            async with self._sending:
                holder = self._held()
                tree, named = await self._mirror.send(is_idle=self._is_idle)
                self._check(holder)
                self._calls[call.mark] = made
                # Nothing is awaited since the tree was sent: both are, or none.
                data = call_data(spec, call, self._folder(call))
                made.given(RunCall(id=call.mark, lease=holder.lease, call=data, tree=tree, named=named))
        except Exception as error:  # of any kind, mostly `MachineLostError`: the run that waits for the call is to know
            made.fail(error)
        finally:
            self._beginning.discard(made)

    async def adopt(
        self, spec: AgentSpec, call: Call, on_record: Callable[[Record], None], on_exit: Callable[[], None]
    ) -> RemoteCall | None:
        """Return the call that an earlier server has started, None where there is none. Raises `MachineLostError`."""
        run = self._runs.get(call.mark)
        if run is None:
            return None
        self._adopted.add(call.mark)
        known = await asyncio.to_thread(_size, call)
        made = RemoteCall(spec, call, on_record, on_exit, self._channel.post, self._name(), known)
        await made.begin()
        async with self._taking:  # what comes now is behind what has come
            came = self._unclaimed.pop(call.mark, [])
            is_ended = any(isinstance(message, CallEnded) for message in came)
            holder = self._holder()
            if not is_ended and (holder is None or holder.lease != run.lease):
                raise MachineLostError(f"the worker that ran the command has lost the lane {self._lane}")
            self._calls[call.mark] = made
            for message in came:
                await self._of_call(made, message)
        return made

    async def verify(self, command: str) -> VerifyResult:
        """Run the project's check in the worker's tree. Raises `MachineLostError`."""
        async with self._sending:
            holder = self._held()
            tree, named = await self._mirror.send(is_idle=self._is_idle)
            self._check(holder)
            self._number += 1
            name = f"check:{tree.commit}:{holder.job}:{holder.token}:{self._number}"
            future: asyncio.Future[VerifyResult] = asyncio.get_running_loop().create_future()
            self._checks[name] = future
            self._channel.post(RunCheck(id=name, lease=holder.lease, command=command, tree=tree, named=named))
        return await future

    # -- for the lease

    def know(self, given: RunCall | RunCheck) -> None:
        """Take note of what an earlier server has given."""
        if isinstance(given, RunCall):
            self._runs[given.id] = given
        self._mirror.tree.last = TreeState(given.tree.head, given.tree.commit)

    async def take(self, said: CallProgress | CallEnded | CheckEnded, place: int) -> None:
        """Handle what the worker says, by the message at this place."""
        async with self._taking:
            await self._take(said, place)

    def fail(self, error: MachineLostError) -> None:
        """End all without a result: the lane was lost."""
        calls, self._calls = self._calls, {}
        checks, self._checks = self._checks, {}
        for call in (*calls.values(), *self._beginning):
            call.fail(error)
        for future in checks.values():
            if not future.done():
                future.set_exception(error)
                future.exception()

    def leave(self) -> None:
        """Follow them no more: this server ends in order."""
        for call in (*self._calls.values(), *self._beginning):
            call.leave()

    # -- inside

    def _held(self) -> Writer:
        """Return who has the lane. Raises `MachineLostError`."""
        holder = self._holder()
        if holder is None:
            raise MachineLostError(f"no worker has the lane {self._lane}")
        return holder

    def _check(self, holder: Writer) -> None:
        """Raise `MachineLostError` where the lane is not held by the same lease any more."""
        now = self._holder()
        if now is None or now.lease != holder.lease:
            raise MachineLostError(f"{holder.name} has lost the lane {self._lane}")

    def _folder(self, call: Call) -> str:
        top = self._job.top
        folder = call.cwd.relative_to(top).as_posix() if call.cwd.is_relative_to(top) else ""
        return "" if folder == "." else folder

    @property
    def _is_idle(self) -> bool:
        return not self._calls and not self._checks and not self._is_running_unclaimed()

    def _is_running_unclaimed(self) -> bool:
        """Whether a call of an earlier server runs that was not adopted yet."""
        holder = self._holder()
        lease = None if holder is None else holder.lease
        runs = [run for run in self._runs.values() if run.lease == lease and run.id not in self._adopted]
        ended = {said.id for came in self._unclaimed.values() for said in came if isinstance(said, CallEnded)}
        return any(run.id not in ended for run in runs)

    async def _take(self, said: CallProgress | CallEnded | CheckEnded, place: int) -> None:
        if isinstance(said, CheckEnded):
            self._check_ended(said, await self._mirror.apply(said.tree, place, self._name()))
            return
        call = self._calls.get(said.id)
        if isinstance(said, CallEnded) and not (call is not None and call.is_ended):
            why = await self._mirror.apply(said.tree, place, self._name())
            said = said if why is None else msgspec.structs.replace(said, outcome=_failed(said.outcome, why))
        if call is None:
            self._unclaimed.setdefault(said.id, []).append(said)
        else:
            await self._of_call(call, said)

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
