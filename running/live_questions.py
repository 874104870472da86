"""Questions of a program that waits for the answer: asked while the command runs, answered within the call.

A question is a row and an attention in one commit, as every question is; the run does not pause for it, since other
lanes may work and the program holds its place itself. After the end of the server the row is what is left: the batch
then waits for the answer at the gate, and the session is resumed with it. One question is open at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from base.tasks import end_tasks
from events import emit
from running.gate import WAIT_SLICE_S, Gate
from running.journal import CommandStatus
from running.questions import DECIDE, keep_answer
from running.subject import CommandSubject
from running.workspace import Workspace, until_stored
from store.commands import get_command
from store.questions import ask_question, get_question

# How a call may end whose question still waits for the operator.
KEPT_OPEN: Final = (CommandStatus.QUESTION, CommandStatus.STOPPED, CommandStatus.INTERRUPTED)


class LiveQuestions:
    """The questions of one call; `answer` hands an answer to the program."""

    def __init__(
        self,
        workspace: Workspace,
        gate: Gate,
        subject: CommandSubject,
        command_id: int,
        answer: Callable[[str], object],
    ) -> None:
        self._workspace, self._gate = workspace, gate
        self._subject, self._command_id = subject, command_id
        self._answer = answer
        self._asking: asyncio.Task[None] | None = None
        self.open = ""  # the question that waits

    def ask(self, question: str) -> None:
        """Ask the operator; returns at once."""
        before, self.open = self._asking, question
        self._asking = asyncio.create_task(self._settle(question, before))

    async def resume(self) -> None:
        """Continue with the question of a call that an earlier server has left; an answer since is handed on."""
        row = await self._workspace.database.read(get_question, self._command_id)
        if row is None or self._asking is not None:
            return
        if row.answer is not None:
            self._answer(row.answer)
            return
        self.open = row.question
        self._asking = asyncio.create_task(self._hand_on())

    async def leave(self) -> None:
        """The server ends and the call goes on: its question stays open."""
        await end_tasks(*([] if self._asking is None else [self._asking]))

    async def close(self, status: CommandStatus) -> None:
        """The call has ended: a question that still waits is no longer asked, unless the command continues with it."""
        if self._asking is None:
            return
        self._asking.cancel()
        await asyncio.gather(self._asking, return_exceptions=True)
        if self.open and status not in KEPT_OPEN:
            await self._decide("the call has ended without an answer")

    async def _settle(self, question: str, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await before
        await until_stored(lambda: self._write(question))
        await self._hand_on()

    async def _hand_on(self) -> None:
        answer = await self._answered(self._until())
        self.open = ""
        self._answer(answer)

    def _write(self, question: str) -> Awaitable[object]:
        database = self._workspace.database
        with database.atomic():
            database.write(ask_question, self._command_id, question)
            return emit(self._subject.question(question))

    async def _answered(self, until: float | None) -> str:
        """The answer, which the row holds; after `until` the program is left to decide."""
        changed = asyncio.Event()
        with self._gate.on_answer(self._command_id, changed.set):
            while True:
                changed.clear()
                row = await self._workspace.database.read(get_question, self._command_id)
                if row is not None and row.answer is not None:
                    return row.answer
                if until is not None and self._workspace.clock() >= until:
                    await self._decide("no answer came, so it decides for itself")
                    continue
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), None if until is None else WAIT_SLICE_S)

    async def _decide(self, message: str) -> None:
        command = await self._workspace.database.read(get_command, self._command_id)
        if command is not None:
            await keep_answer(self._workspace, command, DECIDE, message)

    def _until(self) -> float | None:
        minutes = self._workspace.settings().question_timeout_min
        return self._workspace.clock() + minutes * 60 if minutes > 0 else None
