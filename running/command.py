"""The commands of a batch: the agent of each, its attempts, and waits for limits.

A command with a recorded result is not run again; a usage limit or a temporary error causes a wait and counts as no
failure; an agent that cannot run at all ends the batch without a result for any story.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Final

from agents import AgentSpec
from payloads import Attention
from running.attempt import Attempt
from running.budget import Budget
from running.gate import Gate, Stopped
from running.journal import Asked, AttemptKey, CommandStatus, Journal, Result
from running.questions import DECIDE, answer_to, reply_of, told_before
from running.spec import AttemptContext, CommandSpec
from running.subject import CommandSubject
from running.workspace import Workspace, emit_durable
from settings import CommandConfig
from store.commands import Command, get_command
from workflow import CLASSIC, Preset, kind_of

LIMIT_BACKOFF_S: Final = (60.0, 300.0, 900.0, 1800.0)  # waits for a usage limit that names no reset time
TRANSIENT_BACKOFF_S: Final = (5.0, 15.0, 60.0, 180.0, 300.0, 600.0)  # after 429, 529, no network; then the batch waits
UNREACHABLE_S: Final = 600.0  # between tries after that
RESUMED: Final = frozenset({CommandStatus.USAGE_LIMIT, CommandStatus.TRANSIENT, CommandStatus.QUESTION})
CUT_SHORT: Final = frozenset({CommandStatus.STOPPED, CommandStatus.INTERRUPTED})


class AgentUnusable(RuntimeError):
    """The agent cannot run at all (missing, wrong flags, no login): the batch ends, no story fails."""

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
    ) -> None:
        self.workspace = workspace
        self.batch_id = batch_id
        self.gate = gate
        self.journal = journal or Journal()
        self.cycle_number = cycle_number
        self._budget = budget
        self._agent = agent
        self.preset = preset

    def for_cycle(self, workspace: Workspace, number: int, journal: Journal) -> Commander:
        """Return the commander of one cycle in this workspace: the same gate, the same budget, its own journal."""
        return Commander(workspace, self.batch_id, self.gate, self._budget, self._agent, self.preset, number, journal)

    async def perform(self, order: CommandSpec) -> Result:
        """Run the command until an attempt succeeds or all are used up; recorded attempts are not run again.

        Raises `Stopped` and `AgentUnusable`.
        """
        result = await self._settled(order, 1)
        for attempt in range(2, self.workspace.settings().retries + 2):
            if result.ok:
                break
            told = f"The attempt before this one failed: {result.reason}"
            findings = told if order.findings == "none" else f"{order.findings}\n\n{told}"
            result = await self._settled(replace(order, findings=findings), attempt)
        return result

    async def _settled(self, order: CommandSpec, attempt: int) -> Result:
        """Run one attempt; calls that end with a limit or a temporary error do not count, up to a bound."""
        place = (order.story_key, order.command, attempt)
        recorded = self.journal.find(*place)
        if recorded is not None:
            return recorded
        asked = self.journal.asked.get(place)
        limits = trouble = 0
        while True:
            reply = None if asked is None else await self._answer(order, place, asked)
            result, asked = await self._attempt(order, attempt, reply), None
            if result.status is CommandStatus.USAGE_LIMIT:
                await self._wait_for_limit(order, result, limits)
                limits += 1
            elif result.status is CommandStatus.TRANSIENT:
                await self._wait_for_service(order, result, trouble)
                trouble += 1
            elif result.status is CommandStatus.QUESTION and result.command_id is not None:
                asked = Asked(result.command_id, self.batch_id, result.reason, self.workspace.clock())
            else:
                return result

    async def _answer(self, order: CommandSpec, place: AttemptKey, asked: Asked) -> str:
        """Return the reply for the session, after waiting for the operator's answer to its question."""
        command = await self.workspace.database.read(get_command, asked.command_id)
        if command is None:
            return reply_of(asked, DECIDE)
        if asked.answer is None and asked.batch_id != self.batch_id:  # the page shows what this batch needs
            await emit_durable(_subject(command).question(asked.question))
        answer = asked.answer or await answer_to(self.workspace, self.gate, command, asked)
        self.journal.ask(place, replace(asked, answer=answer))
        return reply_of(asked, answer)

    async def _attempt(self, order: CommandSpec, attempt: int, reply: str | None) -> Result:
        await self.gate.enter()
        spec, model = self._choose(order)
        order = self._with_answers(order)
        session = self.journal.session(order.story_key, order.command, attempt, spec.name)
        kind, call = self.preset.kind(order.command), self.preset.call(order.command, spec.kind)
        place = AttemptContext(self.batch_id, self.cycle_number, attempt, spec, model, session, kind, call, reply)
        try:
            with nullcontext() if order.background else self.gate.command():
                result = await Attempt(self.workspace, self.gate, order, place).run()
        finally:
            await self._budget.look(self.gate)
        if result.session_id is not None and result.status in RESUMED:
            here = (order.story_key, order.command, attempt)
            self.journal.keep_session(here, result.session_id, spec.name, result.used)
        if result.status in CUT_SHORT:  # also at the last attempt: what was stopped has not failed
            raise Stopped
        if result.status is CommandStatus.REFUSED:
            raise AgentUnusable(f"{spec.name} cannot run {order.command}: {result.reason}")
        return result

    def _choose(self, order: CommandSpec) -> tuple[AgentSpec, str | None]:
        """Return the agent and model of a command: its own setting, else the light, the review or the default model."""
        settings = self.workspace.settings()
        own = settings.commands.get(kind_of(order.command), CommandConfig())
        spec = self.workspace.agents[own.agent or self._agent]
        light = order.light or self.preset.kind(order.command).light
        if light and own.light_model is not None:
            return spec, own.light_model
        if own.model is not None:
            return spec, own.model
        if light and spec.light_model is not None:
            return spec, spec.light_model
        if kind_of(order.command).endswith("-review") and (config := settings.agents.get(spec.name)) is not None:
            return spec, config.review_model or spec.model
        return spec, spec.model

    def _with_answers(self, order: CommandSpec) -> CommandSpec:
        """Return the spec with earlier questions and answers, for the prompt of a new session."""
        told = told_before(self.journal.answered.get((order.story_key, order.command), ()))
        if not told:
            return order
        return replace(order, findings=told if order.findings == "none" else f"{order.findings}\n\n{told}")

    async def _wait_for_limit(self, order: CommandSpec, result: Result, limits: int) -> None:
        """Close the gate until the reset of the limit, or with a backoff if the agent reported none."""
        backoff = LIMIT_BACKOFF_S[min(limits, len(LIMIT_BACKOFF_S) - 1)]
        await self._wait(order, "usage-limit", result.resets_at or self.workspace.clock() + backoff)

    async def _wait_for_service(self, order: CommandSpec, result: Result, trouble: int) -> None:
        """Wait before a retry after a temporary error; when it persists, the whole batch waits and reports it."""
        if trouble < len(TRANSIENT_BACKOFF_S):
            await self.gate.sleep(TRANSIENT_BACKOFF_S[trouble])
            return
        if trouble == len(TRANSIENT_BACKOFF_S) and order.may_ask:
            message = f"{order.command} cannot reach its service, the batch waits for it: {result.reason}"
            await emit_durable(Attention(kind="service", message=message, story_key=order.story_key))
        await self._wait(order, "unreachable", self.workspace.clock() + UNREACHABLE_S)

    async def _wait(self, order: CommandSpec, reason: str, until: float) -> None:
        """Wait at the gate, with the whole batch; background work waits alone and pauses nothing."""
        if order.background:
            await self.gate.sleep(until - self.workspace.clock())
        else:
            self.gate.pause(reason, until)


def _subject(command: Command) -> CommandSubject:
    return CommandSubject(story_key=command.story_key, command=command.command, command_id=command.id)
