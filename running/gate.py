"""Whether the next command may start: pause, stop, and waiting for a limit to pass.

Every command enters through the gate. Promises: a pause is announced once, when nothing of the foreground runs any
more; `stop` opens a paused gate only to end the run; nothing starts after a stop was asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, Final, TypeVar

from payloads import BatchPause, BatchResume, BatchWarning, Payload, or_unset
from running.waits import Caps, Hours, reason_of_end
from running.workspace import Workspace, emit_best_effort, record_batch

WAIT_SLICE_S: Final = 1.0  # a wait for a clock time reads the clock this often: laptops sleep, clocks are set

T = TypeVar("T")


class StopMode(StrEnum):
    GRACEFUL = "graceful"  # the current command ends by itself
    NOW = "now"  # it is ended
    INTERRUPT = "interrupt"  # the server ends: as now, but the batch stays open and can be resumed


class Stopped(Exception):
    """The run was stopped by the operator or by the end of the server."""


class Gate:
    """The gate of one batch. `caps` and `hours`, where they are set, are looked at before anything starts."""

    caps: Caps | None = None
    hours: Hours | None = None

    def __init__(self, workspace: Workspace, batch_id: int) -> None:
        self.batch_id = batch_id
        self.stop_mode: StopMode | None = None
        self.reason: str | None = None
        self.until: float | None = None
        self.running = 0  # commands of the foreground
        self._held_up = 0  # parts of the foreground that wait for work beside the run
        self._on_stop: list[Callable[[], object]] = []
        self._workspace = workspace
        self._clock = workspace.clock
        self._announced = False
        self._warned = False
        self.closed = False
        self._because = "operator"
        self.stop_after: str | None = None  # "story" or "cycle": nothing begins after the one that runs
        self.end_at: float | None = None  # when the batch stops
        self._questions: set[int] = set()  # ids of commands that wait for the operator's answer
        self.rechecks: dict[str, Callable[[], float | None]] = {}  # by reason, when a pause for a state ends by now
        self._on_answer: dict[int, Callable[[], object]] = {}  # by the id of a command whose program waits for it
        self._change = asyncio.Event()  # set, and replaced by a new one, at every change

    @property
    def paused(self) -> bool:
        """Whether the run is paused, or will be when the current command has ended."""
        return self.reason is not None

    @property
    def may_start(self) -> bool:
        """Whether neither a pause nor a stop keeps the next command from starting."""
        return not self.paused and self.stop_mode is None

    @property
    def is_announced(self) -> bool:
        """Whether the run waits at the gate and the pause was emitted."""
        return self.paused and self._announced

    @property
    def ends_agents(self) -> bool:
        return self.stop_mode in (StopMode.NOW, StopMode.INTERRUPT)

    def pause(self, reason: str, until: float | None = None, *, announced: bool = False) -> None:
        """Let nothing start until `resume`, or until a clock time. `announced`: the page knows already.

        The longest pause counts: one that waits for a person is never replaced by one that ends by itself.
        """
        if self.is_over:
            return  # after a stop nothing starts any more
        if self.reason is None or (self.until is not None and (until is None or until > self.until)):
            self.reason, self.until, self._announced = reason, until, announced
        if self.running and not announced and not self._warned:
            self._warned = True
            emit_best_effort(self._warning("pausing", "pausing after the current command"))
        self._notify_waiters()

    def ask(self, command_id: int, until: float | None) -> bool:
        """Pause for an answer to what a call asked; whether it is for questions that the gate is paused now."""
        self._questions.add(command_id)
        self.pause("question", until)
        return self.reason == "question"

    def answer(self, command_id: int) -> None:
        """A question is answered: with the last one, a pause for questions is over."""
        self._questions.discard(command_id)
        if (notify := self._on_answer.get(command_id)) is not None:
            notify()
        if not self._questions and self.reason == "question":
            self.resume("answered")

    @property
    def is_over(self) -> bool:
        """Whether nothing starts any more: a stop was asked for, or the batch has ended."""
        return self.stop_mode is not None or self.closed

    def close(self) -> None:
        """The batch is over: what still runs beside it pauses nothing any more."""
        self.reason, self.until, self.closed = None, None, True
        self._notify_waiters()

    def resume(self, because: str = "operator") -> None:
        self._questions.clear()
        self._because = because
        if self.reason == "hours" and because == "operator" and self.hours is not None:
            self.hours.open()
        self.reason, self.until = None, None
        if self._warned and not self._announced:
            self._warned = False
            emit_best_effort(BatchResume(batch_id=self.batch_id, reason=because))
        self._notify_waiters()

    def stop(self, mode: StopMode) -> None:
        """Start nothing more; `NOW` and `INTERRUPT` also end the agents that run. Only ever gets faster."""
        if self.stop_mode is None and mode is not StopMode.INTERRUPT and not self.closed:
            text = "now" if mode is StopMode.NOW else "after the current command"
            emit_best_effort(self._warning("stopping", f"stopping {text}"))
        if not self.ends_agents or mode is StopMode.INTERRUPT:
            self.stop_mode = mode
        if self.ends_agents:
            self._end_running()
        self._notify_waiters()

    def end_after(self, point: str | None, at: float | None = None) -> None:
        """Stop the batch after the story or the cycle that runs, or at a clock time; None: when all is done."""
        self.stop_after, self.end_at = point if at is None else None, at
        self._notify_waiters()

    def end_agents(self) -> None:
        """The run has failed: what still runs beside it ends, and nothing more starts."""
        self.stop_mode = self.stop_mode or StopMode.NOW
        self._end_running()
        self._notify_waiters()

    def _end_running(self) -> None:
        for end in list(self._on_stop):
            end()

    @contextmanager
    def command(self) -> Iterator[None]:
        """Count a command of the foreground while it runs: a pause is announced when the last one has ended."""
        self.running += 1
        self._keep_awake()
        try:
            yield
        finally:
            self.running -= 1
            self._keep_awake()
            if self.reason is not None:
                self._notify_waiters()

    @contextmanager
    def on_answer(self, command_id: int, notify: Callable[[], object]) -> Iterator[None]:
        """Call `notify` when the command's question is answered, while its program waits."""
        self._on_answer[command_id] = notify
        try:
            yield
        finally:
            del self._on_answer[command_id]

    @contextmanager
    def on_stop(self, end: Callable[[], object]) -> Iterator[None]:
        """Call `end` when a stop ends what runs; nothing is called any more after the block."""
        self._on_stop.append(end)
        try:
            yield
        finally:
            self._on_stop.remove(end)

    async def enter(self) -> None:
        """Return when a command may start. Raises `Stopped`, also when the batch is over."""
        while not self.is_over:
            if self.end_at is not None and self._clock() >= self.end_at:
                self.stop(StopMode.GRACEFUL)
                break
            if self.reason is None and self.caps is not None:
                await self.caps.look(self)  # before a resume is announced: a full cap holds against every resume
            if self.reason is None and self.hours is not None:
                self.hours.look(self)
            if self.stop_mode is not None:
                break
            if self.reason is not None:
                await self._hold()
            elif self._announced:
                await self._reopen(self._because)
            elif await self._records_in_place():
                return
            else:
                await _wait(self._change, WAIT_SLICE_S)
        raise Stopped

    async def _records_in_place(self) -> bool:
        """Whether what the run records is kept; it is not while database and locks were taken from their folder."""
        files = self._workspace.data_files
        return files is None or await files.restore()

    async def _hold(self) -> None:
        """Wait for a change, or until the clock may have passed the time; the caller looks again afterwards."""
        change = self._change
        # A wait for a clock time is emitted at once: other lanes may continue.
        if self.until is not None or not self.running:
            await self._announce()
        if self.until is not None and self._clock() >= self.until:
            await self._reopen(reason_of_end(self.reason))
        elif (ends := self.rechecks.get(self.reason or "")) is not None and ends() != self.until:  # settings changed
            self.reason, self.until, self._because = None, None, "settings"  # `enter` looks again
        elif self.reason == "budget" and self.caps is not None:
            await _wait(change, WAIT_SLICE_S)
            if self.reason == "budget" and await self.caps.refusal() is None and self.reason == "budget":
                await self._reopen("budget raised")
        else:
            await _wait(change, None if self.until is None and self.end_at is None else WAIT_SLICE_S)

    async def _announce(self) -> None:
        if self._announced or self.reason is None:
            return
        self._announced = True
        until = None if self.until is None else int(self.until * 1000)
        payload = BatchPause(batch_id=self.batch_id, reason=self.reason, until=or_unset(until))
        await self._record(payload, status="paused", reason=self.reason)

    async def _reopen(self, reason: str) -> None:
        """Several commands may wait at once: the first one through emits the end."""
        self.reason, self.until = None, None
        if self._announced or self._warned:
            self._announced = self._warned = False
            await self._record(BatchResume(batch_id=self.batch_id, reason=reason), status="running", reason=None)

    async def _record(self, payload: Payload, **columns: Any) -> None:
        await record_batch(self._workspace, self.batch_id, payload, **columns)

    async def run_interruptible(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for work of our own, such as the project's check, which a stop now cuts short; raises `Stopped` then."""
        if self.ends_agents:
            work.close()
            raise Stopped
        task = asyncio.ensure_future(work)
        with self.on_stop(task.cancel):
            try:
                return await task
            except asyncio.CancelledError:
                if self.ends_agents and task.cancelled():
                    raise Stopped from None
                raise

    def look_again(self) -> None:
        """Let those who wait at the gate look at what they wait for."""
        self._notify_waiters()

    async def wait_for_change(self) -> None:
        """Return at the next change of the gate. Raises `Stopped`."""
        if self.stop_mode is None:
            await _wait(self._change, WAIT_SLICE_S)
        if self.stop_mode is not None:
            raise Stopped

    async def sleep(self, seconds: float) -> None:
        """Wait so long by the clock, until a stop is asked for, or until the batch is over."""
        ends = self._clock() + seconds
        while not self.is_over and (left := ends - self._clock()) > 0:
            await _wait(self._change, min(left, WAIT_SLICE_S))

    @contextmanager
    def waits_for_background(self) -> Iterator[None]:
        """While the foreground waits here for work beside the run, a wait of that work is one of the run."""
        self._held_up += 1
        self._notify_waiters()
        try:
            yield
        finally:
            self._held_up -= 1

    async def wait_beside(self, reason: str, until: float) -> None:
        """Let work beside the run wait until a clock time; as a pause of the run once nothing else continues."""
        while not self.is_over and (left := until - self._clock()) > 0:
            if self._held_up and not self.running:
                self.pause(reason, until)
                return
            await _wait(self._change, min(left, WAIT_SLICE_S))

    def _notify_waiters(self) -> None:
        """A new event for the next change: a waiter that took the old one before it looked cannot miss this one."""
        self._change.set()
        self._change = asyncio.Event()
        self._keep_awake()

    def _keep_awake(self) -> None:
        """A machine that sleeps while an agent works, or over a time at which the run continues, loses the night."""
        self._workspace.awake.want(self, not self.closed and bool(self.running or self.until is not None))

    def _warning(self, kind: str, message: str) -> BatchWarning:
        return BatchWarning(batch_id=self.batch_id, warning_type=kind, message=message)


async def _wait(change: asyncio.Event, seconds: float | None) -> None:
    try:
        async with asyncio.timeout(seconds):
            await change.wait()
    except TimeoutError:
        return
