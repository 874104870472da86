"""What is left of an agent's subscription, as far as its program can say without a call of a model."""

from __future__ import annotations

import os

from agents.environment import environment, find_program
from agents.guardian import MARK_VARIABLE
from agents.options import OPTIONS
from agents.records import LimitSeen
from agents.registry import adapter_for
from agents.spec import AgentSpec


def knows_windows(spec: AgentSpec) -> bool:
    """Whether the agent's program can say what is left, without a call of a model."""
    return adapter_for(spec.kind).knows_windows


async def quota(spec: AgentSpec) -> tuple[LimitSeen, ...]:
    """The usage windows of the agent's login; empty where nothing is known. Bounded, never raises."""
    adapter = adapter_for(spec.kind)
    if not adapter.knows_windows:
        return ()
    env = environment(adapter.environment, spec.env, os.environ.get(MARK_VARIABLE))
    program = find_program(spec.command[0], env, spec.home) if spec.command else None
    if program is None:
        return ()
    options = await OPTIONS.of(spec)
    return await adapter.windows([program, *spec.command[1:]], env, spec.home, options)
