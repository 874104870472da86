"""The command that an event reports on: what all its events have in common, and how each of them is made of it."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from payloads import Attention, CommandEnd, CommandProgress, CommandStart, Metrics, or_unset
from running.choices import choices_of


class CommandSubject(msgspec.Struct, frozen=True, kw_only=True):
    """The keys that every event of one command has. `story_keys` is set where the command is for several stories."""

    story_key: str
    command: str
    command_id: int | UnsetType = UNSET
    attempt: int | UnsetType = UNSET
    agent: str | UnsetType = UNSET
    model: str | UnsetType = UNSET
    background: bool | UnsetType = UNSET
    story_keys: list[str] | UnsetType = UNSET
    cycle_number: int | UnsetType = UNSET
    machine: str | UnsetType = UNSET

    def start(self, task_id: str) -> CommandStart:
        return CommandStart(task_id=task_id, **self._keys())

    def progress(self, task_id: str, message: str, kind: str, metrics: Metrics | None = None) -> CommandProgress:
        """Return a line of the log; `metrics` is the usage so far."""
        return CommandProgress(task_id=task_id, message=message, kind=kind, metrics=or_unset(metrics), **self._keys())

    def end(
        self, task_id: str, status: str, metrics: Metrics, *, reason: str | None = None, verdict: str | None = None
    ) -> CommandEnd:
        return CommandEnd(
            task_id=task_id,
            status=status,
            metrics=metrics,
            reason=or_unset(reason),
            verdict=or_unset(verdict),
            **self._keys(),
        )

    def question(self, question: str) -> Attention:
        """The call for the operator: `command_id` is what an answer names."""
        return Attention(
            kind="question",
            message=f"{self.story_key}, {self.command} asks: {question}",
            story_key=self.story_key,
            command=self.command,
            command_id=self.command_id,
            question=question,
            options=choices_of(question) or UNSET,
        )

    def _keys(self) -> dict[str, Any]:
        return msgspec.structs.asdict(self)
