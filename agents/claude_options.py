"""The options of Claude Code that only some versions have, used where its help lists them.

Without any of them a call is what every version understands: the verdict is a marker in the text, a budget is looked at
between commands, the prompt is plain text on stdin.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

from agents import messages
from agents.spec import AgentSpec, Call
from base.program import PROGRAM_DIR

SCHEMA, BUDGET, FALLBACK = "--json-schema", "--max-budget-usd", "--fallback-model"
PROMPTS, INPUT, REPLAY = "--permission-prompts", "--input-format", "--replay-user-messages"
OPTIONAL: Final = frozenset((SCHEMA, BUDGET, FALLBACK, PROMPTS, INPUT, REPLAY))
MESSAGES: Final = frozenset((INPUT, REPLAY))
NAMES: Final = ("claude", "claude.exe", "claude-code")
DEMO_AGENT: Final = PROGRAM_DIR / "demo" / "agent.py"
PROMPT_TOOL: Final = "--permission-prompt-tool"  # of the operator's own command: a program that answers
LEAST_BUDGET_USD: Final = 0.01  # it refuses a budget of nothing


def optional_argv(spec: AgentSpec, call: Call) -> list[str]:
    """The options that this program has and that this call has a use for, with their values."""
    budget, fallback = call.budget_usd, spec.fallback_model
    values = {
        SCHEMA: call.schema,
        BUDGET: None if budget is None else f"{math.ceil(max(budget, LEAST_BUDGET_USD) * 1e4) / 1e4:.4f}",
        FALLBACK: None if fallback == (call.model or spec.model) else fallback,
        PROMPTS: None if PROMPT_TOOL in spec.command else "none",
        INPUT: "stream-json" if takes_messages(call) else None,
    }
    given = ((name, value) for name, value in values.items() if name in call.options and value is not None)
    argv = [word for pair in given for word in pair]
    return [*argv, REPLAY] if takes_messages(call) else argv


def is_demo(command: Sequence[str]) -> bool:
    """Whether a command starts the scripted agent of the demo."""
    return str(DEMO_AGENT) in command


def reads_messages(command: Sequence[str]) -> bool:
    """Whether a command names the program itself, also behind others that start it.

    A script of the operator's own may read its input to the end, or look for words of the prompt in it.
    """
    names = (PurePath(word).name.partition("@")[0] for word in command)  # without the version of a package
    return is_demo(command) or any(name in NAMES for name in names)


def takes_messages(call: Call) -> bool:
    """Whether the program reads messages while it works, and repeats each one in its output when it takes it."""
    return call.options >= {INPUT, REPLAY}


def user_message(text: str, message_id: int | None = None) -> str:
    """A message to the agent as a line of its input stream; the prompt has no id."""
    content = [{"type": "text", "text": text}]
    message = {"type": "user", "message": {"role": "user", "content": content}}
    return json.dumps(message if message_id is None else message | {"uuid": messages.uuid_of(message_id)}) + "\n"
