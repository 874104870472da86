"""`server.py run`: one batch from a terminal or a CI job, with its events as lines and its result as exit code.

The server is the usual one and serves the page as well. A headless run starts a batch, writes committed events to
standard output, and ends the server when the batch has ended or needs the operator to continue. A separate thread
writes the lines, so that a reader that stops reading does not block the event loop.
"""

from __future__ import annotations

import asyncio
import queue
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, TextIO

from cli.arguments import program_name
from events import Event, EventType
from orchestrator import BadRequest, NotNow, Orchestrator, StartRequest
from running.tracker import PAUSED as TRACKER_PAUSE

FLUSH_S: Final = 5.0  # how long the end waits for a reader that has stalled
# Pauses that end by themselves, or are ended by the operator who made them.
PASSING_PAUSES: Final = (
    *("usage-limit", "unreachable", "retry", "program", "hours", "scheduled", "reserve"),
    *("operator", "interrupted"),
)

_REMEDIES: Final = {
    "budget": "raise the budget, or start another batch with a larger one",
    TRACKER_PAUSE: "make it readable again, then use --resume",
}


class Exit(IntEnum):
    """The exit code of a run. USAGE means that the operator has to change something before it can start."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    STOPPED = 3
    BLOCKED = 4
    NEEDS_YOU = 5
    TRACKER_LOST = 6
    COMMIT_REFUSED = 7
    NOTHING_CAN_START = 8


# The exit codes of a run that was refused because of its stories: all are finished, or the open ones have to wait.
REFUSALS: Final = {"nothing_to_run": Exit.DONE, "cannot_run": Exit.NOTHING_CAN_START}


@dataclass(frozen=True, slots=True)
class HeadlessOptions:
    """The options of `run`.

    `resume` continues an interrupted batch if there is one; `wait` waits in a pause that needs the operator. `plan`
    runs the project's own sprint planning instead of stories.
    """

    request: StartRequest
    resume: bool = False
    wait: bool = False
    as_json: bool = False
    plan: bool = False


SENDING: Final = ("planned", "requesting")  # states of a delivery whose next step follows at once


class Headless:
    """A run from a terminal. `on_events` receives committed events; `run` starts a batch and awaits its end."""

    def __init__(self, options: HeadlessOptions, out: TextIO = sys.stdout, err: TextIO = sys.stderr) -> None:
        self._options = options
        self._lines = LineWriter(out)
        self._err = err
        self._ended: asyncio.Future[Exit] | None = None
        self._blocked: set[str] = set()
        self._called: set[str] = set()  # the kinds of attention so far
        self._sending: dict[int, str] = {}  # deliveries that are about to be pushed or requested, with their state
        self._code: Exit | None = None  # of the batch, once it is complete

    def on_events(self, events: Sequence[Event]) -> None:
        """Write the events, and end the run when the batch has ended or needs the operator."""
        for event in events:
            self._lines.put(event.data.decode() if self._options.as_json else event_line(event))
            self._check_end(event)

    async def run(self, orchestrator: Orchestrator) -> Exit:
        """Start a batch, await its end and return the exit code. Cancelled when the server ends first."""
        self._ended = asyncio.get_running_loop().create_future()
        try:
            await self._begin(orchestrator)
        except NotNow as error:
            self._report(str(error))
            return REFUSALS.get(error.code, Exit.USAGE)
        except BadRequest as error:
            self._report(str(error))
            return Exit.USAGE
        return await self._ended

    def close(self) -> None:
        """Write the remaining lines."""
        self._lines.close()

    async def _begin(self, orchestrator: Orchestrator) -> None:
        if self._options.resume:
            try:
                await orchestrator.resume()
            except NotNow as error:
                if error.code != "idle":  # idle: there is no batch to resume, so a new one is started
                    raise
            else:
                return
        request = self._options.request
        if self._options.plan:
            await orchestrator.plan_sprint(request.agent, request.budget_usd)
        else:
            await orchestrator.start(request)

    def _check_end(self, event: Event) -> None:
        if event.type is EventType.STORY_STATUS and event.payload["new_status"] == "blocked":
            self._blocked.add(event.payload["story_key"])
        elif event.type is EventType.STORY_STATUS:
            self._blocked.discard(event.payload["story_key"])
        elif event.type is EventType.ATTENTION:
            self._called.add(event.payload["kind"])
        elif event.type is EventType.STORY_DELIVERY:
            self._follow_delivery(event.payload)
        elif event.type is EventType.BATCH_END:
            self._code = self._exit_code(event.payload["status"])
            if not self._sending or event.payload["status"] != "completed":
                self._end(self._code)
        elif (
            event.type is EventType.BATCH_PAUSE
            and event.payload["reason"] not in PASSING_PAUSES
            and not self._options.wait
        ):
            reason = event.payload["reason"]
            remedy = _REMEDIES.get(reason, "start the server and press Resume")
            self._report(f"the batch is paused ({reason}): {remedy}")
            self._end(Exit.TRACKER_LOST if reason == TRACKER_PAUSE else Exit.NEEDS_YOU)

    def _follow_delivery(self, payload: Mapping[str, Any]) -> None:
        """A complete batch is left once its work is pushed and asked for; checks and failures are not awaited."""
        number, state = payload["delivery_id"], payload["state"]
        again = self._code is not None and self._sending.get(number) == state
        if state in SENDING and not payload.get("problem") and not again:
            self._sending[number] = state
        else:
            self._sending.pop(number, None)
        if self._code is not None and not self._sending:
            self._end(self._code)

    def _exit_code(self, status: str) -> Exit:
        if status == "completed":
            return Exit.BLOCKED if self._blocked else Exit.COMMIT_REFUSED if "commit" in self._called else Exit.DONE
        if status == "stopped":
            return Exit.STOPPED
        return Exit.TRACKER_LOST if "tracker" in self._called else Exit.FAILED

    def _end(self, code: Exit) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(code)

    def _report(self, message: str) -> None:
        self._err.write(f"{program_name()}: {message}\n")
        self._err.flush()


async def until_done(ended: asyncio.Future[None], headless: Headless | None, orchestrator: Orchestrator) -> int:
    """Wait for a signal, or for the end of the headless run if there is one; return the exit code.

    A signal cancels the wait; the shutdown of the server ends the agents.
    """
    if headless is None:
        await ended
        return 0
    task = asyncio.ensure_future(headless.run(orchestrator))
    waiting: list[asyncio.Future[Any]] = [task, ended]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    if not task.done():
        task.cancel()
        return Exit.STOPPED
    return await task


class LineWriter:
    """A thread that writes lines to a stream, in order, until the reader closes it."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="lines", daemon=True)
        self._thread.start()

    def put(self, line: str) -> None:
        self._queue.put(line)

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join(FLUSH_S)

    def _write(self) -> None:
        try:
            while (line := self._queue.get()) is not None:
                self._out.write(line + "\n")
                if self._queue.empty():  # one flush for a burst of lines, none of them delayed
                    self._out.flush()
            self._out.flush()
        except (OSError, ValueError):  # the reader has closed the pipe: the run continues, visible on the page
            return


def event_line(event: Event) -> str:
    """Return an event as a line of text: `HH:MM:SS story command task status message`."""
    payload = event.payload
    clock = time.strftime("%H:%M:%S", time.localtime(event.timestamp / 1000))
    parts = [payload.get(name) for name in ("story_key", "command", "task_id")]
    parts += [_status(event), _message(event)]
    return " ".join([clock, *(_plain(part) for part in parts if part)])


def _status(event: Event) -> str:
    payload = event.payload
    if event.type is EventType.STORY_STATUS:
        return str(payload["new_status"])
    return str(payload.get("status") or payload.get("kind") or event.type.value.rpartition(":")[2])


def _message(event: Event) -> str:
    payload = event.payload
    match event.type:
        case EventType.BATCH_START:
            return f"batch {payload['batch_id']}, cycles: {payload['max_cycles']}"
        case EventType.BATCH_END:
            cycles = payload["cycles_completed"]
            return f"batch {payload['batch_id']}, cycles completed: {cycles} {payload.get('reason', '')}".rstrip()
        case EventType.CYCLE_START:
            return f"cycle {payload['cycle_number']}: {', '.join(payload['story_keys'])}"
        case EventType.CYCLE_END:
            return f"cycle {payload['cycle_number']}: {', '.join(payload['completed_stories']) or 'no story'} done"
        case _:
            return str(payload.get("message") or payload.get("reason") or payload.get("verdict") or "")


def _plain(text: object) -> str:
    """Return one line without control characters, which could be commands for the terminal."""
    return "".join(char if char.isprintable() else " " for char in str(text))
