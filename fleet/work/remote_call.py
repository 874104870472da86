"""A call of an agent on a worker, as a run sees it: its records as they come, its recording, its outcome.

Promises: what the worker's agent prints is recorded as if it ran here, in order; the outcome is known when the mirror
holds the result; one that is stopped ends in any case, at once where the worker was not given it yet.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from agents import AgentSpec, Call, Outcome, OutcomeKind, Record, Usage
from agents.prices import PriceList
from agents.stream_file import StreamFile
from agents.usage import Tally
from fleet.work.messages import AnswerCall, CallProgress, RunCall, SayToCall, StopCall, ToWorker, records_of
from running.machines import LeftRunningError

STOP_S: Final = 15.0  # until a call counts as stopped whose worker does not answer

log = logging.getLogger("sprint_runner.fleet")


class RemoteCall:
    """A call with the mark `call.mark`. `post` sends a message to the worker, `machine` is its name.

    Of the first `known` bytes of the recording the records were reported before: they are counted alone.
    """

    def __init__(
        self,
        spec: AgentSpec,
        call: Call,
        on_record: Callable[[Record], None],
        on_exit: Callable[[], None],
        post: Callable[[ToWorker], None],
        machine: str,
        known: int = 0,
    ) -> None:
        self.pid: int | None = None
        self.start_time: str | None = None
        self.quiet_since: float | None = None
        self.id = call.mark
        self._on_record, self._on_exit = on_record, on_exit
        self._post, self._machine = post, machine
        self._known, self._size = known, 0
        self._recording = StreamFile(call.stream_path)
        self._tally = Tally(call.model or spec.model, call.resume is not None, call.booked, PriceList(spec.prices))
        self._began = time.monotonic()
        self._broken: Exception | None = None  # of the receiver of the records
        self._judged: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._archived = asyncio.Event()
        self._stopping: asyncio.TimerHandle | None = None
        self._giving: asyncio.Task[None] | None = None  # while the worker is brought to the mirror's state
        self._early: list[ToWorker] = []  # for a worker that was not given the call yet
        self._closing: asyncio.Task[None] | None = None

    # -- for a run

    @property
    def usage(self) -> Usage:
        return self._tally.usage

    @property
    def cost_usd(self) -> float | None:
        return self._tally.cost_usd

    @property
    def estimated_usd(self) -> float:
        return self._tally.estimated_usd

    async def outcome(self) -> Outcome:
        """Return the outcome, when the mirror holds the result. Raises `MachineLostError`, `LeftRunningError`."""
        return await asyncio.shield(self._judged)

    async def wait(self) -> Outcome:
        """Return the outcome, when the recording is compressed. Raises as `outcome`."""
        outcome = await self.outcome()
        await self._archived.wait()
        return outcome

    def stop(self) -> None:
        """Have the agent ended; returns at once, idempotent."""
        if self._judged.done() or self._stopping is not None:
            return
        if self._giving is not None:
            self._end_stopped("It was stopped before it began.")
            return
        self._post(StopCall(self.id))
        self._stopping = asyncio.get_running_loop().call_later(STOP_S, self._give_up)

    def say(self, message_id: int, text: str) -> bool:
        if self._judged.done() or self._stopping is not None:
            return False
        self._send(SayToCall(self.id, message_id, text))
        return True

    def answer(self, text: str) -> bool:
        if self._judged.done():
            return False
        self._send(AnswerCall(self.id, text))
        return True

    def leave(self) -> None:
        """Follow it no more: this server ends in order, and the worker continues."""
        self.fail(LeftRunningError(f"the command runs on {self._machine}"))

    # -- for the lane

    @property
    def is_ended(self) -> bool:
        return self._judged.done()

    async def begin(self) -> None:
        """Create the recording."""
        await self._recording.start()

    def give(self, giving: Coroutine[Any, Any, None]) -> None:
        """Have the worker given the call by `giving`, which ends before that where it is stopped or left."""
        self._giving = asyncio.get_running_loop().create_task(giving, name=f"give {self.id}")

    def given(self, run: RunCall) -> None:
        """Give the worker the call, and what was for it meanwhile."""
        for message in (run, *self._early):
            self._post(message)
        self._giving = None
        self._early.clear()

    async def take(self, progress: CallProgress) -> None:
        """Record and report what came. Raises `ForeignMessage`."""
        if self._closing is not None:
            return
        records = records_of(progress.records)
        reported = self._size >= self._known
        self._size += len(progress.lines)
        await self._recording.append(progress.lines)
        for record in records:
            self._tally.add(record)
            if reported and self._broken is None and not self._judged.done():
                self._report(record)

    def _report(self, record: Record) -> None:
        try:
            self._on_record(record)
        except Exception as error:  # of any kind: the agent must not work on for a run that is broken
            self._broken = error
            self.stop()

    async def end(self, outcome: Outcome) -> None:
        """The mirror holds the result."""
        if self._judged.done():
            return
        self.quiet_since = time.monotonic()
        await self._recording.end()
        self._on_exit()
        if self._judged.done():  # stopped meanwhile
            return
        if self._broken is not None:
            self._judged.set_exception(self._broken)
        else:
            self._judged.set_result(outcome)
        await self._close()

    def fail(self, error: Exception) -> None:
        """End it without a result: its lane was lost, or this server ends."""
        if not self._judged.done():
            self._judged.set_exception(error)
            self._judged.exception()  # looked at, so that it is not logged as lost
        self._cancel_giving()
        self._cancel_stop()

    def _send(self, message: ToWorker) -> None:
        if self._giving is None:
            self._post(message)
        else:
            self._early.append(message)

    def _give_up(self) -> None:
        if not self._judged.done():
            self._end_stopped(f"It was stopped, and the worker {self._machine} does not answer.")

    def _end_stopped(self, reason: str) -> None:
        duration_ms = round((time.monotonic() - self._began) * 1000)
        self.quiet_since = time.monotonic()
        self._judged.set_result(self._tally.outcome(OutcomeKind.STOPPED, reason, None, duration_ms))
        self._cancel_giving()
        self._closing = asyncio.get_running_loop().create_task(self._close_recording())

    def _cancel_giving(self) -> None:
        if self._giving is not None:
            self._giving.cancel()

    async def _close_recording(self) -> None:
        await self._recording.end()
        await self._close()

    async def _close(self) -> None:
        self._cancel_stop()
        await self._recording.archive()
        if self._recording.error is not None:
            log.warning("the stream of %s could not be recorded: %s", self.id, self._recording.error)
        self._archived.set()

    def _cancel_stop(self) -> None:
        if self._stopping is not None:
            self._stopping.cancel()
