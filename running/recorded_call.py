"""A call that has ended, in its recording: what is needed to judge it once more, and not to pay it again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import agents
from agents import Call, Outcome, OutcomeKind, Usage
from running.activity import Activity
from running.journal import Unchecked
from running.spec import AttemptContext
from running.workspace import Workspace


def unchecked_call(
    workspace: Workspace, context: AttemptContext, call: Call, outcome: Outcome, activity: Activity
) -> Unchecked:
    """Return where the call is recorded whose check was cut off."""
    path = call.stream_path.relative_to(workspace.data_dir).as_posix()
    session = outcome.session_id or activity.session_id
    return Unchecked(path, context.agent.name, context.model, outcome.exit_code, session)


async def recorded_outcome(workspace: Workspace, unchecked: Unchecked) -> Outcome | None:
    """Return the outcome in a recording, what it used left out; None where it says no success, or is gone."""
    agent_spec = workspace.agents.get(unchecked.agent)
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


def stream_file(path: Path) -> Path:
    """Return the file of a command's stream: the given one, or the compressed one after the command has ended."""
    packed = path.with_name(path.name + ".gz")
    return packed if packed.exists() else path
