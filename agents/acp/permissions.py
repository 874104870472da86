"""Requests for a permission: decided by the agent's `permission_mode`, or asked of the operator.

| mode | reading | changing files in the work tree | everything else |
|---|---|---|---|
| `bypassPermissions` | allowed | allowed | allowed |
| `acceptEdits` | allowed | allowed | asked |
| `plan` | allowed | refused | refused |
| nothing, or a word of the program's own | allowed | asked | asked |

Where no question may be asked (work in the background, before the run) asking means refusing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from agents import json_values
from agents.acp.protocol import text_of
from agents.acp.tool_calls import tool_call
from agents.json_values import Json
from agents.text import one_line

# No sets: a kind may be anything that JSON has, also what cannot be looked up by its hash.
READING: Final = ("read", "search", "think")
CHANGING: Final = ("edit", "delete", "move")
QUESTION_CHARS: Final = 2000  # of a question with its choices
CONTENT_CHARS: Final = 600  # of what is said about a call, in the question

_YES: Final = re.compile(r"(?:yes|y|ok|okay|allow|allowed|approve|approved|go|proceed|ja)\b", re.IGNORECASE)


class Decision(StrEnum):
    ALLOW = "allow"
    REFUSE = "refuse"
    ASK = "ask"


def decide(mode: str | None, request: Json, root: Path) -> Decision:
    """The decision by the agent's permission mode; `root` is the work tree."""
    kind = json_values.as_text(tool_call_of(request).get("kind"))
    if mode == "bypassPermissions" or kind in READING:
        return Decision.ALLOW
    if mode == "plan":
        return Decision.REFUSE
    if mode == "acceptEdits" and kind in CHANGING and _stays_inside(request, root):
        return Decision.ALLOW
    return Decision.ASK


def selected(request: Json, allow: bool) -> Json:
    """The outcome for a decision: for this once where that is offered; without such a choice, cancelled."""
    wanted = ("allow_once", "allow_always") if allow else ("reject_once", "reject_always")
    for kind in wanted:
        for option in options_of(request):
            if option.get("kind") == kind:
                return _outcome(option)
    return {"outcome": {"outcome": "cancelled"}}


def answered(request: Json, answer: str) -> Json:
    """The outcome for the operator's answer: a choice by its name or number, or yes; everything else is a no."""
    options = options_of(request)
    message = answer.strip().casefold()
    for number, option in enumerate(options, 1):
        names = (option.get("name"), option.get("optionId"), str(number))
        if message in {str(name).casefold() for name in names if name}:
            return _outcome(option)
    return selected(request, _YES.match(message) is not None)


def question_of(request: Json, cwd: str) -> str:
    """The question for the operator, with its choices."""
    call = tool_call_of(request)
    details = [json_values.as_text(request.get("description")) or "", text_of(call.get("content"))]
    message = one_line(" ".join(part for part in details if part), CONTENT_CHARS)
    names = " / ".join(str(option.get("name") or option.get("optionId")) for option in options_of(request))
    about = f" ({message})" if message else ""
    return one_line(f"May it do this: {permission_title(request, cwd)}{about}? ({names})", QUESTION_CHARS)


def permission_title(request: Json, cwd: str | None = None) -> str:
    """What a permission is requested for, in one line."""
    if title := json_values.as_text(request.get("title")):
        return title
    return tool_call("", tool_call_of(request), cwd).summary


def tool_call_of(request: Json) -> Json:
    """The call that a permission is requested for; version 2 has it in the request's subject, or a command."""
    call = request.get("toolCall")
    if isinstance(call, dict):
        return call
    subject = json_values.as_object(request.get("subject"))
    if isinstance(subject.get("toolCall"), dict):
        return json_values.as_object(subject["toolCall"])
    if subject.get("type") == "command":
        raw = {"command": subject.get("command"), "cwd": subject.get("cwd")}
        return {"toolCallId": subject.get("toolCallId"), "kind": "execute", "rawInput": raw}
    return {}


def options_of(request: Json) -> Sequence[Json]:
    """The choices of a request for a permission."""
    return json_values.as_objects(request.get("options"))


def _outcome(option: Json) -> Json:
    return {"outcome": {"outcome": "selected", "optionId": option.get("optionId")}}


def _stays_inside(request: Json, root: Path) -> bool:
    """Whether every file that a call names lies in the work tree, links followed; one that names none does not."""
    call = tool_call_of(request)
    named = [*json_values.as_objects(call.get("locations")), *json_values.as_objects(call.get("content"))]
    paths = [path for entry in named if (path := json_values.as_text(entry.get("path"))) is not None]
    real = os.path.realpath(root)
    return bool(paths) and all(_is_below(path, real) for path in paths)


def _is_below(path: str, root: str) -> bool:
    return "\0" not in path and os.path.realpath(os.path.join(root, path)).startswith(root + os.sep)
