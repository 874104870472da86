"""The messages of the Agent Client Protocol: JSON-RPC 2.0, one message a line, versions 1 and 2 (a draft).

Ours are structs. What the program sends is read forgivingly: its shape is not promised. In a recording, lines of ours
are wrapped (`{"sent": …}`), so that the sides are distinguishable; lines of the program are as they came.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from agents import json_values
from agents.json_values import Json
from agents.records import Noise

VERSIONS: Final = (1, 2)  # that can be spoken; 2 only where the settings say so
CLIENT_NAME: Final = "sprint-runner"

INITIALIZE: Final = "initialize"
AUTHENTICATE: Final = {1: "authenticate", 2: "auth/login"}
NEW: Final = "session/new"
LOAD: Final = "session/load"
RESUME: Final = "session/resume"
PROMPT: Final = "session/prompt"
CANCEL: Final = "session/cancel"
SET_MODE: Final = "session/set_mode"
SET_MODEL: Final = "session/set_model"  # of programs from before there were options
SET_OPTION: Final = "session/set_config_option"
UPDATE: Final = "session/update"
PERMISSION: Final = "session/request_permission"
ELICIT: Final = "elicitation/create"
META: Final = "sprint-runner/message"  # in the `_meta` of a prompt: the id of the operator's message
CANCEL_REQUEST: Final = "$/cancel_request"

INVALID_PARAMS: Final = -32602
METHOD_NOT_FOUND: Final = -32601
INTERNAL_ERROR: Final = -32603
AUTH_REQUIRED: Final = -32000
NOT_FOUND: Final = -32002
CANCELLED: Final = -32800

Id = int | str


class Request(msgspec.Struct, frozen=True):
    """A request of ours, or without an id a notification."""

    method: str
    params: Any
    id: int | UnsetType = UNSET
    jsonrpc: str = "2.0"


class RpcError(msgspec.Struct, frozen=True):
    """The error of an answer."""

    code: int
    message: str


class Response(msgspec.Struct, frozen=True):
    """An answer of ours to a request of the program."""

    id: Id
    result: Any | UnsetType = UNSET
    error: RpcError | UnsetType = UNSET
    jsonrpc: str = "2.0"


class Sent(msgspec.Struct, frozen=True):
    """A line of ours in the recording."""

    sent: Request | Response


class Asked(msgspec.Struct, frozen=True):
    """A line in the recording: the operator was asked this, for a request of the program that waits for it."""

    asked: str


class Ended(msgspec.Struct, frozen=True):
    """A line in the recording: why the session ended before the program was given its work."""

    ended: str  # the kind of outcome
    reason: str


def wrapped(message: Request | Response) -> bytes:
    """A message of ours as its line in the recording."""
    return msgspec.json.encode(Sent(message))


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was read. A request has method and id, a notification only a method, an answer only an id."""

    method: str | None = None
    id: Id | None = None
    params: Json = field(default_factory=dict)
    result: Json = field(default_factory=dict)
    error: Json | None = None
    ours: bool = False

    @property
    def is_answer(self) -> bool:
        return self.method is None and self.id is not None


@dataclass(slots=True)
class Line:
    """The content of one line: messages, what we noted ourselves, and what could not be read."""

    messages: list[Message] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    noise: list[Noise] = field(default_factory=list)


def read_line(line: bytes) -> Line:
    """Read a line of the program, or of a recording. Never raises for content."""
    if line.lstrip()[:1] == b"[":  # version 2 permits several messages on a line
        return _read_batch(line)
    reading = json_values.read_line(line, is_message)
    found = Line(noise=list(reading.noise))
    for value in reading.objects:
        _add(found, value, line)
    return found


def is_message(value: Json) -> bool:
    """Whether an object found after garbage is a whole message."""
    return value.get("jsonrpc") == "2.0"


def message_of(value: Json, ours: bool = False) -> Message:
    """A message whose parts may have any shape."""
    id_ = value.get("id")
    error = value.get("error")
    return Message(
        method=json_values.as_text(value.get("method")),
        id=id_ if isinstance(id_, int | str) and not isinstance(id_, bool) else None,
        params=json_values.as_object(value.get("params")),
        result=json_values.as_object(value.get("result")),
        error=error if isinstance(error, dict) else None,
        ours=ours,
    )


def error_words(error: Json) -> str:
    """What an error says: programs put the reason into `data` behind a message that says only "Internal error"."""
    message = _GENERIC_PREFIX.sub("", json_values.as_text(error.get("message")) or "")
    details = "; ".join(_texts(error.get("data")))
    if details and message.casefold() in _GENERIC:
        return details
    if details and details not in message:
        message = f"{message}: {details}" if message else details
    return message or f"error {error.get('code')}"


def text_of(content: Any) -> str:
    """The text of a content block, or of a list of blocks; what is no text is left out."""
    if isinstance(content, list):
        return "\n".join(filter(None, map(text_of, content)))
    block = json_values.as_object(content)
    match block.get("type"):
        case "text":
            return json_values.as_text(block.get("text")) or ""
        case "content":
            return text_of(block.get("content"))
        case "diff":
            return json_values.as_text(block.get("path")) or ""
        case "resource":
            return json_values.as_text(json_values.as_object(block.get("resource")).get("text")) or ""
    return ""


_GENERIC_PREFIX: Final = re.compile(r"^(?:internal|server) error:\s*", re.IGNORECASE)
_GENERIC: Final = ("internal error", "server error", "error")  # what says nothing beside its details
_DETAILS: Final = ("details", "detail", "message", "error", "reason")  # where programs put the reason


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str) and data:
        yield data
    elif isinstance(data, dict):
        for key in _DETAILS:
            if key in data:
                yield from _texts(data[key])
                return


def _add(found: Line, value: Json, line: bytes) -> None:
    if isinstance(value.get("sent"), dict):
        found.messages.append(message_of(value["sent"], ours=True))
    elif isinstance(value.get("asked"), str):
        found.asked.append(value["asked"])
    elif isinstance(value.get("ended"), str):
        found.ended.append(Ended(value["ended"], str(value.get("reason"))))
    elif "method" in value or "id" in value:
        found.messages.append(message_of(value))
    else:
        found.noise.append(json_values.noise(line))


def _read_batch(line: bytes) -> Line:
    try:
        values = msgspec.json.decode(line, type=list[Any])
    except (ValueError, RecursionError):
        return Line(noise=[json_values.noise(line)])
    found = Line()
    for value in json_values.as_objects(values):
        _add(found, value, line)
    return found
