"""What single programs report beside the protocol, in `_meta`: retries, and a turn that was broken off by an error.

Codex prints an API error as the agent's words and ends its turn well; only its thread's status says what it was.
"""

from __future__ import annotations

import re
from typing import Final

from agents import json_values
from agents.json_values import Json
from agents.records import Retry
from agents.text import one_line

ERROR_CHARS: Final = 300  # of a retry's reason
_SHORTCOMINGS: Final = {
    "OpenCode": "opencode reports over ACP the tokens of its last reply only; its cost is that of all.",
}
_NOTICE: Final = re.compile(r"\[MODE_UPDATE\] \S+")
_ATTEMPT: Final = re.compile(r"(\d+)/(\d+)")


def shortcoming(name: str) -> str | None:
    """What is missing in the reports of a program, by its own name, in a sentence for the log."""
    return _SHORTCOMINGS.get(name)


def is_about_itself(update: Json, text: str) -> bool:
    """Whether a piece of text is the program's word, not the model's (Claude, Gemini)."""
    return _meta(update, "claudeCode").get("kind") == "informational" or _NOTICE.fullmatch(text) is not None


def thread_status(update: Json) -> str | None:
    """The state of the program's thread, where an update reports it (Codex)."""
    return json_values.as_text(json_values.as_object(_meta(update, "codex").get("threadStatus")).get("type"))


def retry_of(update: Json) -> Retry | None:
    """An announced retry (Codex)."""
    error = json_values.as_object(_meta(update, "codex").get("error"))
    if error.get("willRetry") is not True:
        return None
    message = json_values.as_text(error.get("message")) or ""
    attempt = _ATTEMPT.search(message)
    info = json_values.as_object(error.get("codexErrorInfo"))
    status = next((json_values.as_int(json_values.as_object(kind).get("httpStatusCode")) for kind in info.values()), 0)
    words = one_line(json_values.as_text(error.get("additionalDetails")) or message, ERROR_CHARS)
    number, limit = (int(attempt[1]), int(attempt[2])) if attempt else (0, None)
    return Retry(number, limit, None, words, status or None)


def model_of(update: Json) -> str | None:
    """The model of a reply, where an update names it (Claude)."""
    return json_values.as_text(json_values.as_object(update.get("_meta")).get("_claude/model"))


def _meta(update: Json, program: str) -> Json:
    return json_values.as_object(json_values.as_object(update.get("_meta")).get(program))
