"""The progress of a running command: the agent's records become `command:progress`, and its usage is stored.

Promises: the log stays readable whatever an agent prints (a burst, then a steady rate, and a count of what was left
out: the transcript has it all); tokens and cost are in the command's row while they are spent, so that a command that
is killed is booked as far as it was seen.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any, Final

import agents
from db import Database
from payloads import Metrics
from running.metrics import columns_of
from running.subject import CommandSubject
from running.workspace import emit_best_effort
from security.controls import visible
from store.commands import update_command
from store.writer import DatabaseUnavailable
from workflow import announcements, infer_task

MESSAGE_MAX: Final = 300  # characters of one line of the log
VERSION_MAX: Final = 100  # characters of a program's version
MASKED_MAX: Final = 8192  # characters that are searched for secrets, so that none is cut before it is recognised
READ_MAX: Final = 16 * 1024  # characters of a text that are searched for the beginning of what it says
BURST: Final = 100  # lines that may come at once
RATE_PER_S: Final = 20.0  # lines per second after that
BOOK_EVERY_S: Final = 2.0  # how often usage goes to the row while the command runs


class Activity:
    """The progress of one command. `metrics` returns the agent's usage so far."""

    def __init__(
        self,
        tasks: Collection[str],
        command_id: int,
        subject: CommandSubject,
        database: Database,
        mask: Callable[[str], str] = str,
    ) -> None:
        self.task_id = "setup"
        self.session_id: str | None = None
        self._begun: tuple[str | None, str | None] = (None, None)  # session and version, as the program said them last
        self.metrics: Callable[[], Metrics | None] = lambda: None
        self._tasks = tasks
        self._command_id = command_id
        self._subject = subject
        self._database = database
        self._mask = mask
        self._announced = False
        self._tokens = float(BURST)
        self._left_out = 0
        self._refilled_at = self._booked_at = time.monotonic()

    def take(self, record: agents.Record) -> None:
        """Handle one record of the agent, on the loop."""
        match record:
            case agents.Started(session_id=session, version=version) if (session, version) != self._begun:
                self._begin(session, version)
            case agents.Text(text=text, subagent=None):
                self._read_text(text)
            case agents.ToolCall(name=name, summary=summary, subagent=None):
                self._infer(name, summary)
                self._show("tool", summary)
            case agents.ToolResult(text=text):
                self._read_announcements(text)
            case agents.Retry(error=error, attempt=attempt):
                self._show("retry", f"The agent tries again (attempt {attempt}): {error}")
            case agents.Denied(tool=tool, message=message):
                self._show("denied", f"{tool} was denied: {message}")
            case agents.Question(text=text) | agents.Note(text=text):
                self._show("note", text)
            case agents.UsageSeen() if time.monotonic() - self._booked_at >= BOOK_EVERY_S:
                self._book()

    def _begin(self, session: str | None, version: str | None) -> None:
        self._begun = session, version
        self.session_id = session or self.session_id
        shown = None if version is None else visible(self._mask(version))[:VERSION_MAX]
        known = {"session_id": self.session_id, "agent_version": shown}
        self._book(**{name: value for name, value in known.items() if value is not None})

    def say(self, message: str) -> None:
        """Emit a line of the runner about this command."""
        self._show("note", message)

    def flush(self) -> None:
        """Report the number of dropped lines at the end of the command."""
        if self._left_out:
            left_out, self._left_out, self._tokens = self._left_out, 0, 1.0
            self._show("note", f"{left_out} more lines are in the transcript")

    def _read_text(self, text: str) -> None:
        self._read_announcements(text)
        lines = [
            line for line in text[:READ_MAX].split("\n") if line.strip() and not line.lstrip("`* ").startswith("::task")
        ]
        if lines:
            self._show("text", " ".join(" ".join(lines).split()))

    def _read_announcements(self, text: str) -> None:
        """Apply an announcement of one of the command's own tasks; show an unknown id as text."""
        for announcement in announcements(text):
            if announcement.task_id not in self._tasks:
                continue
            self._announced = True
            self.task_id = announcement.task_id
            self._show("task", announcement.message or ("finished" if announcement.ends else "started"))

    def _infer(self, tool: str, summary: str) -> None:
        if not self._announced:
            self.task_id = infer_task(tool, summary, self._tasks) or self.task_id

    def _show(self, kind: str, message: str) -> None:
        if not self._may_show():
            self._left_out += 1
            return
        shown = visible(self._mask(message[:MASKED_MAX]))[:MESSAGE_MAX]
        emit_best_effort(self._subject.progress(self.task_id, shown, kind, self.metrics()))

    def _may_show(self) -> bool:
        now = time.monotonic()
        self._tokens = min(BURST, self._tokens + (now - self._refilled_at) * RATE_PER_S)
        self._refilled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _book(self, **columns: Any) -> None:
        self._booked_at = time.monotonic()
        try:
            self._database.write(update_command, self._command_id, **columns, **columns_of(self.metrics()))
        except DatabaseUnavailable:
            return  # booked again with the next usage, and in full at the end
