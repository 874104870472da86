"""The judgement of a call that has ended: exit code, final record and verdict, then the evidence.

Whatever cannot be read or proved is a failure; what cannot be checked now is `UNCHECKED`, and no failure of the story.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import agents
from agents import Outcome, OutcomeKind
from base.disk import is_disk_full
from git.process import GitError
from running.activity import Activity
from running.gate import Gate, StopMode, Stopped
from running.journal import BUDGET, LOST, CommandStatus, Result, dump
from running.spec import AttemptContext, CommandSpec
from running.surroundings import SurroundingsFailed
from workflow import CodeReviewVerdict, ReviewVerdict, Unreadable, read_answers

log = logging.getLogger("sprint_runner.run")

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


class Judgement:
    """The judgement of one attempt's call. `question` is what it asked the operator, `refusal` why a refused
    permission ended it; else empty."""

    def __init__(self, gate: Gate, spec: CommandSpec, context: AttemptContext, question: str, refusal: str) -> None:
        self._gate = gate
        self._spec = spec
        self._context = context
        self._question = question
        self._refusal = refusal

    async def of(self, outcome: Outcome, activity: Activity) -> tuple[object, Result]:
        """Return the verdict, None where there is none, and the result."""
        if outcome.kind is OutcomeKind.STOPPED and (self._gate.ends_agents or not (self._question or self._refusal)):
            return None, self._stopped()
        if self._refusal:
            return None, Result(CommandStatus.REFUSED, self._refusal, kind="agent")
        if self._question and outcome.kind in _ASKING:
            return None, Result(CommandStatus.QUESTION, self._question)
        if outcome.kind is not OutcomeKind.SUCCESS:
            return None, self._failed(outcome)
        try:
            return await self._of_success(outcome, activity)
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
        status = failure_status(outcome)
        kind = "agent" if status is CommandStatus.REFUSED else ""
        return Result(status, outcome.reason, None, outcome.resets_at, kind=kind)

    def _has_spent_its_budget(self, outcome: Outcome) -> bool:
        budget = self._context.budget_usd
        return budget is not None and (outcome.cost_usd or 0.0) >= budget

    async def _of_success(self, outcome: Outcome, activity: Activity) -> tuple[object, Result]:
        try:
            verdict = self._read(outcome)
            if self._spec.confirm is not None:
                verdict = await self._spec.confirm(verdict)
        except Unreadable as unreadable:
            if self._question:
                return None, Result(CommandStatus.QUESTION, self._question)
            sentence = f"unreadable verdict: {unreadable}"
            return None, Result(CommandStatus.ERROR, f"{sentence}. {outcome.refused}" if outcome.refused else sentence)
        if self._spec.comments and isinstance(verdict, CodeReviewVerdict | ReviewVerdict):
            verdict = replace(verdict, answers=read_answers(outcome.text, self._spec.comments))
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
                log.warning("%s for %s: %s", self._spec.command, self._spec.story_key, unreadable)
        return self._spec.read(outcome.text)

    def _stopped(self) -> Result:
        if self._gate.stop_mode is StopMode.INTERRUPT:
            return Result(CommandStatus.INTERRUPTED, "The server ended while this was running.")
        return Result(CommandStatus.STOPPED, "Stopped by the operator.")


def failure_status(outcome: Outcome) -> CommandStatus:
    """Return the status of a failed call; a full disk is a temporary error, no failure of the story or the agent."""
    status = _STATUSES[outcome.kind]
    full = status in (CommandStatus.ERROR, CommandStatus.REFUSED) and is_disk_full(outcome.reason)
    return CommandStatus.TRANSIENT if full else status
