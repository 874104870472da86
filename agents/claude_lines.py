"""The parsers of the lines of Claude Code's stream: pure functions from JSON to records and values.

Nothing here raises for content: what is missing or of the wrong shape is empty, zero or None.
"""

from __future__ import annotations

import json

from agents import json_values
from agents.edits import edit_of_patch
from agents.json_values import Json
from agents.records import Edit, LimitSeen, Retry, ToolResult
from agents.spec import OutcomeKind, Usage
from agents.text import one_line
from base import plausible

STRUCTURED_CHARS = 256 * 1024  # of a verdict as JSON; a hundred long findings have 50 KiB
RESULT_CHARS = 64 * 1024  # of a tool result that is passed on
QUESTION_CHARS = 2000  # of a question with its choices
DIAGNOSTIC = "[ede_diagnostic]"  # the program's note to its own authors

_AUTH_ERRORS = frozenset(("authentication_failed", "billing_error", "oauth_org_not_allowed"))
_TRANSIENT_ERRORS = frozenset(("rate_limit", "overloaded", "server_error", "unknown"))
_AUTH_STATUS = frozenset((401, 402, 403))


def is_line(value: Json) -> bool:
    """Whether an object found after garbage is a whole line of this stream: all carry the session's id."""
    return isinstance(value.get("type"), str) and ("session_id" in value or value["type"] == "control_response")


def text_of(line: Json, key: str) -> str | None:
    """A non-empty string field, else None."""
    return json_values.as_text(line.get(key))


def blocks_of(content: object) -> list[Json]:
    """Content is a string or a list of blocks."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return json_values.as_objects(content)


def size_of(block: Json) -> int:
    """Characters that the model had to write for a block."""
    if block.get("type") == "tool_use":
        return len(str(block.get("input")))
    return len(str(block.get("text") or block.get("thinking") or ""))


def applied_edits(line: Json) -> tuple[Edit, ...]:
    """What the tool whose result a line holds has changed in a file; of a new file the call has all lines."""
    done = json_values.as_object(line.get("tool_use_result"))
    edit = edit_of_patch(text_of(done, "filePath") or "", json_values.as_objects(done.get("structuredPatch")))
    return () if edit is None else (edit,)


def tool_result(block: Json, subagent: str | None, edits: tuple[Edit, ...] = ()) -> ToolResult:
    """The result of a tool, whose content is a string or a list of blocks."""
    parts = blocks_of(block.get("content"))
    message = "\n".join(str(part.get("text", "")) for part in parts if part.get("type") == "text")
    ok = block.get("is_error") is not True
    return ToolResult(str(block.get("tool_use_id")), ok, message[:RESULT_CHARS], len(message), subagent, edits)


def usage_of(usage: Json) -> Usage:
    """An API usage object."""
    return Usage(
        json_values.as_int(usage.get("input_tokens")),
        json_values.as_int(usage.get("output_tokens")),
        json_values.as_int(usage.get("cache_read_input_tokens")),
        json_values.as_int(usage.get("cache_creation_input_tokens")),
    )


def _model_usage(models: Json) -> tuple[Usage, float]:
    total, cost = Usage(), 0.0
    for entry in map(json_values.as_object, models.values()):
        total += Usage(
            json_values.as_int(entry.get("inputTokens")),
            json_values.as_int(entry.get("outputTokens")),
            json_values.as_int(entry.get("cacheReadInputTokens")),
            json_values.as_int(entry.get("cacheCreationInputTokens")),
        )
        cost += json_values.as_number(entry.get("costUSD")) or 0.0
    return total, cost


def spent(line: Json) -> tuple[Usage, float | None, bool]:
    """Usage, cost, and whether they are totals of the process. A resumed session's totals include earlier processes,
    so the part "since the last result" is preferred wherever the program prints it."""
    since = line.get("model_usage_since_last_result")
    if isinstance(since, dict):
        return (*_model_usage(since), False)
    cost = json_values.as_number(line.get("total_cost_usd"))
    totals, _ = _model_usage(json_values.as_object(line.get("modelUsage")))
    if totals:
        return totals, cost, True
    return usage_of(json_values.as_object(line.get("usage"))), cost, True


def structured_of(line: Json) -> str | None:
    """The verdict in the form of the schema, as JSON; None where there is none, or one too long to be a verdict."""
    value = line.get("structured_output")
    if not isinstance(value, dict):
        return None
    message = json.dumps(value, ensure_ascii=False)
    return message if len(message) <= STRUCTURED_CHARS else None


def limit_of(info: Json) -> LimitSeen:
    """A rate limit record; a rejected window that overage pays for is not rejected."""
    return LimitSeen(
        rejected=info.get("status") == "rejected" and info.get("isUsingOverage") is not True,
        resets_at=plausible.epoch_seconds(info.get("resetsAt")),
        window=text_of(info, "rateLimitType"),
        used_fraction=json_values.as_number(info.get("utilization")),
    )


def question_of(arguments: Json) -> str:
    """Return all questions with their options on one line."""
    asked = []
    for question in json_values.as_objects(arguments.get("questions")):
        labels = [
            str(option["label"]) for option in json_values.as_objects(question.get("options")) if option.get("label")
        ]
        choices = f" ({' / '.join(labels)})" if labels else ""
        asked.append(f"{question.get('question') or ''}{choices}")
    return one_line(" ".join(asked), QUESTION_CHARS)


def retry_of(line: Json) -> Retry:
    """An announced retry; a refused key is a fatal one."""
    delay = json_values.as_number(line.get("retry_delay_ms"))
    error = text_of(line, "error") or "unknown"
    return Retry(
        attempt=json_values.as_int(line.get("attempt")),
        max_attempts=json_values.as_int(line.get("max_retries")) or None,
        delay_s=None if delay is None else delay / 1000,
        error=error,
        status=json_values.as_int(line.get("error_status")) or None,
        fatal=error in _AUTH_ERRORS,
    )


def words_of(line: Json) -> str:
    """Return the reason of a failure from the result line."""
    errors = line.get("errors")
    message = [str(error) for error in errors] if isinstance(errors, list) else []
    if any(error.startswith(DIAGNOSTIC) for error in message):
        return f"the run was interrupted ({text_of(line, 'terminal_reason') or 'no reason given'})"
    return text_of(line, "result") or "; ".join(message) or str(line.get("subtype"))


def kind_of(error: str | None, status: int) -> OutcomeKind:
    """The kind of a failure, by the program's own word for it, else by the HTTP status (0: none)."""
    if error == "max_output_tokens":
        return OutcomeKind.LIMIT
    if status == 404 or error == "model_not_found":
        return OutcomeKind.COULD_NOT_START
    if error in _AUTH_ERRORS or status in _AUTH_STATUS:
        return OutcomeKind.AUTH
    if error in _TRANSIENT_ERRORS or status == 429 or status >= 500:
        return OutcomeKind.TRANSIENT
    return OutcomeKind.FAILED
