"""One attempt at a command, which is one call of an agent: the row, the process, the verdict, the result.

Promises: the row is committed, together with `command:start`, before the agent starts; what it has used is booked when
its result has arrived, before anything is checked; the row is committed again, together with `command:end`, at the end.
Whatever cannot be read or proved is a failure. A call whose check was cut off is checked again, and not paid again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import UNSET

import agents
from agents import Call, Outcome, OutcomeKind, Usage
from base.disk import is_disk_full
from events import emit
from git.head import stash_tip
from git.process import GitError
from git.snapshots import Diff, Git
from payloads import Attention, Metrics, Payload, or_unset
from running.activity import Activity
from running.agent_call import AgentCall
from running.disk import retry_while_full
from running.gate import Gate, StopMode, Stopped
from running.hints import given
from running.journal import BUDGET, LOST, CommandStatus, Result, Unchecked, dump
from running.metrics import columns_of, metrics_of
from running.preparation import call_of, hints_for, prompt_for
from running.spec import AttemptContext, CommandSpec
from running.subject import CommandSubject
from running.surroundings import SurroundingsFailed
from running.work_guard import lost_work
from running.workspace import Workspace, emit_durable, record_with, until_stored
from store.commands import create_command, update_command
from store.hints import HintRow, give_hints
from store.questions import ask_question
from store.rows import reserve_id
from store.stories import update_story
from workflow import Unreadable

log = logging.getLogger("sprint_runner.run")


class Attempt:
    """One call of an agent for a command."""

    def __init__(self, workspace: Workspace, gate: Gate, spec: CommandSpec, context: AttemptContext) -> None:
        self._workspace = workspace
        self._gate = gate
        self._spec = spec
        self._context = context
        self._command_id = 0
        self._hints: Sequence[HintRow] = ()  # those that the prompt holds
        self._ended = 0.0  # by the monotonic clock
        self._called: AgentCall | None = None  # None where only a recording is judged

    async def run(self) -> Result:
        """Run the attempt, from the committed row to the committed result."""
        self._hints = await hints_for(self._workspace, self._spec, self._context)
        call = await self._open(await prompt_for(self._workspace, self._spec, self._context, self._hints))
        activity = self._activity()
        try:
            try:
                outcome, verdict, result, change = await self._supervise(call, activity)
            finally:
                if self._called is not None:
                    await self._called.close()  # its recording is whole before the command counts as ended
        except BaseException as error:
            await asyncio.shield(self._abandon(activity, error))
            raise
        if self._called is not None:
            await self._called.questions.close(result.status)
        return await self._finish(activity, outcome, verdict, result, metrics_of(outcome, change))

    async def check(self, unchecked: Unchecked) -> Result:
        """Judge a call that has ended by its recording: a row of its own that costs nothing, and no agent."""
        outcome = await self._recorded(unchecked)
        if outcome is None:
            return await self.run()
        await self._create(None)
        activity = self._activity()
        try:
            verdict, result = await self._judge(outcome, activity)
        except BaseException as error:
            await asyncio.shield(self._abandon(activity, error))
            raise
        if result.status is CommandStatus.UNCHECKED:
            result = replace(result, unchecked=unchecked)
        return await self._finish(activity, outcome, verdict, result, Metrics())

    def _activity(self) -> Activity:
        workspace = self._workspace
        tasks, subject, mask = self._context.kind.tasks, self._subject(), workspace.masker.lines().text
        return Activity(tasks, self._command_id, subject, workspace.database, mask)

    async def _supervise(self, call: Call, activity: Activity) -> tuple[Outcome, object, Result, Diff | None]:
        stash = await self._stash()
        context = self._context
        agent = AgentCall(
            self._workspace, self._gate, self._spec, context.agent, self._subject(), self._command_id, activity
        )
        self._called = agent
        outcome = await agent.run(call)
        self._ended = time.monotonic()
        if self._workspace.git is not None:
            self._workspace.git.outdate()
        activity.flush()
        self._report_doubts(outcome, agent)
        booking = asyncio.ensure_future(self._book(outcome, activity))  # in the writer's queue before the check begins
        try:
            verdict, result = await self._judge(outcome, activity)
        finally:
            await booking
        if result.status is CommandStatus.UNCHECKED:
            result = replace(result, unchecked=self._unchecked(call, outcome, activity))
        change, result = await self._compare(result)
        await self._compare_stash(stash)
        return outcome, verdict, result, change

    async def _finish(
        self, activity: Activity, outcome: Outcome, verdict: object, result: Result, metrics: Metrics
    ) -> Result:
        result, session_id = self._masked(result), outcome.session_id or activity.session_id
        word = LOST if result.kind == LOST else getattr(verdict, "word", None)
        await self._close(activity, outcome, result, word, metrics)
        return replace(result, metrics=metrics, session_id=session_id, command_id=self._command_id)

    # -- before ------------------------------------------------------------------------------------------------

    async def _open(self, prompt: str) -> Call:
        """Commit the row, whose id names the processes' mark and the stream's file."""
        workspace = self._workspace
        self._command_id = await until_stored(lambda: workspace.database.write(reserve_id, "commands"))
        batch = str(self._context.batch_id)
        stream = workspace.data_dir / "streams" / batch / f"{self._command_id}.ndjson"
        mark = f"{workspace.database.epoch}:{self._command_id}"
        await self._create(stream, mark)
        options = await agents.OPTIONS.of(self._context.agent)
        return call_of(workspace, self._spec, self._context, prompt, mark=mark, stream=stream, options=options)

    async def _create(self, stream: Path | None, mark: str | None = None) -> None:
        """The row and the event of the start in one commit; without a stream where no agent is called."""
        spec, workspace, database = self._spec, self._workspace, self._workspace.database
        if stream is None:
            self._command_id = await until_stored(lambda: database.write(reserve_id, "commands"))
        columns = {
            "story_id": spec.stories[0].row_id if spec.stories else None,
            "story_key": spec.story_key,
            "story_keys": spec.story_keys,
            "attempt": self._context.attempt,
            "agent": self._context.agent.name,
            "model": self._context.model,
            "background": int(spec.background),
            "started_at": int(workspace.clock() * 1000),
            "mark": mark,
            "tree_before": self._context.first_tree or self._context.tree,
            "stream_path": None if stream is None else stream.relative_to(workspace.data_dir).as_posix(),
        }
        batch_id, command_id = self._context.batch_id, self._command_id

        def create() -> None:
            database.write(create_command, batch_id, spec.command, id=command_id, **columns)
            if self._hints:
                database.write(give_hints, [hint.id for hint in self._hints], command_id)
                for event in given(self._hints, command_id):
                    emit(event)

        keys, number = spec.story_keys, self._context.cycle_number
        subject = msgspec.structs.replace(self._subject(), story_keys=keys, cycle_number=number)
        await record_with(workspace, spec.context.begun if spec.context else subject.start("setup"), create)

    def _subject(self) -> CommandSubject:
        """Return the subject of this command's events, with all its stories if there are several."""
        keys = self._spec.story_keys
        return CommandSubject(
            story_key=self._spec.story_key,
            story_keys=keys if len(keys) > 1 else UNSET,
            command=self._spec.command,
            command_id=self._command_id,
            attempt=self._context.attempt,
            agent=self._context.agent.name,
            model=or_unset(self._context.model),
            background=self._spec.background,
        )

    # -- during ------------------------------------------------------------------------------------------------

    def _report_doubts(self, outcome: Outcome, call: AgentCall) -> None:
        """What the agent reported in numbers and cannot be true."""
        for doubt in outcome.doubts:
            call.report(doubt[:1].upper() + doubt[1:])

    async def _book(self, outcome: Outcome, activity: Activity) -> None:
        """What the call has used, in a commit of its own: the check may take long, and be cut off."""
        columns = {
            "session_id": outcome.session_id or activity.session_id,
            "model": outcome.model or self._context.model,
            **columns_of(metrics_of(outcome, None)),
        }
        await until_stored(lambda: self._workspace.database.write(update_command, self._command_id, **columns))

    def _unchecked(self, call: Call, outcome: Outcome, activity: Activity) -> Unchecked:
        path = call.stream_path.relative_to(self._workspace.data_dir).as_posix()
        session = outcome.session_id or activity.session_id
        return Unchecked(path, self._context.agent.name, self._context.model, outcome.exit_code, session)

    async def _recorded(self, unchecked: Unchecked) -> Outcome | None:
        """The outcome in a recording, what it used left out; None where it says no success, or is gone."""
        workspace, agent_spec = self._workspace, self._workspace.agents.get(unchecked.agent)
        if agent_spec is None:
            return None
        path, root = workspace.data_dir / unchecked.stream_path, workspace.project.root
        try:
            outcome = await asyncio.to_thread(
                agents.replay, agent_spec, path, root, model=unchecked.model, exit_code=unchecked.exit_code
            )
        except OSError:
            return None
        if outcome.kind is not OutcomeKind.SUCCESS:
            return None
        session = outcome.session_id or unchecked.session_id
        return replace(outcome, usage=Usage(), cost_usd=None, estimated_usd=0.0, turns=None, session_id=session)

    @property
    def _question(self) -> str:
        return "" if self._called is None else self._called.question or self._called.questions.open

    @property
    def _refusal(self) -> str:
        return "" if self._called is None else self._called.refusal

    async def _judge(self, outcome: Outcome, activity: Activity) -> tuple[object, Result]:
        """Check exit code, final record and verdict, then the evidence."""
        if outcome.kind is OutcomeKind.STOPPED and (self._gate.ends_agents or not (self._question or self._refusal)):
            return None, self._stopped()
        if self._refusal:
            return None, Result(CommandStatus.REFUSED, self._refusal, kind="agent")
        if self._question and outcome.kind in _ASKING:
            return None, Result(CommandStatus.QUESTION, self._question)
        if outcome.kind is not OutcomeKind.SUCCESS:
            return None, self._failed(outcome)
        try:
            return await self._judge_success(outcome, activity)
        except SurroundingsFailed as failed:
            return None, Result(CommandStatus.UNCHECKED, str(failed), kind=failed.kind)
        except GitError as error:
            return None, Result(CommandStatus.UNCHECKED, f"git cannot answer: {error}", kind="git")

    def _failed(self, outcome: Outcome) -> Result:
        """A call that did not succeed; one whose session is lost says nothing but that."""
        resumed = self._context.session is not None and outcome.kind is OutcomeKind.FAILED
        if resumed and agents.is_session_lost(outcome.reason):
            return Result(CommandStatus.TRANSIENT, outcome.reason, kind=LOST)
        if outcome.kind is OutcomeKind.LIMIT and self._has_spent_its_budget(outcome):
            return Result(CommandStatus.TRANSIENT, outcome.reason, kind=BUDGET)
        status = _failure(outcome)
        kind = "agent" if status is CommandStatus.REFUSED else ""
        return Result(status, outcome.reason, None, outcome.resets_at, kind=kind)

    def _has_spent_its_budget(self, outcome: Outcome) -> bool:
        budget = self._context.budget_usd
        return budget is not None and (outcome.cost_usd or 0.0) >= budget

    async def _judge_success(self, outcome: Outcome, activity: Activity) -> tuple[object, Result]:
        try:
            verdict = self._read(outcome)
            if self._spec.confirm is not None:
                verdict = await self._spec.confirm(verdict)
        except Unreadable as unreadable:
            if self._question:
                return None, Result(CommandStatus.QUESTION, self._question)
            sentence = f"unreadable verdict: {unreadable}"
            return None, Result(CommandStatus.ERROR, f"{sentence}. {outcome.refused}" if outcome.refused else sentence)
        disprove = self._spec.disprove
        if self._spec.stories and self._spec.watched and disprove is not None:
            activity.say("The agent has finished; its work is being checked")
        try:
            why = None if disprove is None else await self._gate.run_interruptible(disprove(verdict, activity.say))
        except Stopped:
            return verdict, replace(self._stopped(), status=CommandStatus.UNCHECKED)
        if why is not None:
            return verdict, Result(CommandStatus.ERROR, f"{why}. {outcome.refused}" if outcome.refused else why)
        return verdict, Result(CommandStatus.SUCCESS, "", dump(verdict))

    def _read(self, outcome: Outcome) -> object:
        """The verdict in the form that was asked for; else the marker in the text. Raises `Unreadable`."""
        form = self._spec.form
        if form is not None and outcome.structured is not None:
            try:
                return form.read(outcome.structured)
            except Unreadable as unreadable:
                log.warning("%s, command %d: %s", self._spec.command, self._command_id, unreadable)
        return self._spec.read(outcome.text)

    def _masked(self, result: Result) -> Result:
        """Mask secrets in the agent's text: everything stored or emitted about a command comes from here."""
        masker = self._workspace.masker
        verdict = None if result.verdict is None else masker.json(result.verdict)
        return replace(result, reason=masker.text(result.reason), verdict=verdict)

    def _stopped(self) -> Result:
        if self._gate.stop_mode is StopMode.INTERRUPT:
            return Result(CommandStatus.INTERRUPTED, "The server ended while this was running.")
        return Result(CommandStatus.STOPPED, "Stopped by the operator.")

    async def _compare(self, result: Result) -> tuple[Diff | None, Result]:
        """Return what the command changed, and its result: none that counts where the story's work is gone."""
        git, before = self._workspace.git, self._context.tree
        if git is None or before is None:
            return None, result
        checked = self._workspace.settings().verify is not None  # which may have written files
        work = git.snapshot if checked else partial(git.snapshot_since, self._ended)
        try:
            after = await retry_while_full(work)
        except GitError as error:  # only a figure is missing
            log.warning("the change of command %d could not be measured: %s", self._command_id, error)
            return None, result
        story = self._spec.stories[0]
        if await lost_work(self._workspace, story, story.work_tree or before, after):
            reason = f"the work on {story.key} went out of the tree while {self._spec.command} ran"
            result = replace(result, status=CommandStatus.LOST, reason=reason, verdict=None)
        else:
            story.work_tree = after
        try:
            return await _diff(git, self._context.first_tree, before, after), result
        except GitError as error:  # the data folder was removed meanwhile, and the snapshot with it
            log.warning("the change of command %d could not be measured: %s", self._command_id, error)
            return None, result

    async def _stash(self) -> str | None:
        git = self._workspace.git
        return await stash_tip(git.root) if git is not None and self._workspace.main is not None else None

    async def _compare_stash(self, before: str | None) -> None:
        """Lanes share the stash: what one puts there another may take, so such a story waits for the operator."""
        now = await self._stash()
        if now == before or not self._spec.stories:
            return
        for story in self._spec.stories:
            story.stash = now or "dropped"
        message = (
            f"`git stash` was used while {self._spec.command} ran for {', '.join(self._spec.story_keys)}; all lanes"
            " share the stash, so what is in this worktree may belong to another story: look at it before it is merged"
        )
        await emit_durable(Attention(kind="git", message=message, story_key=self._spec.story_key))

    # -- after -------------------------------------------------------------------------------------------------

    async def _close(
        self, activity: Activity, outcome: Outcome, result: Result, word: str | None, metrics: Metrics
    ) -> None:
        """Write the row and the event of the end in one commit."""
        columns = {
            "status": result.status.value,
            "reason": result.reason or None,
            "verdict": None if result.verdict is None else result.verdict.decode(),
            "word": word,
            "session_id": outcome.session_id or activity.session_id,
            "model": outcome.model or self._context.model,
            **columns_of(metrics),
        }
        await self._end(activity, columns, self._end_event(activity, result.status, metrics, _told(result), word))

    async def _abandon(self, activity: Activity, error: BaseException) -> None:
        """Close the row after a fault of the runner or at the server's end, and store the usage so far."""
        status = CommandStatus.INTERRUPTED if isinstance(error, asyncio.CancelledError) else CommandStatus.ERROR
        reason = self._workspace.masker.text(f"{type(error).__name__}: {error}")
        metrics = activity.metrics() or Metrics()
        columns = {"status": status.value, "reason": reason, **columns_of(metrics)}
        await self._end(activity, columns, self._end_event(activity, status, metrics, reason))

    def _end_event(
        self, activity: Activity, status: CommandStatus, metrics: Metrics, reason: str | None, word: str | None = None
    ) -> Payload:
        if self._spec.context is not None:
            return self._spec.context.ended(status, reason, metrics)
        return self._subject().end(activity.task_id, status.on_wire, metrics, reason=reason, verdict=word)

    async def _end(self, activity: Activity, columns: dict[str, Any], end: Payload) -> None:
        columns |= {"ended_at": int(self._workspace.clock() * 1000), "task_id": activity.task_id}
        await until_stored(lambda: self._write_end(columns, end))

    def _write_end(self, columns: dict[str, Any], end: Payload) -> Awaitable[object]:
        with self._workspace.database.atomic():
            self._workspace.database.write(update_command, self._command_id, **columns)
            for story in self._spec.stories if self._spec.watched or self._workspace.main is not None else ():
                kept = {"work_tree": story.work_tree, "stash": story.stash}
                self._workspace.database.write(update_story, story.row_id, **kept)
            emitted = emit(end)
            asked_already = self._called is not None and self._called.questions.open
            if columns["status"] != CommandStatus.QUESTION or asked_already:
                return emitted
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


async def _diff(git: Git, first: str | None, before: str, after: str) -> Diff:
    """Return the change since the first call, whose snapshot may be gone; then since this one."""
    try:
        return await git.diff(first or before, after)
    except GitError:
        return await git.diff(before, after)


def _told(result: Result) -> str | None:
    return f"It asks: {result.reason}" if result.status is CommandStatus.QUESTION else result.reason or None


def stream_file(path: Path) -> Path:
    """Return the file of a command's stream: the given one, or the compressed one after the command has ended."""
    packed = path.with_name(path.name + ".gz")
    return packed if packed.exists() else path
