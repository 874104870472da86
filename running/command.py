"""The commands of a batch: which agent performs them, how often they are tried, what is waited for.

A recorded result is never asked for again; a limit of the agent or passing trouble is waited out and is nobody's
failure; an agent that cannot run at all ends the batch and decides about no story.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from agents import AgentSpec
from running.attempt import Attempt, Order, Place
from running.budget import Budget
from running.gate import Gate
from running.journal import CommandStatus, Journal, Result
from running.workspace import Workspace
from settings import CommandConfig
from workflow import kind_of

LIMIT_BACKOFF_S: Final = (60.0, 300.0, 900.0, 1800.0)  # waits for a usage limit that names no reset time
TRANSIENT_BACKOFF_S: Final = (5.0, 15.0, 60.0, 180.0, 300.0, 600.0)  # after 429, 529, no network; then it is a failure


class AgentUnusable(RuntimeError):
    """The agent cannot run at all (missing, wrong flags, no login): the batch ends, and no story is judged by it."""


class Commander:
    """Performs the commands of one batch."""

    def __init__(self, workspace: Workspace, batch_id: int, gate: Gate, budget: Budget, agent: str) -> None:
        self.workspace = workspace
        self.batch_id = batch_id
        self.gate = gate
        self.journal = Journal()
        self.cycle_number = 0
        self._budget = budget
        self._agent = agent

    def begin_cycle(self, number: int, journal: Journal) -> None:
        """The commands to come belong to this cycle; those in its journal are behind it."""
        self.cycle_number, self.journal = number, journal

    async def perform(self, order: Order) -> Result:
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

    async def _settled(self, order: Order, attempt: int) -> Result:
        """One attempt that counts: waits for limits and passing trouble do not, until their patience is used up."""
        recorded = self.journal.find(order.story_key, order.command, attempt)
        if recorded is not None:
            return recorded
        limits = trouble = 0
        while True:
            result = await self._attempt(order, attempt)
            if result.status is CommandStatus.USAGE_LIMIT:
                self._wait_for_limit(result, limits)
                limits += 1
            elif result.status is CommandStatus.TRANSIENT and trouble < len(TRANSIENT_BACKOFF_S):
                await self.gate.sleep(TRANSIENT_BACKOFF_S[trouble])
                trouble += 1
            else:
                return result

    async def _attempt(self, order: Order, attempt: int) -> Result:
        await self.gate.enter()
        spec, model = self._choose(order)
        if not order.background:
            self.gate.inside += 1
        try:
            session = self.journal.session(order.story_key, order.command, attempt, spec.name)
            place = Place(self.batch_id, self.cycle_number, attempt, spec, model, session)
            result = await Attempt(self.workspace, self.gate, order, place).run()
        finally:
            if not order.background:
                self.gate.inside -= 1
            await self._budget.look(self.gate)
        if result.session_id is not None and result.status in (CommandStatus.USAGE_LIMIT, CommandStatus.TRANSIENT):
            here = (order.story_key, order.command, attempt)
            self.journal.keep_session(here, result.session_id, spec.name, result.used)
        if result.status is CommandStatus.REFUSED:
            raise AgentUnusable(f"{spec.name} cannot run {order.command}: {result.reason}")
        return result

    def _choose(self, order: Order) -> tuple[AgentSpec, str | None]:
        """The agent and the model of a command: its own setting, else the light, the reviewing or the usual model."""
        settings = self.workspace.settings()
        own = settings.commands.get(kind_of(order.command), CommandConfig())
        spec = self.workspace.agents[own.agent or self._agent]
        if own.model is not None:
            return spec, own.model
        if order.light and spec.light_model is not None:
            return spec, spec.light_model
        if kind_of(order.command).endswith("-review") and (config := settings.agents.get(spec.name)) is not None:
            return spec, config.review_model or spec.model
        return spec, spec.model

    def _wait_for_limit(self, result: Result, limits: int) -> None:
        """Close the gate until the limit's real reset, or by steps where the agent named none."""
        backoff = LIMIT_BACKOFF_S[min(limits, len(LIMIT_BACKOFF_S) - 1)]
        until = result.resets_at or self.workspace.clock() + backoff
        self.gate.pause("usage-limit", until)
