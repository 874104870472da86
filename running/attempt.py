"""One attempt at a command, which is one call of an agent: the row, the process, the verdict, the result.

Promises: the row is committed before the agent starts and again, together with `command:end`, when it has ended;
whatever cannot be read or proved is a failure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import UNSET

import agents
from agents import Call, Outcome, OutcomeKind
from base.disk import is_disk_full
from events import emit
from git.snapshots import Diff
from payloads import CommandEnd, Metrics, or_unset
from running.activity import Activity
from running.disk import take_snapshot
from running.gate import Gate, StopMode, Stopped
from running.journal import CommandStatus, Result, dump
from running.metrics import columns_of, metrics_of, used
from running.prompt import prompt_of
from running.spec import AttemptContext, CommandSpec
from running.subject import CommandSubject
from running.workspace import Workspace, emit_durable, until_stored
from store.commands import create_command, update_command
from store.questions import ask_question
from workflow import Unreadable


class Attempt:
    """One call of an agent for a command."""

    def __init__(self, workspace: Workspace, gate: Gate, order: CommandSpec, place: AttemptContext) -> None:
        self._workspace = workspace
        self._gate = gate
        self._order = order
        self._place = place
        self._command_id = 0
        self._question = ""
        self._process: agents.AgentProcess | None = None

    async def run(self) -> Result:
        """Run the attempt, from the committed row to the committed result."""
        call = await self._open(await self._prompt())
        workspace, subject = self._workspace, self._subject()
        activity = Activity(
            self._place.kind.tasks, self._command_id, subject, workspace.database, workspace.masker.lines().text
        )
        await self._tell_start(activity)
        try:
            before = await self._snapshot()
            outcome = await self._call(call, activity)
            activity.flush()
            verdict, result = await self._judge(outcome, activity)
            result = self._masked(result)
            change = await self._change_since(before)
        except BaseException as error:
            await asyncio.shield(self._abandon(activity, error))
            raise
        metrics = metrics_of(outcome, change)
        session_id = outcome.session_id or activity.session_id
        await self._close(activity, outcome, result, getattr(verdict, "word", None), metrics)
        return replace(result, metrics=metrics, session_id=session_id, command_id=self._command_id)

    # -- before ------------------------------------------------------------------------------------------------

    async def _prompt(self) -> str:
        """Return the prompt: the answer to the session's question, otherwise the command's own prompt."""
        place = self._place
        if place.reply is not None and place.session is not None:
            return place.reply
        return await asyncio.to_thread(prompt_of, self._workspace, self._order, place.kind, place.call)

    async def _open(self, prompt: str) -> Call:
        """Commit the row, whose id names the processes' mark and the stream's file."""
        order, workspace = self._order, self._workspace
        columns = {
            "story_id": order.stories[0].row_id if order.stories else None,
            "story_key": order.story_key,
            "story_keys": order.story_keys,
            "attempt": self._place.attempt,
            "agent": self._place.spec.name,
            "model": self._place.model,
            "background": int(order.background),
            "started_at": int(workspace.clock() * 1000),
        }
        database, batch_id = workspace.database, self._place.batch_id
        self._command_id = await until_stored(
            lambda: database.write(create_command, batch_id, order.command, **columns)
        )
        stream = workspace.data_dir / "streams" / str(batch_id) / f"{self._command_id}.ndjson"
        mark = f"{database.epoch}:{self._command_id}"
        names = {"mark": mark, "stream_path": stream.relative_to(workspace.data_dir).as_posix()}
        await until_stored(lambda: database.write(update_command, self._command_id, **names))
        settings, session = workspace.settings(), self._place.session
        return Call(
            prompt=prompt,
            cwd=workspace.project.root,
            mark=mark,
            stream_path=stream,
            model=self._place.model,
            resume=None if session is None else session.id,
            booked=None if session is None else session.booked,
            timeout_s=settings.command_timeout_min * 60,
            silence_s=settings.silence_timeout_min * 60,
        )

    def _subject(self) -> CommandSubject:
        """Return the subject of this command's events, with all its stories if there are several."""
        keys = self._order.story_keys
        return CommandSubject(
            story_key=self._order.story_key,
            story_keys=keys if len(keys) > 1 else UNSET,
            command=self._order.command,
            command_id=self._command_id,
            attempt=self._place.attempt,
            agent=self._place.spec.name,
            model=or_unset(self._place.model),
            background=self._order.background,
        )

    async def _tell_start(self, activity: Activity) -> None:
        keys = self._order.story_keys
        if not keys:
            return  # work on the project itself has its own context events
        subject = msgspec.structs.replace(self._subject(), story_keys=keys, cycle_number=self._place.cycle_number)
        await emit_durable(subject.start(activity.task_id))

    # -- during ------------------------------------------------------------------------------------------------

    async def _call(self, call: Call, activity: Activity) -> Outcome:
        gate = self._gate
        process = await agents.start(self._place.spec, call, partial(self._take, activity))
        self._process = process
        activity.metrics = lambda: used(process.usage, process.cost_usd, process.estimated_usd)
        with gate.on_stop(process.stop):
            if gate.ends_agents or self._question:
                process.stop()
            try:
                columns = {"pid": process.pid, "pid_start": process.start_time}
                await until_stored(lambda: self._workspace.database.write(update_command, self._command_id, **columns))
                return await process.wait()
            except BaseException:  # also a cancellation: the agent's process must not outlive the attempt
                process.stop()
                await process.wait()
                raise

    def _take(self, activity: Activity, record: agents.Record) -> None:
        """Handle a record. A question for the operator ends the call; its session continues with the answer later."""
        if self._order.stories:
            activity.take(record)
        if isinstance(record, agents.Question) and self._order.may_ask and not self._question:
            self._question = self._workspace.masker.text(record.text)
            if self._process is not None:
                self._process.stop()

    async def _judge(self, outcome: Outcome, activity: Activity) -> tuple[object, Result]:
        """Check exit code, final record and verdict, then the evidence."""
        if outcome.kind is OutcomeKind.STOPPED and (self._gate.ends_agents or not self._question):
            return None, self._stopped()
        if self._question and outcome.kind in _ASKING:
            return None, Result(CommandStatus.QUESTION, self._question)
        if outcome.kind is not OutcomeKind.SUCCESS:
            return None, Result(_failure(outcome), outcome.reason, None, outcome.resets_at)
        try:
            verdict = self._order.read(outcome.text)
            if self._order.confirm is not None:
                verdict = await self._order.confirm(verdict)
        except Unreadable as unreadable:
            if self._question:
                return None, Result(CommandStatus.QUESTION, self._question)
            said = f"unreadable verdict: {unreadable}"
            return None, Result(CommandStatus.ERROR, f"{said}. {outcome.refused}" if outcome.refused else said)
        disprove = self._order.disprove
        if self._order.stories and self._order.watched and disprove is not None:
            activity.say("The agent has finished; its work is being checked")
        try:
            why = None if disprove is None else await self._gate.run_interruptible(disprove(verdict, activity.say))
        except Stopped:
            return verdict, self._stopped()
        if why is not None:
            return verdict, Result(CommandStatus.ERROR, f"{why}. {outcome.refused}" if outcome.refused else why)
        return verdict, Result(CommandStatus.SUCCESS, "", dump(verdict))

    def _masked(self, result: Result) -> Result:
        """Mask secrets in the agent's text: everything stored or emitted about a command comes from here."""
        masker = self._workspace.masker
        verdict = None if result.verdict is None else masker.json(result.verdict)
        return replace(result, reason=masker.text(result.reason), verdict=verdict)

    def _stopped(self) -> Result:
        if self._gate.stop_mode is StopMode.INTERRUPT:
            return Result(CommandStatus.INTERRUPTED, "The server ended while this was running.")
        return Result(CommandStatus.STOPPED, "Stopped by the operator.")

    async def _snapshot(self) -> str | None:
        git = self._workspace.git
        return await take_snapshot(git) if git is not None and self._order.watched else None

    async def _change_since(self, before: str | None) -> Diff | None:
        git = self._workspace.git
        return await git.diff(before, await take_snapshot(git)) if git is not None and before is not None else None

    # -- after -------------------------------------------------------------------------------------------------

    async def _close(
        self, activity: Activity, outcome: Outcome, result: Result, word: str | None, metrics: Metrics
    ) -> None:
        """Write the row and `command:end` in one commit."""
        columns = {
            "status": result.status.value,
            "reason": result.reason or None,
            "verdict": None if result.verdict is None else result.verdict.decode(),
            "word": word,
            "session_id": outcome.session_id or activity.session_id,
            "model": outcome.model or self._place.model,
            **columns_of(metrics),
        }
        status, subject = result.status.on_wire, self._subject()
        end = subject.end(activity.task_id, status, metrics, reason=_told(result), verdict=word)
        await self._end(activity, columns, end)

    async def _abandon(self, activity: Activity, error: BaseException) -> None:
        """Close the row after a fault of the runner or at the server's end, and store the usage so far."""
        status = CommandStatus.INTERRUPTED if isinstance(error, asyncio.CancelledError) else CommandStatus.ERROR
        reason = self._workspace.masker.text(f"{type(error).__name__}: {error}")
        metrics = activity.metrics() or Metrics()
        columns = {"status": status.value, "reason": reason, **columns_of(metrics)}
        end = self._subject().end(activity.task_id, status.on_wire, metrics, reason=reason)
        await self._end(activity, columns, end)

    async def _end(self, activity: Activity, columns: dict[str, Any], end: CommandEnd) -> None:
        columns |= {"ended_at": int(self._workspace.clock() * 1000), "task_id": activity.task_id}
        await until_stored(lambda: self._write_end(columns, end))

    def _write_end(self, columns: dict[str, Any], end: CommandEnd) -> Awaitable[object]:
        with self._workspace.database.atomic():
            written = self._workspace.database.write(update_command, self._command_id, **columns)
            if not self._order.stories:
                return written
            told = emit(end)
            if columns["status"] != CommandStatus.QUESTION:
                return told
            self._workspace.database.write(ask_question, self._command_id, self._question)
            return emit(self._subject().question(self._question))


# How a call ends that asked something and was ended for it, or that waited for an answer until it was.
_ASKING: Final = frozenset({OutcomeKind.STOPPED, OutcomeKind.STALLED, OutcomeKind.TIMEOUT, OutcomeKind.TRUNCATED})

_STATUSES: Final[Mapping[OutcomeKind, CommandStatus]] = {
    OutcomeKind.FAILED: CommandStatus.ERROR,
    OutcomeKind.LIMIT: CommandStatus.ERROR,
    OutcomeKind.TRUNCATED: CommandStatus.ERROR,
    OutcomeKind.USAGE_LIMIT: CommandStatus.USAGE_LIMIT,
    OutcomeKind.TRANSIENT: CommandStatus.TRANSIENT,
    OutcomeKind.AUTH: CommandStatus.REFUSED,
    OutcomeKind.COULD_NOT_START: CommandStatus.REFUSED,
    OutcomeKind.STALLED: CommandStatus.STALLED,
    OutcomeKind.TIMEOUT: CommandStatus.TIMEOUT,
}


def _failure(outcome: Outcome) -> CommandStatus:
    """Return the status of a failed call; a full disk is a temporary error, no failure of the story or the agent."""
    status = _STATUSES[outcome.kind]
    full = status in (CommandStatus.ERROR, CommandStatus.REFUSED) and is_disk_full(outcome.reason)
    return CommandStatus.TRANSIENT if full else status


def _told(result: Result) -> str | None:
    return f"It asks: {result.reason}" if result.status is CommandStatus.QUESTION else result.reason or None


def stream_file(path: Path) -> Path:
    """Return the file of a command's stream: the given one, or the compressed one after the command has ended."""
    packed = path.with_name(path.name + ".gz")
    return packed if packed.exists() else path
