"""The exact call of a command that has not begun, as a value to look at."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import agents
from agents import Call
from running.hints import with_hints
from running.outline import Step
from running.preparation import Preparation, call_of, hints_for, prompt_for
from running.preview_views import CallLimits, CallView, VariableNames
from running.prompt import PromptError, template_source
from running.questions import reply_of
from running.spec import AttemptContext, CommandSpec
from running.workspace import Workspace
from security.masking import Masker
from security.names import is_secret_name
from store.hints import HintRow

SECRET: Final = "[masked: set]"  # noqa: S105 - the replacement of a secret
MARK: Final = "(made when it starts)"


class NoCall(Exception):
    """The command would not call an agent as things are; the message is a sentence."""


async def call_view(preparation: Preparation, step: Step, *, first: bool) -> CallView:
    """Return the call of a step; `first`: the hints that wait for its story go to it. Raises `NoCall`."""
    workspace, spec = preparation.workspace, preparation.with_answers(step.spec)
    context = await preparation.context(spec, step.attempt, reply=_reply(preparation, spec, step.attempt))
    hints = await hints_for(workspace, spec, context)
    if not first:
        hints = [hint for hint in hints if hint.command_id is not None]
    try:
        prompt = with_hints(await prompt_for(workspace, spec, context), hints)
    except PromptError as error:
        raise NoCall(str(error)) from None
    known = agents.OPTIONS.known(context.agent)
    call = call_of(workspace, spec, context, prompt, mark=MARK, stream=Path(os.devnull), options=known or frozenset())
    by_help = [] if known is not None else agents.optional_words(context.agent)
    return _view(workspace, context, call, hints, by_help)


def _reply(preparation: Preparation, spec: CommandSpec, attempt: int) -> str | None:
    """The operator's answer with which the session continues. Raises `NoCall`."""
    key = (spec.story_key, spec.command, attempt)
    if key in preparation.journal.unchecked:
        raise NoCall("its agent has finished: only the check of its work is repeated, and nothing is sent")
    asked = preparation.journal.asked.get(key)
    if asked is None:
        return None
    if asked.answer is None:
        raise NoCall(f"it has asked something and continues with the answer: {asked.question}")
    return reply_of(asked, asked.answer)


def _view(
    workspace: Workspace, context: AttemptContext, call: Call, hints: Sequence[HintRow], by_help: list[str]
) -> CallView:
    agent = context.agent
    if not agent.command:
        raise NoCall(f"The agent {agent.name} has no command: set it in the settings.")
    invoked, own = agents.invocation_of(agent, call), agents.own_variables(agent)
    argv = masked_words(workspace.masker, invoked.argv)
    settings = workspace.settings()
    return CallView(
        agent=agent.name,
        kind=agent.kind,
        model=call.model or agent.model,
        program=invoked.program,
        argv=argv,
        command_line=shlex.join(argv),
        options_by_help=by_help,
        cwd=str(call.cwd),
        environment=VariableNames(own, sorted(set(invoked.env) - set(own))),
        session="new" if call.resume is None else "continued",
        session_id=call.resume,
        stdin=invoked.way.value,
        prompt=workspace.masker.text(call.prompt),
        prompt_source=_source(workspace, context),
        hints=len(hints),
        limits=CallLimits(call.timeout_s / 60, call.silence_s / 60, settings.retries + 1, call.budget_usd),
    )


def _source(workspace: Workspace, context: AttemptContext) -> str:
    if context.reply is not None and context.session is not None:
        return "the answer to its question"
    return template_source(workspace, context.kind, context.call)


def masked_words(masker: Masker, argv: Sequence[str]) -> list[str]:
    """Return a command line without secrets: by their shapes, by their values, and behind options that name one."""
    shown: list[str] = []
    hidden = False
    for word in argv:
        name, equals, _ = word.partition("=")
        secret = name.startswith("-") and is_secret_name(name.lstrip("-"))
        shown.append(SECRET if hidden else f"{name}={SECRET}" if secret and equals else masker.text(word))
        hidden = secret and not equals and not hidden
    return shown
