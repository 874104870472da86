"""What is recorded of an attempt: its row, and the events of its start and its end.

Promises: the row is committed together with `command:start`, before the agent starts, and once more together with
`command:end`; what the call has used is in a commit of its own, before anything is checked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET

import agents
from agents import Outcome
from events import emit
from payloads import AgentSwitch, Metrics, Payload, or_unset
from running.activity import Activity
from running.hints import given
from running.journal import CommandStatus, Result
from running.metrics import columns_of, metrics_of
from running.skips import StorySkippedError
from running.spec import AttemptContext, CommandSpec
from running.subject import CommandSubject
from running.workspace import Workspace, record_deferred, record_with, until_stored
from store.commands import Command, create_command, update_command
from store.hints import HintRow, give_hints
from store.questions import ask_question
from store.stories import update_story
from workflow.failover import AgentChange


class AttemptRecord:
    """The record of one attempt. `command_id` is 0 until one of the two `create` has returned.

    `tree_after` is the work tree's when it had ended, None where that was not measured; `machine` is the worker that
    the agent runs on, None for this machine.
    """

    def __init__(self, workspace: Workspace, spec: CommandSpec, context: AttemptContext) -> None:
        self.command_id = 0
        self.tree_after: str | None = None
        self.machine = workspace.machine
        self._workspace = workspace
        self._spec = spec
        self._context = context

    @property
    def subject(self) -> CommandSubject:
        """The subject of this command's events, with all its stories if there are several."""
        keys = self._spec.story_keys
        return CommandSubject(
            story_key=self._spec.story_key,
            story_keys=keys if len(keys) > 1 else UNSET,
            command=self._spec.command,
            command_id=self.command_id,
            attempt=self._context.attempt,
            agent=self._context.agent.name,
            model=or_unset(self._context.model),
            background=self._spec.background,
            machine=or_unset(self.machine),
        )

    def activity(self) -> Activity:
        """Return the activity that reports the attempt's progress."""
        workspace, mask = self._workspace, self._workspace.masker.lines().text
        return Activity(self._context.kind.tasks, self.command_id, self.subject, workspace.database, mask)

    # -- before ------------------------------------------------------------------------------------------------

    async def create_for_call(self, hints: Sequence[HintRow]) -> tuple[Path, str]:
        """Commit the row of a call whose prompt holds these hints; return the stream's file and the processes' mark."""
        workspace = self._workspace
        await self._reserve()
        stream = workspace.data_dir / "streams" / str(self._context.batch_id) / f"{self.command_id}.ndjson"
        mark = f"{workspace.database.epoch}:{self.command_id}"
        await self._create(hints, mark=mark, stream_path=stream.relative_to(workspace.data_dir).as_posix())
        return stream, mark

    async def create_for_check(self) -> None:
        """Commit the row of a check for which no agent is called."""
        await self._reserve()
        await self._create((), mark=None, stream_path=None)

    def adopt(self, row: Command) -> tuple[Path, str]:
        """Continue the row of a call that an earlier server has left on a worker; return what the row was made with."""
        self.command_id, self.machine = row.id, row.machine
        return self._workspace.data_dir / (row.stream_path or ""), row.mark or ""

    async def _reserve(self) -> None:
        self.command_id = await until_stored(lambda: self._workspace.database.reserve_id("commands"))

    async def _create(self, hints: Sequence[HintRow], **columns: Any) -> None:
        spec, workspace, database = self._spec, self._workspace, self._workspace.database
        columns |= {
            "story_id": spec.stories[0].row_id if spec.stories else None,
            "story_key": spec.story_key,
            "story_keys": spec.story_keys,
            "attempt": self._context.attempt,
            "agent": self._context.agent.name,
            "agent_version": agents.known_version(self._context.agent),  # replaced by what its stream says
            "model": self._context.model,
            "background": int(spec.background),
            "started_at": int(workspace.clock() * 1000),
            "tree_before": self._context.first_tree or self._context.tree,
            "machine": self.machine,
            "agent_change": None if self._context.change is None else self._context.change.reason,
        }
        batch_id, command_id = self._context.batch_id, self.command_id

        def create() -> None:
            # The event of a skip or a take-over may be in the writer's queue: nothing starts behind it.
            if spec.is_skipped:
                raise StorySkippedError
            workspace.taken_trees.check(workspace.tracked.root, workspace.project.root)
            database.write(create_command, batch_id, spec.command, id=command_id, **columns)
            if self._context.change is not None:
                emit(self._switch(self._context.change))
            if hints:
                database.write(give_hints, [hint.id for hint in hints], command_id)
                for event in given(hints, command_id):
                    emit(event)

        keys, number = spec.story_keys, self._context.cycle_number
        subject = msgspec.structs.replace(self.subject, story_keys=keys, cycle_number=number)
        await record_with(workspace, spec.context.begun if spec.context else subject.start("setup"), create)

    def _switch(self, change: AgentChange) -> AgentSwitch:
        return AgentSwitch(
            story_key=self._spec.story_key,
            command=self._spec.command,
            from_agent=change.before,
            to_agent=self._context.agent.name,
            reason=change.reason,
            command_id=self.command_id,
        )

    # -- after -------------------------------------------------------------------------------------------------

    async def book(self, outcome: Outcome, activity: Activity) -> None:
        """What the call has used, in a commit of its own: the check may take long, and be cut off."""
        columns = {
            "session_id": outcome.session_id or activity.session_id,
            "model": outcome.model or self._context.model,
            **columns_of(metrics_of(outcome, None)),
        }
        await until_stored(lambda: self._workspace.database.write(update_command, self.command_id, **columns))

    async def close(
        self,
        activity: Activity,
        outcome: Outcome,
        result: Result,
        word: str | None,
        metrics: Metrics,
        question: str | None,
    ) -> None:
        """Write the row and the event of the end in one commit; `question` is one that the operator is asked now."""
        columns = {
            "status": result.status.value,
            "reason": result.reason or None,
            "verdict": None if result.verdict is None else result.verdict.decode(),
            "word": word,
            "session_id": outcome.session_id or activity.session_id,
            "model": outcome.model or self._context.model,
            "tree_after": self.tree_after,
            **columns_of(metrics),
        }
        end = self._end_event(activity, result.status, metrics, _reason(result), word)
        await self._end(activity, columns, end, question)

    async def abandon(self, activity: Activity, error: BaseException) -> None:
        """Close the row after a fault of the runner or at the server's end, and store the usage so far."""
        status = CommandStatus.INTERRUPTED if isinstance(error, asyncio.CancelledError) else CommandStatus.ERROR
        await self._cut_off(activity, status, self._workspace.masker.text(f"{type(error).__name__}: {error}"))

    async def interrupt(self, activity: Activity, reason: str) -> None:
        """Close the row of a call whose machine was lost, and store the usage so far."""
        await self._cut_off(activity, CommandStatus.INTERRUPTED, self._workspace.masker.text(reason))

    async def _cut_off(self, activity: Activity, status: CommandStatus, reason: str) -> None:
        metrics = activity.metrics() or Metrics()
        columns = {"status": status.value, "reason": reason, **columns_of(metrics)}
        await self._end(activity, columns, self._end_event(activity, status, metrics, reason))

    def _end_event(
        self, activity: Activity, status: CommandStatus, metrics: Metrics, reason: str | None, word: str | None = None
    ) -> Payload:
        if self._spec.context is not None:
            return self._spec.context.ended(status, reason, metrics)
        return self.subject.end(activity.task_id, status.on_wire, metrics, reason=reason, verdict=word)

    async def _end(
        self, activity: Activity, columns: dict[str, Any], end: Payload, question: str | None = None
    ) -> None:
        columns |= {"ended_at": int(self._workspace.clock() * 1000), "task_id": activity.task_id}
        # A success is followed by a write before anything that a kill must not separate from it.
        record = record_deferred if columns["status"] == CommandStatus.SUCCESS else record_with
        asked = end if question is None else self.subject.question(question)
        await record(self._workspace, asked, lambda: self._write_end(columns, end, question))

    def _write_end(self, columns: dict[str, Any], end: Payload, question: str | None) -> None:
        database = self._workspace.database
        database.write(update_command, self.command_id, **columns)
        for story in self._spec.stories if self._spec.watched or self._workspace.main is not None else ():
            kept = {"work_tree": story.work_tree, "stash": story.stash}
            database.write(update_story, story.row_id, **kept)
        if question is not None:
            emit(end)
            database.write(ask_question, self.command_id, question)


def _reason(result: Result) -> str | None:
    return f"It asks: {result.reason}" if result.status is CommandStatus.QUESTION else result.reason or None
