"""The waits of commands: for a usage limit, a service, a program; and the hand-over to another agent instead of one."""

from __future__ import annotations

import logging
from typing import Final

import agents
from base.plausible import limit_wait
from payloads import Attention, BatchWarning, or_unset
from running.agent_choice import AgentChoice
from running.gate import Gate
from running.journal import CommandStatus, Result
from running.spec import CommandSpec
from running.surroundings import hold
from running.workspace import Workspace, emit_durable

TRANSIENT_BACKOFF_S: Final = (5.0, 15.0, 60.0, 180.0, 300.0, 600.0)  # after 429, 529, no network; then the batch waits
UNREACHABLE_S: Final = 600.0  # between tries after that
HIDDEN_S: Final = 10.0  # the longest wait that is not shown as one
OVERLOAD_TRIES: Final = 4  # calls of one command, after which another agent takes over
OVERLOADED_S: Final = 1800.0  # until an agent whose service is overloaded is tried again
REFUSED_S: Final = 3600.0  # until one whose program or login was refused is tried again
MISSING_BACKOFF_S: Final = (5.0, 15.0, 60.0)  # looks for an agent's program that an updater may be replacing
LOSSES_MAX: Final = 3  # workers that lose one command, until the operator is called

log = logging.getLogger("sprint_runner.run")


class AgentUnusable(RuntimeError):
    """Work beside the run, or a lane, cannot continue (no agent, no worktree); no story is judged by it."""

    kind = "agent"  # of the attention


class CommandWaits:
    """The waits of the commands of one batch, or of one of its cycles."""

    def __init__(self, workspace: Workspace, batch_id: int, gate: Gate, choice: AgentChoice) -> None:
        self._workspace = workspace
        self._batch_id = batch_id
        self._gate = gate
        self._choice = choice

    async def for_limit(self, spec: CommandSpec, result: Result, limits: int) -> None:
        """Close the gate until the limit's reset, or by steps where the agent named none that can be true."""
        await self.until(spec, "usage-limit", await self._limit_end(spec, result, limits))

    async def _limit_end(self, spec: CommandSpec, result: Result, limits: int) -> float:
        wait = limit_wait(result.resets_at, self._workspace.clock(), limits)
        if wait.doubt is not None:
            message = f"{spec.command} is at a usage limit: {wait.doubt}"
            log.warning("%s", message)
            await emit_durable(BatchWarning(batch_id=self._batch_id, warning_type="limit", message=message))
        return wait.until

    async def for_service(self, spec: CommandSpec, result: Result, trouble: int) -> None:
        """Wait before a retry after a temporary error; when it persists, the whole batch waits and reports it."""
        if trouble < len(TRANSIENT_BACKOFF_S):
            await self._wait_visibly(spec, "retry", TRANSIENT_BACKOFF_S[trouble])
            return
        if trouble == len(TRANSIENT_BACKOFF_S) and spec.may_ask:
            message = f"{spec.command} cannot reach its service, the batch waits for it: {result.reason}"
            await emit_durable(Attention(kind="service", message=message, story_key=spec.story_key))
        await self.until(spec, "unreachable", self._workspace.clock() + UNREACHABLE_S)

    async def for_agent(self, spec: CommandSpec, result: Result, missing: int) -> int:
        """A program may be missing for a moment; otherwise a person is needed. Return how often it was looked for."""
        if self._may_come_back(result, missing):
            await self._wait_visibly(spec, "program", MISSING_BACKOFF_S[missing])
            return missing + 1
        if spec.background:
            raise AgentUnusable(result.reason)
        await hold(self._gate, result.kind, Attention(kind=result.kind, message=result.reason))
        return 0

    async def for_machine(self, spec: CommandSpec, result: Result, lost: int) -> int:
        """Call the operator when worker after worker loses a command. Return how often it was lost."""
        if lost + 1 < LOSSES_MAX:
            return lost + 1
        message = f"{spec.command} was lost {LOSSES_MAX} times with its worker: {result.reason}"
        story_key = or_unset(spec.story_key or None)
        await hold(self._gate, "worker", Attention(kind="worker", message=message, story_key=story_key))
        return 0

    async def _wait_visibly(self, spec: CommandSpec, reason: str, seconds: float) -> None:
        """A short wait is hidden, a longer one is a state of the batch, with its end and a way to cut it short."""
        if seconds <= HIDDEN_S:
            await self._gate.sleep(seconds)
        else:
            await self.until(spec, reason, self._workspace.clock() + seconds)

    async def until(self, spec: CommandSpec, reason: str, until: float) -> None:
        """Wait at the gate, with the whole batch; background work waits alone as long as the batch continues."""
        if spec.background:
            await self._gate.wait_beside(reason, until)
        else:
            self._gate.pause(reason, until)

    async def hands_over(self, spec: CommandSpec, result: Result, failures: int) -> bool:
        """Let the account of an agent wait that cannot work now, where the command has another agent; whether it has.

        What comes next is decided where the next call begins; `failures` are those of this kind before.
        """
        if result.ok or not self._choice.rivals(spec.command, result.agent):
            return False
        now, status = self._workspace.clock(), result.status
        if status is CommandStatus.USAGE_LIMIT:
            reason, until = "usage-limit", await self._limit_end(spec, result, failures)
        elif status is CommandStatus.REFUSED and not self._may_come_back(result, failures):
            reason, until = "program", now + REFUSED_S
            await emit_durable(Attention(kind="agent", message=result.reason))
        elif status is CommandStatus.TRANSIENT and not result.kind and failures >= OVERLOAD_TRIES:
            reason, until = "unreachable", now + OVERLOADED_S
        else:
            return False
        await self._choice.let_wait(spec.command, result.agent, reason, until)
        return True

    def _may_come_back(self, result: Result, missing: int) -> bool:
        """Whether the program is missing, perhaps for a moment."""
        return agents.is_program_missing(result.reason) and missing < len(MISSING_BACKOFF_S)
