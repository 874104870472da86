"""Tool calls as the protocol reports them: created, patched, ended, in this order or with parts of it missing.

A call is passed on once, when it is known what it does: many programs announce it before they know. A request for a
permission may be the first that is heard of a call, and an end the only one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, Final

from agents import json_values
from agents.acp.protocol import text_of
from agents.edits import FILES_MOST, edits_of
from agents.json_values import Json
from agents.records import Action, Edit, Record, ToolCall, ToolResult
from agents.summaries import relative, seen_from
from agents.text import one_line

RESULT_CHARS: Final = 64 * 1024  # of a result that is passed on
MAX_CALLS: Final = 1000  # whose end is waited for
_ENDS: Final = frozenset(("completed", "failed", "cancelled"))
_KINDS: Final = {
    "read": (Action.READ, "Read"),
    "edit": (Action.EDIT, "Edit"),
    "delete": (Action.EDIT, "Delete"),
    "move": (Action.EDIT, "Move"),
    "search": (Action.SEARCH, "Search"),
    "execute": (Action.RUN, "Bash"),
    "fetch": (Action.READ, "Fetch"),
}
_PATHS: Final = ("path", "file_path", "filePath", "absolute_path")
_ARGUMENTS: Final = {
    Action.READ: (*_PATHS, "url"),
    Action.EDIT: _PATHS,
    Action.SEARCH: ("pattern", "query"),
}


class ToolCalls:
    """The calls of a session that have not ended. `cwd` shortens paths."""

    def __init__(self, cwd: str | None) -> None:
        self._cwd = cwd
        self._calls: OrderedDict[str, Json] = OrderedDict()
        self._announced: dict[str, None] = {}  # those that were passed on

    def update(self, update: Json) -> Iterator[Record]:
        """The records of a `tool_call` or `tool_call_update`."""
        id_ = json_values.as_text(update.get("toolCallId"))
        if id_ is None:
            return
        seen = id_ in self._calls
        call = self._patched(id_, update)
        status = json_values.as_text(call.get("status"))
        if seen or status in _ENDS or status == "in_progress":
            yield from self.announce(id_)
        if status in _ENDS:
            yield self._result(id_, call)
            self._forget(id_)

    def append(self, update: Json) -> None:
        """A further piece of a call's content (version 2)."""
        id_ = json_values.as_text(update.get("toolCallId"))
        if id_ is not None and id_ in self._calls:
            content = self._calls[id_].get("content")
            self._calls[id_]["content"] = [*(content if isinstance(content, list) else ()), update.get("content")]

    def asked(self, call: Json) -> Iterator[Record]:
        """A permission is requested for a call, which may be unknown until now."""
        id_ = json_values.as_text(call.get("toolCallId"))
        if id_ is not None:
            self._patched(id_, {key: value for key, value in call.items() if key != "status"})
            yield from self.announce(id_)

    def announce(self, id_: str) -> Iterator[Record]:
        """The call, unless it was passed on."""
        if id_ not in self._announced and id_ in self._calls:
            self._announced[id_] = None
            yield tool_call(id_, self._calls[id_], self._cwd)

    def settle(self) -> Iterator[Record]:
        """The calls that were announced and then nothing more: what follows them is not what was said before them."""
        for id_ in list(self._calls):
            yield from self.announce(id_)

    def _patched(self, id_: str, update: Json) -> Json:
        call = self._calls.setdefault(id_, {})
        call.update({key: value for key, value in update.items() if value not in (None, "", {}, [])})
        if len(self._calls) > MAX_CALLS:
            self._forget(next(iter(self._calls)))
        return call

    def _forget(self, id_: str) -> None:
        self._calls.pop(id_, None)
        self._announced.pop(id_, None)

    def _result(self, id_: str, call: Json) -> ToolResult:
        message = text_of(call.get("content")) or _raw_text(call.get("rawOutput"))
        ok = call.get("status") == "completed" and _exit_code(call) in (None, 0)
        return ToolResult(id_, ok, message[:RESULT_CHARS], len(message), edits=seen_from(_diffs(call), self._cwd))


def tool_call(id_: str, call: Json, cwd: str | None) -> ToolCall:
    """The record of a call: by its kind and argument where these are known, else by its title."""
    action, verb = _KINDS.get(str(call.get("kind")), (Action.OTHER, ""))
    title = json_values.as_text(call.get("title")) or verb or "a tool"
    raw = json_values.as_object(call.get("rawInput"))
    name = _name(call) or verb or title
    if action is Action.RUN:
        return ToolCall(id_, name, one_line(f"{verb}: {_command(raw.get('command')) or title}"), action)
    argument = next((raw[key] for key in _ARGUMENTS.get(action, ()) if json_values.as_text(raw.get(key))), None)
    argument = argument or _location(call) if action in (Action.READ, Action.EDIT) else argument
    if argument is not None:
        return ToolCall(id_, name, one_line(f"{verb} {relative(argument, cwd)}"), action, edits=_edits(call, cwd))
    return ToolCall(id_, name, one_line(title), action, edits=_edits(call, cwd))


def _edits(call: Json, cwd: str | None) -> tuple[Edit, ...]:
    """What a call announces that it changes: by its content, else by the arguments of the program's own tool."""
    if call.get("kind") != "edit":
        return ()
    return seen_from(_diffs(call) or edits_of(json_values.as_object(call.get("rawInput"))), cwd)


def _diffs(call: Json) -> tuple[Edit, ...]:
    blocks = [block for block in json_values.as_objects(call.get("content")) if block.get("type") == "diff"]
    return tuple(edit for block in blocks[:FILES_MOST] for edit in edits_of(block))


def kind_name(call: Json) -> str:
    """The tool of a call in one word, as far as that is known."""
    _, verb = _KINDS.get(str(call.get("kind")), (Action.OTHER, ""))
    return _name(call) or verb or json_values.as_text(call.get("title")) or "a tool"


def _name(call: Json) -> str | None:
    meta = json_values.as_object(json_values.as_object(call.get("_meta")).get("claudeCode"))
    return json_values.as_text(call.get("name")) or json_values.as_text(meta.get("toolName"))


def _command(value: Any) -> str | None:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return json_values.as_text(value)


def _location(call: Json) -> str | None:
    for location in json_values.as_objects(call.get("locations")):
        return json_values.as_text(location.get("path"))
    return None


def _raw_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raw = json_values.as_object(value)
    return next((raw[key] for key in ("output", "error", "message", "content") if isinstance(raw.get(key), str)), "")


def _exit_code(call: Json) -> int | None:
    """Of a shell command, where a program reports it."""
    raw = json_values.as_object(call.get("rawOutput"))
    meta = json_values.as_object(json_values.as_object(call.get("_meta")).get("terminal_exit"))
    places = (json_values.as_object(raw.get("metadata")).get("exit"), raw.get("exit_code"), meta.get("exit_code"))
    return next((found for found in places if isinstance(found, int)), None)
