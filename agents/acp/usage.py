"""Tokens and dollars, from wherever a program puts them.

| where | seen of |
|---|---|
| `_meta.quota.model_usage` of the prompt's answer: by model, side requests included | Claude, Codex, Gemini |
| `_meta.quota.token_count` of the same | the same |
| `usage` of the prompt's answer (of the idle state in version 2) | Claude, Codex, opencode |
| `_meta.usage` of pieces of the reply | Qwen |
| `cost` of a `usage_update`: of the whole session, in US dollars | Claude, opencode |

The protocol does not say whether input includes cached tokens and output includes thoughts; where there is a total, the
total says it. What is not reported is unknown: None, not zero.
"""

from __future__ import annotations

from typing import Final

from agents import json_values
from agents.json_values import Json
from agents.spec import Usage

DOLLARS: Final = "USD"
_INPUT: Final = ("inputTokens", "input_tokens")
_OUTPUT: Final = ("outputTokens", "output_tokens")
_READ: Final = ("cachedReadTokens", "cachedInputTokens", "cache_read_input_tokens", "cached_tokens", "cachedTokens")
_WRITTEN: Final = ("cachedWriteTokens", "cacheWriteInputTokens", "cache_creation_input_tokens")
_THOUGHT: Final = ("thoughtTokens", "reasoningOutputTokens", "thought_tokens")
_TOTAL: Final = ("totalTokens", "total_tokens")


def turn_usage(answer: Json) -> Usage | None:
    """The tokens of a turn, by its answer; None where it reports none."""
    quota = json_values.as_object(json_values.as_object(answer.get("_meta")).get("quota"))
    models = [
        found
        for entry in json_values.as_objects(quota.get("model_usage"))
        if (found := tokens(json_values.as_object(entry.get("token_count")))) is not None
    ]
    if models:
        return sum(models, Usage())
    return tokens(json_values.as_object(quota.get("token_count"))) or tokens(json_values.as_object(answer.get("usage")))


def turn_model(answer: Json) -> str | None:
    """The model that a turn's answer names, None where it names none or several."""
    quota = json_values.as_object(json_values.as_object(answer.get("_meta")).get("quota"))
    names = {json_values.as_text(entry.get("model")) for entry in json_values.as_objects(quota.get("model_usage"))}
    return names.pop() if len(names) == 1 else None


def piece_usage(update: Json) -> Usage | None:
    """The tokens of one reply, where a program reports them beside its text."""
    return tokens(json_values.as_object(json_values.as_object(update.get("_meta")).get("usage")))


def session_cost(update: Json) -> float | None:
    """The dollars of the session so far, None where there are none or another currency."""
    cost = json_values.as_object(update.get("cost"))
    return json_values.as_number(cost.get("amount")) if cost.get("currency") == DOLLARS else None


def tokens(counts: Json) -> Usage | None:
    """Token counts in any of the spellings seen; None where there is none."""
    if not any(name in counts for name in (*_INPUT, *_OUTPUT)):
        return None
    fresh, output = _count(counts, _INPUT), _count(counts, _OUTPUT)
    read, written, thought = _count(counts, _READ), _count(counts, _WRITTEN), _count(counts, _THOUGHT)
    total = _count(counts, _TOTAL)
    if total and total == fresh + output + thought + read + written:
        output += thought
    elif total and total in (fresh + output, fresh + output + thought):  # what was cached is part of the input
        output = total - fresh
        fresh = max(0, fresh - read - written)
    return Usage(fresh, output, read, written)


def _count(counts: Json, names: tuple[str, ...]) -> int:
    return next((json_values.as_int(counts[name]) for name in names if counts.get(name) is not None), 0)
