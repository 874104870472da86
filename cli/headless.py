"""`server.py run`: one batch from a terminal or a CI job, told line by line, with an exit code that says how it went.

The server is the usual one and shows the same run to every page. A headless run begins a batch, writes what is
committed to standard output, and ends the server when the batch has ended or cannot go on without a person. Lines
are written by a thread of their own, so that a reader that stands still delays nobody.
"""

from __future__ import annotations

import asyncio
import queue
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TextIO

from cli.arguments import program_name
from events import Event, EventType
from orchestrator import BadRequest, NotNow, Orchestrator, StartRequest
from running.tracker import PAUSED as TRACKER_PAUSE

FLUSH_S: Final = 5.0  # how long the end waits for a reader that stands still
# Pauses that end by themselves, or by who made them.
ANSWERABLE: Final = ("usage-limit", "unreachable", "retry", "program", "operator", "interrupted")

_REMEDIES: Final = {
    "budget": "raise the budget, or start another batch with a larger one",
    TRACKER_PAUSE: "make it readable again, then use --resume",
}


class Exit(IntEnum):
    """How a run ended, as an exit code. 2 is for what the operator has to change before it can start."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    STOPPED = 3
    BLOCKED = 4
    NEEDS_YOU = 5
    TRACKER_LOST = 6
    COMMIT_REFUSED = 7
    NOTHING_CAN_START = 8


# How a run ends that was refused because of its stories: all are finished, or those that are not have to wait.
REFUSALS: Final = {"nothing_to_run": Exit.DONE, "cannot_run": Exit.NOTHING_CAN_START}


@dataclass(frozen=True, slots=True)
class HeadlessOptions:
    """What to run. `resume` goes on with an interrupted batch if there is one; `wait` stays when a person is needed."""

    request: StartRequest
    resume: bool = False
    wait: bool = False
    as_json: bool = False


class Headless:
    """A run from a terminal. `take` is a subscriber of committed events; `run` begins the batch and awaits its end."""

    def __init__(self, options: HeadlessOptions, out: TextIO = sys.stdout, err: TextIO = sys.stderr) -> None:
        self._options = options
        self._lines = Lines(out)
        self._err = err
        self._ended: asyncio.Future[Exit] | None = None
        self._blocked: set[str] = set()
        self._called: set[str] = set()  # the kinds of attention so far

    def take(self, events: Sequence[Event]) -> None:
        """Write the events, and see in them whether the batch has ended or needs somebody."""
        for event in events:
            self._lines.put(event.data.decode() if self._options.as_json else told(event))
            self._judge(event)

    async def run(self, orchestrator: Orchestrator) -> Exit:
        """From the start of the batch to its end. Raises `asyncio.CancelledError` when the server ends before it."""
        self._ended = asyncio.get_running_loop().create_future()
        try:
            await self._begin(orchestrator)
        except NotNow as error:
            self._say(str(error))
            return REFUSALS.get(error.code, Exit.USAGE)
        except BadRequest as error:
            self._say(str(error))
            return Exit.USAGE
        return await self._ended

    def close(self) -> None:
        """Write what is left."""
        self._lines.close()

    async def _begin(self, orchestrator: Orchestrator) -> None:
        if self._options.resume:
            try:
                await orchestrator.resume()
            except NotNow as error:
                if error.code != "idle":
                    raise
            else:
                return
        await orchestrator.start(self._options.request)

    def _judge(self, event: Event) -> None:
        if event.type is EventType.STORY_STATUS and event.payload["new_status"] == "blocked":
            self._blocked.add(event.payload["story_key"])
        elif event.type is EventType.STORY_STATUS:
            self._blocked.discard(event.payload["story_key"])
        elif event.type is EventType.ATTENTION:
            self._called.add(event.payload["kind"])
        elif event.type is EventType.BATCH_END:
            self._end(self._how(event.payload["status"]))
        elif (
            event.type is EventType.BATCH_PAUSE and event.payload["reason"] not in ANSWERABLE and not self._options.wait
        ):
            reason = event.payload["reason"]
            self._say(f"the batch is paused ({reason}): {_REMEDIES.get(reason, 'start the server and press Resume')}")
            self._end(Exit.TRACKER_LOST if reason == TRACKER_PAUSE else Exit.NEEDS_YOU)

    def _how(self, status: str) -> Exit:
        if status == "completed":
            return Exit.BLOCKED if self._blocked else Exit.COMMIT_REFUSED if "commit" in self._called else Exit.DONE
        if status == "stopped":
            return Exit.STOPPED
        return Exit.TRACKER_LOST if "tracker" in self._called else Exit.FAILED

    def _end(self, code: Exit) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(code)

    def _say(self, message: str) -> None:
        self._err.write(f"{program_name()}: {message}\n")
        self._err.flush()


class Lines:
    """Lines to a stream, in order, by a thread; a reader that has gone is not written to any more."""

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
                if self._queue.empty():
                    self._out.flush()
            self._out.flush()
        except (OSError, ValueError):  # nobody reads any more: the run goes on, and the page has it all
            return


def told(event: Event) -> str:
    """An event as a line for people: `HH:MM:SS story command task status message`."""
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
    """One line without anything that a terminal would obey."""
    return "".join(char if char.isprintable() else " " for char in str(text))
