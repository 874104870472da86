"""The commands of a batch: the agent of each, its attempts, and waits for limits.

A recorded result is never computed again; a limit of the agent or a passing fault is waited out and is no story's
failure; for an agent that cannot run at all the batch pauses, and no story is judged by it.
"""

from __future__ import annotations

import logging
from contextlib import nullcontext
from dataclasses import replace
from typing import Final

import agents
from base.plausible import limit_wait
from payloads import Attention, BatchWarning, or_unset
from running.attempt import Attempt
from running.breaker import Breaker
from running.budget import Budget
from running.gate import Gate, Stopped
from running.head_guard import HeadGuard
from running.journal import BUDGET, LOST, Asked, AttemptKey, CommandStatus, Journal, Result
from running.preparation import Preparation, after_failure
from running.questions import DECIDE, answer_to, reply_of
from running.skips import SKIPPED, StorySkippedError
from running.spec import CommandSpec
from running.subject import CommandSubject
from running.surroundings import hold, until_possible
from running.work_guard import hold_for_work
from running.workspace import Workspace, emit_durable
from store.commands import Command, get_command
from workflow import CLASSIC, Preset

TRANSIENT_BACKOFF_S: Final = (5.0, 15.0, 60.0, 180.0, 300.0, 600.0)  # after 429, 529, no network; then the batch waits
UNREACHABLE_S: Final = 600.0  # between tries after that
HIDDEN_S: Final = 10.0  # the longest wait that is not shown as one
MISSING_BACKOFF_S: Final = (5.0, 15.0, 60.0)  # looks for an agent's program that an updater may be replacing
RESUMED: Final = frozenset({CommandStatus.USAGE_LIMIT, CommandStatus.TRANSIENT, CommandStatus.QUESTION})
log = logging.getLogger("sprint_runner.run")

CUT_SHORT: Final = frozenset({CommandStatus.STOPPED, CommandStatus.INTERRUPTED})


class AgentUnusable(RuntimeError):
    """Work beside the run, or a lane, cannot continue (no agent, no worktree); no story is judged by it."""

    kind = "agent"  # of the attention


class Commander:
    """The runner of the commands of a batch, or of one of its cycles; those in the journal are not run again."""

    def __init__(
        self,
        workspace: Workspace,
        batch_id: int,
        gate: Gate,
        budget: Budget,
        agent: str,
        preset: Preset = CLASSIC,
        cycle_number: int = 0,
        journal: Journal | None = None,
        breaker: Breaker | None = None,
        head: HeadGuard | None = None,
    ) -> None:
        self.workspace = workspace
        self.batch_id = batch_id
        self.gate = gate
        self.journal = journal or Journal()
        self.cycle_number = cycle_number
        self._budget = budget
        self._agent = agent
        self.preset = preset
        self.breaker = breaker or Breaker(workspace, gate)
        self._head = head

    def for_cycle(self, workspace: Workspace, number: int, journal: Journal, branch: str | None = None) -> Commander:
        """Return the commander of one cycle in this workspace: the same gate, the same budget, its own journal.

        `branch` is that of a lane's worktree.
        """
        head = self._head
        if head is not None and branch is not None:
            head = head.for_lane(workspace, branch)
        shared = (self.batch_id, self.gate, self._budget, self._agent, self.preset)
        return Commander(workspace, *shared, number, journal, self.breaker, head)

    async def ready(self) -> None:
        """Return when the next command or commit of the foreground may start. Raises `Stopped`."""
        await self.gate.enter()
        if self._head is not None:
            await self._head.hold()

    async def head_problem(self) -> str | None:
        """Return why HEAD is not where this run commits to; None when it is."""
        return None if self._head is None else await self._head.problem()

    async def misplaced(self, commit: str) -> str | None:
        """Return why a commit is not where this run commits to; None when it is."""
        return None if self._head is None else await self._head.misplaced(commit)

    async def perform(self, spec: CommandSpec) -> Result:
        """Run the command until an attempt succeeds or all are used up; recorded attempts are not run again.

        Raises `Stopped`, and for work beside the run `AgentUnusable`.
        """
        result = await self._settled(spec, 1)
        for attempt in range(2, self.workspace.settings().retries + 2):
            if result.ok or result is SKIPPED:
                break
            before, result = result, await self._settled(after_failure(spec, result.reason), attempt)
            if spec.once and result.reason == before.reason:
                break
        return result

    async def _settled(self, spec: CommandSpec, attempt: int) -> Result:
        """Run one attempt; calls that end with a limit or a temporary error do not count, up to a bound."""
        attempt_key = (spec.story_key, spec.command, attempt)
        recorded = self.journal.find(*attempt_key)
        if recorded is not None:
            return recorded
        asked = self.journal.asked.get(attempt_key)
        limits = trouble = missing = 0
        while True:
            reply = None if asked is None else await self._answer(spec, attempt_key, asked)
            result, asked = await self._attempt(spec, attempt, reply), None
            if result is SKIPPED:
                return result
            if result.status is CommandStatus.USAGE_LIMIT:
                await self._wait_for_limit(spec, result, limits)
                limits += 1
            elif result.kind == BUDGET:
                continue  # at the gate, which the cap that was reached has closed
            elif result.kind == LOST:
                self.journal.sessions.pop(attempt_key, None)  # begins afresh
            elif result.status is CommandStatus.TRANSIENT:
                await self._wait_for_service(spec, result, trouble)
                trouble += 1
            elif result.status is CommandStatus.REFUSED:
                missing = await self._wait_for_agent(spec, result, missing)
            elif result.status is CommandStatus.UNCHECKED:
                key = or_unset(spec.story_key or None)
                await hold(self.gate, result.kind, Attention(kind=result.kind, message=result.reason, story_key=key))
            elif result.status is CommandStatus.QUESTION and result.command_id is not None:
                asked = Asked(result.command_id, self.batch_id, result.reason, self.workspace.clock())
            elif result.status is not CommandStatus.LOST:
                self.journal.results[attempt_key] = result  # the cycle may run again from its beginning
                return result

    async def _answer(self, spec: CommandSpec, attempt_key: AttemptKey, asked: Asked) -> str:
        """Return the reply for the session, after waiting for the operator's answer to its question."""
        command = await self.workspace.database.read(get_command, asked.command_id)
        if command is None:
            return reply_of(asked, DECIDE)
        if asked.answer is None and asked.batch_id != self.batch_id:  # the page shows what this batch needs
            await emit_durable(_subject(command).question(asked.question))
        answer = asked.answer or await answer_to(self.workspace, self.gate, command, asked)
        self.journal.ask(attempt_key, replace(asked, answer=answer))
        return reply_of(asked, answer)

    async def _attempt(self, spec: CommandSpec, attempt: int, reply: str | None) -> Result:
        await (self.gate.enter() if spec.background else self.ready())
        if spec.is_skipped:  # also while it waited at the gate
            return SKIPPED
        tree = await until_possible(self.gate, lambda: self._tree_before(spec))
        preparation = Preparation(
            self.workspace, self.preset, self._agent, self.journal, self._budget, self.batch_id, self.cycle_number
        )
        first = self.journal.trees.pop((spec.story_key, spec.command), None)
        context = await preparation.context(spec, attempt, reply=reply, tree=tree, first_tree=first)
        agent_spec, spec = context.agent, preparation.with_answers(spec)
        here = (spec.story_key, spec.command, attempt)
        unchecked = self.journal.unchecked.pop(here, None)
        try:
            with nullcontext() if spec.background else self.gate.command():
                one = Attempt(self.workspace, self.gate, spec, context)
                result = await (one.run() if unchecked is None else one.check(unchecked))
        except StorySkippedError:  # while its prompt was made
            return SKIPPED
        finally:
            await self._budget.look(self.gate)
        if result.unchecked is not None:
            self.journal.unchecked[here] = result.unchecked
        if result.session_id is not None and result.status in RESUMED and result.kind != LOST:
            self.journal.keep_session(here, result.session_id, agent_spec.name, result.used)
        if result.status in CUT_SHORT or (result.status is CommandStatus.UNCHECKED and not result.kind):
            raise Stopped  # also at the last attempt: what was stopped has not failed
        if result.status is CommandStatus.REFUSED and result.kind == "agent":
            return replace(result, reason=f"{agent_spec.name} cannot run {spec.command}: {result.reason}")
        return result

    async def _tree_before(self, spec: CommandSpec) -> str | None:
        """The work tree as it is before a command that git watches, with the story's work in it."""
        return await hold_for_work(self.workspace, self.gate, spec.stories[0]) if spec.watched else None

    async def _wait_for_limit(self, spec: CommandSpec, result: Result, limits: int) -> None:
        """Close the gate until the limit's reset, or by steps where the agent named none that can be true."""
        wait = limit_wait(result.resets_at, self.workspace.clock(), limits)
        if wait.doubt is not None:
            message = f"{spec.command} is at a usage limit: {wait.doubt}"
            log.warning("%s", message)
            await emit_durable(BatchWarning(batch_id=self.batch_id, warning_type="limit", message=message))
        await self._wait(spec, "usage-limit", wait.until)

    async def _wait_for_service(self, spec: CommandSpec, result: Result, trouble: int) -> None:
        """Wait before a retry after a temporary error; when it persists, the whole batch waits and reports it."""
        if trouble < len(TRANSIENT_BACKOFF_S):
            await self._wait_visibly(spec, "retry", TRANSIENT_BACKOFF_S[trouble])
            return
        if trouble == len(TRANSIENT_BACKOFF_S) and spec.may_ask:
            message = f"{spec.command} cannot reach its service, the batch waits for it: {result.reason}"
            await emit_durable(Attention(kind="service", message=message, story_key=spec.story_key))
        await self._wait(spec, "unreachable", self.workspace.clock() + UNREACHABLE_S)

    async def _wait_for_agent(self, spec: CommandSpec, result: Result, missing: int) -> int:
        """A program may be missing for a moment; otherwise a person is needed. Return how often it was looked for."""
        if agents.is_program_missing(result.reason) and missing < len(MISSING_BACKOFF_S):
            await self._wait_visibly(spec, "program", MISSING_BACKOFF_S[missing])
            return missing + 1
        if spec.background:
            raise AgentUnusable(result.reason)
        await hold(self.gate, result.kind, Attention(kind=result.kind, message=result.reason))
        return 0

    async def _wait_visibly(self, spec: CommandSpec, reason: str, seconds: float) -> None:
        """A short wait is hidden, a longer one is a state of the batch, with its end and a way to cut it short."""
        if seconds <= HIDDEN_S:
            await self.gate.sleep(seconds)
        else:
            await self._wait(spec, reason, self.workspace.clock() + seconds)

    async def _wait(self, spec: CommandSpec, reason: str, until: float) -> None:
        """Wait at the gate, with the whole batch; background work waits alone as long as the batch continues."""
        if spec.background:
            await self.gate.wait_beside(reason, until)
        else:
            self.gate.pause(reason, until)


def _subject(command: Command) -> CommandSubject:
    return CommandSubject(story_key=command.story_key, command=command.command, command_id=command.id)
