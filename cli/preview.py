"""The verb `preview`: what would be sent, by the running server or, where none runs, by a copy of the records.

Nothing is written into the project: the records are read from a copy in a temporary folder.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import msgspec

from cli.config import ServerConfig
from cli.errors import CannotStart
from cli.forecast_text import forecast_lines
from cli.records import copied_workspace
from cli.remote import REFUSED, Refused, RemoteServer
from running.forecaster import Forecaster
from running.lock import running_url
from running.preflight import BadRequest
from running.preview import PreviewRequest, preview
from running.preview_views import CallView, CyclePreview, RunPreview, StepView
from running.selection import Selection
from runstate.fold import RunState


def show_preview(options: argparse.Namespace, config: ServerConfig) -> int:
    """Print what would be sent and return the exit code. Raises `CannotStart`."""
    request = PreviewRequest(options.story, options.command, options.agent, at_work=False)
    if request.command is not None and request.stories is None:
        raise CannotStart("--command needs --story: which story it is for")
    try:
        found = _asked(config, request) if running_url(config.data_dir) else asyncio.run(_own(config, request))
    except (Refused, BadRequest) as refusal:
        sys.stderr.write(f"refused: {refusal}\n")
        return REFUSED
    if options.json:
        sys.stdout.write(json.dumps(msgspec.to_builtins(found), ensure_ascii=False) + "\n")
    else:
        sys.stdout.write("\n".join(lines_of(found)) + "\n")
    return 0


def _asked(config: ServerConfig, request: PreviewRequest) -> RunPreview:
    """What the running server answers."""
    given = {
        "stories": ",".join(request.stories or ()),
        "command": request.command,
        "agent": request.agent,
    }
    query = urlencode({name: value for name, value in given.items() if value})
    answer: Any = RemoteServer(config).get(f"/api/preview?{query}")
    return msgspec.convert(answer, RunPreview)


async def _own(config: ServerConfig, request: PreviewRequest) -> RunPreview:
    async with copied_workspace(config) as workspace:
        return await preview(workspace, request, Forecaster(workspace, RunState(), Selection()))


# -- as text -------------------------------------------------------------------------------------------------------


def lines_of(found: RunPreview) -> Iterator[str]:
    """Yield the preview line by line; prompts are set in, so that they cannot be taken for the text around them."""
    why = f" ({found.workflow_reason})" if found.workflow_reason else ""
    yield f"Agent {found.agent}, workflow {found.workflow}{why}"
    yield from (f"A start would be refused: {text}" for text in found.refusals)
    yield from found.notes
    if found.forecast is not None:
        yield from forecast_lines(found.forecast)
    if not found.cycles:
        yield "Nothing would run."
    for cycle in found.cycles:
        yield from _cycle(cycle)
    if found.later:
        yield f"Then: {', '.join(found.later)}"


def _cycle(cycle: CyclePreview) -> Iterator[str]:
    what = {"running": "The group that runs", "begun": "The group that was interrupted"}.get(cycle.state, "Next group")
    yield ""
    yield f"{what}: {', '.join(cycle.story_keys)}"
    yield from (f"  gate: {gate.message}" for gate in cycle.gates)
    for number, step in enumerate(cycle.steps, 1):
        yield ""
        yield from _step(number, step)


def _step(number: int, step: StepView) -> Iterator[str]:
    together = ", together with the one before it" if step.together else ""
    condition = f", {step.condition}" if step.condition else ""
    stories = f" ({', '.join(step.story_keys)})" if step.story_keys else ""
    by = " by the runner itself, without an agent" if step.by == "runner" else ""
    yield f"{number}. {step.command}{stories}{by}{together}{condition}"
    yield from (f"   not known yet: {text}" for text in step.unknown)
    if step.problem is not None:
        yield f"   {step.problem}"
    if step.call is not None:
        yield from _call(step.call)


def _call(call: CallView) -> Iterator[str]:
    budget = "" if call.limits.budget_usd is None else f", ${call.limits.budget_usd:.2f} are left"
    limits = f"{call.limits.timeout_min:g} min, {call.limits.silence_min:g} min of silence"
    session = "new" if call.session_id is None else f"continued ({call.session_id})"
    yield f"   agent      {call.agent} ({call.kind}), model {call.model or 'its own'}"
    yield f"   command    {call.command_line}"
    if call.options_by_help:
        yield f"              and, where its help lists them: {', '.join(call.options_by_help)}"
    yield f"   program    {call.program or 'not found'}"
    yield f"   folder     {call.cwd}"
    yield f"   variables  {', '.join(call.environment.own)}; {len(call.environment.inherited)} inherited"
    yield f"   session    {session}"
    yield f"   limits     {limits}, {call.limits.attempts} attempts{budget}"
    yield f"   prompt     {call.prompt_source}, given by {call.stdin}:"
    yield from (f"   | {line}" for line in call.prompt.rstrip().split("\n"))
