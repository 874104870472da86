"""A command on a worker: the agent of a call, in the lane's copy, with this machine's own program and environment."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

import agents
from agents import AgentSpec, Call, Outcome, OutcomeKind, Record, Usage
from agents.followed_file import follow
from base.tasks import end_tasks
from fleet.work.channel import LaneChannel
from fleet.work.messages import CallData, CallProgress

TICK_S: Final = 0.05  # between two messages about what came: a page shows it that much later
PIECE_BYTES: Final = 128 << 10  # of lines in one message
BEHIND: Final = 20  # messages that wait for the broker, until less is read

T = TypeVar("T")

log = logging.getLogger("sprint_runner.fleet")


@dataclass(frozen=True, slots=True)
class Places:
    """The lane's folder at the coordinator and here: prompts and recordings name files by the coordinator's."""

    there: str
    here: str

    def inward(self, text: str) -> str:
        return text.replace(self.there, self.here)

    def outward(self, data: bytes) -> bytes:
        return data.replace(self.here.encode(), self.there.encode())


class LaneCall:
    """One call; `mark` is what its processes carry here. It is stopped by `stop`, and `run` returns its outcome."""

    def __init__(
        self,
        call_id: str,
        data: CallData,
        spec: AgentSpec | None,
        channel: LaneChannel,
        places: Places,
        mark: str,
        stream: Path,
    ) -> None:
        self.id = call_id
        self._data, self._spec = data, spec
        self._channel, self._places = channel, places
        self._mark, self._stream = mark, stream
        self._process: agents.AgentProcess | None = None
        self._stopped = asyncio.Event()
        self._early: list[Callable[[agents.AgentProcess], Any]] = []  # what came while it was being started
        self._records: list[tuple[str, msgspec.Raw]] = []
        self._lines = bytearray()
        self._ended = asyncio.Event()

    def stop(self) -> None:
        self._stopped.set()
        if self._process is not None:
            self._process.stop()

    async def unless_stopped(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Return what work before the call returns; None where the call is stopped meanwhile, which ends the work."""
        working, stopped = asyncio.ensure_future(work), asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait((working, stopped), return_when=asyncio.FIRST_COMPLETED)
            return await working if working.done() else None
        finally:
            await end_tasks(working, stopped)

    def say(self, message_id: int, text: str) -> None:
        self._reach(lambda process: process.say(message_id, text))

    def answer(self, text: str) -> None:
        self._reach(lambda process: process.answer(text))

    async def run(self) -> Outcome:
        """Run the agent to its end; what it prints is posted as it comes. No process is left afterwards."""
        data, spec = self._data, self._spec
        if self._stopped.is_set():
            return replace(could_not_start("It was stopped before it began."), kind=OutcomeKind.STOPPED)
        if spec is None or spec.kind != data.kind:
            have = "no agent" if spec is None else f"an agent of kind {spec.kind}"
            return could_not_start(f"The worker has {have} named {data.agent}, of kind {data.kind}.")
        spec = replace(
            spec,
            model=data.model,
            fallback_model=data.fallback_model,
            permission_mode=data.permission_mode,
            prices=data.prices,
        )
        call = await self._call(spec)
        while True:
            outcome = await self._run(spec, call)
            refused = None
            if outcome.kind is OutcomeKind.COULD_NOT_START:
                refused = agents.OPTIONS.refused(spec, call.options, outcome.reason)
            if refused is None or self._stopped.is_set():
                return self._as_there(outcome)
            call = replace(call, options=call.options - {refused})

    async def close(self) -> None:
        """Remove what is here of the recording."""
        if self._process is not None:
            with suppress(Exception):  # of the receiver, which is ours: the outcome is known
                await self._process.wait()
        for path in (self._stream, self._stream.with_name(f"{self._stream.name}.gz")):
            with suppress(OSError):  # what stays is in the way of nothing
                path.unlink()

    # -- inside ------------------------------------------------------------------------------------------------

    async def _call(self, spec: AgentSpec) -> Call:
        data = self._data
        return Call(
            prompt=self._places.inward(data.prompt),
            cwd=Path(self._places.here) / data.folder,
            mark=self._mark,
            stream_path=self._stream,
            model=data.model,
            resume=data.resume,
            booked=data.booked,
            timeout_s=data.timeout_s,
            silence_s=data.silence_s,
            options=await agents.OPTIONS.of(spec),
            schema=data.schema,
            budget_usd=data.budget_usd,
            may_ask=data.may_ask,
        )

    async def _run(self, spec: AgentSpec, call: Call) -> Outcome:
        self._ended.clear()
        process = self._process = await agents.start(spec, call, self._take)
        if self._stopped.is_set():
            process.stop()
        for reach in self._early:
            reach(process)
        self._early.clear()
        relaying = asyncio.ensure_future(self._relay())
        try:
            outcome = await process.outcome()
            self._ended.set()
            await relaying
            return outcome
        except BaseException:  # also a cancellation: the agent must not outlive its lane
            process.stop()
            await asyncio.wait([asyncio.ensure_future(process.wait())])
            raise
        finally:
            await end_tasks(relaying)

    def _reach(self, reach: Callable[[agents.AgentProcess], Any]) -> None:
        if self._process is None:
            self._early.append(reach)
        else:
            reach(self._process)

    def _take(self, record: Record) -> None:
        data = self._places.outward(msgspec.json.encode(record))
        self._records.append((type(record).__name__, msgspec.Raw(data)))

    async def _relay(self) -> None:
        """Post what the agent prints, and what was read of it, until its recording is whole."""
        reading = asyncio.ensure_future(self._read())
        try:
            while not reading.done():
                await asyncio.wait([reading], timeout=TICK_S)
                self._flush(whole=False)
        finally:
            await end_tasks(reading)
        self._flush(whole=True)

    async def _read(self) -> None:
        try:
            await follow(self._stream, self._ended, self._is_behind, self._lines.extend)
        except FileNotFoundError:  # it could not be started
            pass
        except OSError as error:
            log.warning("the recording of %s cannot be read: %s", self.id, error)
        await self._ended.wait()

    def _is_behind(self) -> bool:
        return self._channel.waiting > BEHIND or len(self._lines) > 4 * PIECE_BYTES

    def _flush(self, *, whole: bool) -> None:
        """Post whole lines, so that no name of a folder is cut, unless one is very long."""
        if self._channel.waiting > BEHIND and not whole:
            return
        while self._records or self._lines:
            size = min(len(self._lines), PIECE_BYTES)
            if not whole or size < len(self._lines):
                size = self._lines.rfind(b"\n", 0, size) + 1 or (size if size == PIECE_BYTES else 0)
            if not size and not self._records:
                return
            lines, records = bytes(self._lines[:size]), tuple(self._records[:200])
            del self._lines[:size], self._records[:200]
            self._channel.post(CallProgress(self.id, self._places.outward(lines), records))

    def _as_there(self, outcome: Outcome) -> Outcome:
        """Return the outcome with the coordinator's names of files."""
        texts = {name: getattr(outcome, name) for name in ("reason", "text", "last_activity")}
        return replace(
            outcome, **{name: text.replace(self._places.here, self._places.there) for name, text in texts.items()}
        )


def could_not_start(reason: str) -> Outcome:
    """Return the outcome of a call that never began."""
    return Outcome(
        kind=OutcomeKind.COULD_NOT_START,
        reason=reason,
        exit_code=None,
        text="",
        usage=Usage(),
        cost_usd=None,
        estimated_usd=0.0,
        session_id=None,
        model=None,
        turns=None,
        duration_ms=0,
        resets_at=None,
        malformed_lines=0,
        last_activity="",
    )
