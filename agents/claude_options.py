"""The options of Claude Code that only some versions have, used where its help lists them.

Without any of them a call is what every version understands: the verdict is a marker in the text, a budget is looked at
between commands, the prompt is plain text on stdin.
"""

from __future__ import annotations

import json
import math
from typing import Final

from agents.spec import AgentSpec, Call

SCHEMA, BUDGET, FALLBACK = "--json-schema", "--max-budget-usd", "--fallback-model"
PROMPTS, INPUT = "--permission-prompts", "--input-format"
OPTIONAL: Final = frozenset((SCHEMA, BUDGET, FALLBACK, PROMPTS, INPUT))
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
        INPUT: "stream-json",
    }
    given = ((name, value) for name, value in values.items() if name in call.options and value is not None)
    return [word for pair in given for word in pair]


def user_message(text: str) -> str:
    """A message to the agent as a line of its input stream."""
    content = [{"type": "text", "text": text}]
    return json.dumps({"type": "user", "message": {"role": "user", "content": content}}) + "\n"
