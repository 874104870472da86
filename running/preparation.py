"""What the next call of a command is made of: its agent and model, its session, its prompt, its limits.

Reads only. A run makes its calls of this, and what would be sent is shown from it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from agents import AgentSpec, Call
from running.agent_choice import AgentChoice
from running.hints import pending_hints
from running.journal import Journal
from running.prompt import prompt_of
from running.questions import answers_before
from running.spec import AttemptContext, CommandSpec
from running.workspace import Workspace
from settings import CommandConfig
from store.hints import HintRow
from workflow import Preset, kind_of
from workflow.failover import AgentChange


class Remaining(Protocol):
    """What says how many US dollars the caps leave."""

    async def remaining(self, story_key: str = "", command: str = "") -> float | None: ...


@dataclass(frozen=True, slots=True)
class Preparation:
    """The preparation of the commands of a cycle."""

    workspace: Workspace
    preset: Preset
    choice: AgentChoice
    journal: Journal
    budget: Remaining
    batch_id: int
    cycle_number: int

    async def context(
        self,
        spec: CommandSpec,
        attempt: int,
        *,
        reply: str | None = None,
        tree: str | None = None,
        first_tree: str | None = None,
        agent: str | None = None,
        change: AgentChange | None = None,
    ) -> AttemptContext:
        """Return the place of an attempt at a command; without an `agent`, by the one that it would have now."""
        if agent is None:
            session = self.journal.sessions.get((spec.story_key, spec.command, attempt))
            agent = self.choice.peek(spec.command, None if session is None else session.agent).name
        agent_spec, model = self.model_of(spec, agent)
        machine = self.workspace.machine
        session = self.journal.session(spec.story_key, spec.command, attempt, agent_spec.name, machine)
        if session is not None and self.workspace.taken_trees.is_operators(session.id):
            session = None
        return AttemptContext(
            self.batch_id,
            self.cycle_number,
            attempt,
            agent_spec,
            model,
            session,
            self.preset.kind(spec.command),
            self.preset.call(spec.command, agent_spec.kind),
            reply,
            tree,
            first_tree,
            await self.budget.remaining(spec.story_key, spec.command),
            change,
        )

    def model_of(self, spec: CommandSpec, agent: str) -> tuple[AgentSpec, str | None]:
        """Return the agent and model of a command: its own setting, else the light, the review or the default model."""
        settings, agent_spec = self.workspace.settings(), self.workspace.agents[agent]
        own = settings.commands.get(kind_of(spec.command), CommandConfig())
        if agent != self.choice.order(spec.command)[0]:
            own = CommandConfig()  # its models are those of the first agent
        light = spec.light or self.preset.kind(spec.command).light
        if light and own.light_model is not None:
            return agent_spec, own.light_model
        if own.model is not None:
            return agent_spec, own.model
        if light and agent_spec.light_model is not None:
            return agent_spec, agent_spec.light_model
        if kind_of(spec.command).endswith("-review") and (config := settings.agents.get(agent_spec.name)) is not None:
            return agent_spec, config.review_model or agent_spec.model
        return agent_spec, agent_spec.model

    def with_answers(self, spec: CommandSpec) -> CommandSpec:
        """Return the spec with earlier questions and answers, for the prompt of a new session."""
        answers = answers_before(self.journal.answered.get((spec.story_key, spec.command), ()))
        return with_findings(spec, answers) if answers else spec


def with_findings(spec: CommandSpec, more: str) -> CommandSpec:
    """Return the spec with one more text before its call."""
    return replace(spec, findings=more if spec.findings == "none" else f"{spec.findings}\n\n{more}")


def after_failure(spec: CommandSpec, reason: str) -> CommandSpec:
    """Return the spec of the attempt that follows a failed one."""
    return with_findings(spec, f"The attempt before this one failed: {reason}")


async def hints_for(workspace: Workspace, spec: CommandSpec, context: AttemptContext) -> list[HintRow]:
    """Return the hints that a call is given."""
    # Work in the background starts beside a command of the same story, which is the one that a hint is meant for.
    keys = [] if spec.background else spec.story_keys
    return await pending_hints(workspace, keys, spec.command, resumed=context.session is not None)


async def prompt_for(workspace: Workspace, spec: CommandSpec, context: AttemptContext) -> str:
    """Return the prompt without hints: the answer to the session's question, else the command's own prompt.

    Raises `PromptError`.
    """
    if context.reply is not None and context.session is not None:
        return context.reply
    return await asyncio.to_thread(prompt_of, workspace, spec, context.kind, context.call)


def call_of(
    workspace: Workspace,
    spec: CommandSpec,
    context: AttemptContext,
    prompt: str,
    *,
    mark: str,
    stream: Path,
    options: frozenset[str],
) -> Call:
    """Return the call of an agent. `options` are those that its program has by its own help."""
    settings, session = workspace.settings(), context.session
    return Call(
        prompt=prompt,
        cwd=workspace.project.root,
        mark=mark,
        stream_path=stream,
        model=context.model,
        resume=None if session is None else session.id,
        booked=None if session is None else session.booked,
        timeout_s=settings.command_timeout_min * 60,
        silence_s=settings.silence_timeout_min * 60,
        options=options,
        schema=None if spec.form is None else spec.form.schema,
        budget_usd=context.budget_usd,
        may_ask=spec.may_ask,
    )
