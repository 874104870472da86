"""Work of the runner's own that takes its time: a row and events like those of a command, but no agent performs it.

So the page shows what runs and for how long, and the record what came of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from events import emit
from payloads import Metrics
from running.gate import Gate, StopMode, Stopped
from running.journal import CommandStatus, dump
from running.subject import CommandSubject
from running.surroundings import SurroundingsFailed
from running.workspace import Workspace, emit_best_effort, record_with, until_stored
from store.commands import create_command, update_command
from workflow import CommitVerdict

RUNNER: Final = "runner"  # in the place of an agent's name

T = TypeVar("T")


class TaskRefused(RuntimeError):
    """The task failed; the message is the reason."""


class RunnerTask:
    """One task for the stories of a cycle, such as the merge of their branch."""

    def __init__(
        self, workspace: Workspace, gate: Gate, command: str, task_id: str, cycle_number: int, keys: Sequence[str]
    ) -> None:
        self.id = 0
        self.verdict: CommitVerdict | None = None  # of a commit, for its row
        self.with_end: Callable[[], object] = lambda: None  # writes that belong into the commit of the row's end
        self._workspace = workspace
        self._gate = gate
        self._task_id = task_id
        self._subject = CommandSubject(
            story_key=keys[0],
            command=command,
            attempt=1,
            agent=RUNNER,
            background=False,
            cycle_number=cycle_number,
            story_keys=list(keys),
        )

    def enter(self, task_id: str, message: str) -> None:
        """Continue to the next of the command's tasks."""
        self._task_id = task_id
        emit_best_effort(self._subject.progress(task_id, self._workspace.masker.text(message), "task"))

    def say(self, message: str) -> None:
        """A line of the log."""
        emit_best_effort(self._subject.progress(self._task_id, self._workspace.masker.text(message), "note"))

    async def perform(self, row_id: int, work: Callable[[RunnerTask], Awaitable[T]]) -> T:
        """Do it, between a committed row and its committed end. `row_id` is that of the first story's row.

        What `work` raises comes out again; of a `TaskRefused` or `SurroundingsFailed` the row has the reason.
        """
        await self._open(row_id)
        try:
            result = await work(self)
        except (TaskRefused, SurroundingsFailed) as refused:
            await self._close(CommandStatus.ERROR, self._workspace.masker.text(str(refused)))
            raise
        except Stopped:
            await self._close(*self._stopped())
            raise
        except BaseException as error:
            why = self._workspace.masker.text(f"{type(error).__name__}: {error}")
            await asyncio.shield(self._close(CommandStatus.ERROR, why))
            raise
        await self._close(CommandStatus.SUCCESS, None)
        return result

    async def _open(self, row_id: int) -> None:
        database, batch_id = self._workspace.database, self._gate.batch_id
        columns = {
            "story_id": row_id,
            "story_key": self._subject.story_key,
            "story_keys": self._subject.story_keys,
            "agent": RUNNER,
            "task_id": self._task_id,
            "started_at": self._now(),
        }
        command = self._subject.command
        self.id = await until_stored(lambda: database.reserve_id("commands"))
        self._subject = msgspec.structs.replace(self._subject, command_id=self.id)
        self._began = self._now()
        create = partial(database.write, create_command, batch_id, command, id=self.id, **columns)
        await record_with(self._workspace, self._subject.start(self._task_id), create)

    async def _close(self, status: CommandStatus, reason: str | None) -> None:
        """Write the row and `command:end` in one commit."""
        ended = self._now()
        took = max(0, ended - self._began)
        word = None if self.verdict is None else self.verdict.word
        columns: dict[str, Any] = {"status": status.value, "reason": reason, "ended_at": ended, "duration_ms": took}
        columns |= {"word": word, "task_id": self._task_id, "cost_usd": 0.0}
        if self.verdict is not None:
            columns["verdict"] = dump(self.verdict).decode()
        end = self._subject.end(
            self._task_id, status.on_wire, Metrics(duration_ms=took, cost_usd=0.0), reason=reason, verdict=word
        )

        def write() -> Awaitable[object]:
            with self._workspace.database.atomic():
                self.with_end()
                self._workspace.database.write(update_command, self.id, **columns)
                return emit(end)

        await until_stored(write)

    def _stopped(self) -> tuple[CommandStatus, str]:
        if self._gate.stop_mode is StopMode.INTERRUPT:
            return CommandStatus.INTERRUPTED, "The server ended while this was running."
        return CommandStatus.STOPPED, "Stopped by the operator."

    def _now(self) -> int:
        return int(self._workspace.clock() * 1000)
