"""Work of the runner's own that takes its time: a row and events like those of a command, but no agent performs it.

So the page shows what runs and for how long, and the record what came of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from db import create_command, update_command
from events import EventType, emit_event
from running.gate import Gate, StopMode, Stopped
from running.journal import CommandStatus
from running.workspace import Workspace, drop_none, emit_best_effort, until_stored

RUNNER: Final = "runner"  # in the place of an agent's name

T = TypeVar("T")


class Refused(RuntimeError):
    """The task cannot be done; the message says why."""


class RunnerTask:
    """One task for the stories of a cycle, such as the merge of their branch."""

    def __init__(
        self, workspace: Workspace, gate: Gate, command: str, task_id: str, cycle_number: int, keys: Sequence[str]
    ) -> None:
        self.id = 0
        self._workspace = workspace
        self._gate = gate
        self._task_id = task_id
        self._subject: dict[str, Any] = {
            "story_key": keys[0],
            "command": command,
            "attempt": 1,
            "agent": RUNNER,
            "background": False,
            "cycle_number": cycle_number,
            "story_keys": list(keys),
        }

    def say(self, message: str) -> None:
        """A line of the log."""
        told = {**self._subject, "task_id": self._task_id, "message": self._workspace.masker.text(message)}
        emit_best_effort(EventType.COMMAND_PROGRESS, {**told, "kind": "note"})

    async def perform(self, row_id: int, work: Callable[[RunnerTask], Awaitable[T]]) -> T:
        """Do it, between a committed row and its committed end. `row_id` is that of the first story's row.

        What `work` raises comes out again; of a `Refused` the row has the reason.
        """
        await self._open(row_id)
        try:
            result = await work(self)
        except Refused as refused:
            await self._close(CommandStatus.ERROR, self._workspace.masker.text(str(refused)))
            raise
        except Stopped:
            await self._close(*self._stopped())
            raise
        except BaseException as error:
            await asyncio.shield(self._close(CommandStatus.ERROR, f"{type(error).__name__}: {error}"))
            raise
        await self._close(CommandStatus.SUCCESS, None)
        return result

    async def _open(self, row_id: int) -> None:
        database, batch_id = self._workspace.database, self._gate.batch_id
        columns = {
            "story_id": row_id,
            "story_key": self._subject["story_key"],
            "story_keys": self._subject["story_keys"],
            "agent": RUNNER,
            "task_id": self._task_id,
            "started_at": self._now(),
        }
        command = self._subject["command"]
        self.id = await until_stored(lambda: database.write(create_command, batch_id, command, **columns))
        self._subject["command_id"] = self.id
        self._began = self._now()
        await until_stored(lambda: emit_event(EventType.COMMAND_START, {**self._subject, "task_id": self._task_id}))

    async def _close(self, status: CommandStatus, reason: str | None) -> None:
        """Row and `command:end` in one commit."""
        ended = self._now()
        took = max(0, ended - self._began)
        columns = {"status": status.value, "reason": reason, "ended_at": ended, "duration_ms": took}
        told = drop_none(status=status.on_wire, reason=reason, metrics={"duration_ms": took})

        def write() -> Awaitable[object]:
            with self._workspace.database.atomic():
                self._workspace.database.write(update_command, self.id, **columns)
                return emit_event(EventType.COMMAND_END, {**self._subject, "task_id": self._task_id, **told})

        await until_stored(write)

    def _stopped(self) -> tuple[CommandStatus, str]:
        if self._gate.stop_mode is StopMode.INTERRUPT:
            return CommandStatus.INTERRUPTED, "The server ended while this was running."
        return CommandStatus.STOPPED, "Stopped by the operator."

    def _now(self) -> int:
        return int(self._workspace.clock() * 1000)
