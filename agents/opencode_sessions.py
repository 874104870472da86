"""What opencode's sub-agents have used: in no line of its stream, but in the sessions that it has stored of them.

`opencode export ID` prints a session as JSON. A sub-agent has a session of its own, which the call that started it
names, and so have its own sub-agents.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from agents import json_values
from agents.json_values import Json
from agents.probe import ask
from agents.records import UsageSeen
from agents.spec import Usage

EXPORT_BYTES: Final = 32 * 1024 * 1024  # a session with everything its tools printed
EXPORT_TIMEOUT_S: Final = 30.0  # for all of them; one takes 2 to 4 s
SESSIONS_MAX: Final = 20  # of one call
_ID: Final = re.compile(r"[A-Za-z0-9_]{1,100}")  # it becomes an argument


async def spent_in(
    command: Sequence[str], env: Mapping[str, str], cwd: Path, sessions: Sequence[str], since: float
) -> list[UsageSeen] | None:
    """The replies in these sessions, and in those below them, since a time in seconds; None where it is unknown."""
    found: list[UsageSeen] = []
    waiting, seen = list(sessions), set(sessions)
    try:
        async with asyncio.timeout(EXPORT_TIMEOUT_S):
            while waiting:
                session = await _export(command, env, cwd, waiting.pop())
                messages = json_values.as_objects(session.get("messages"))
                found += [usage for message in messages if (usage := reply_of(message, since)) is not None]
                below = [id_ for id_ in _started_in(messages) if id_ not in seen]
                seen.update(below)
                waiting += below
                if len(seen) > SESSIONS_MAX:
                    return None
    except (OSError, TimeoutError, ValueError, RecursionError):
        return None
    return found


def reply_of(message: Json, since: float = 0.0) -> UsageSeen | None:
    """The tokens of one stored reply; None for what is none, or was there before `since`."""
    info = json_values.as_object(message.get("info"))
    created = json_values.as_number(json_values.as_object(info.get("time")).get("created")) or 0.0
    usage = usage_of(json_values.as_object(info.get("tokens")))
    if info.get("role") != "assistant" or created < since * 1000 or not usage:
        return None
    names = [json_values.as_text(info.get(key)) for key in ("providerID", "modelID")]
    model = "/".join(name for name in names if name) or None
    return UsageSeen(str(info.get("id")), usage, model, json_values.as_number(info.get("cost")) or None)


def usage_of(tokens: Json) -> Usage:
    """Reasoning is counted apart, and charged as output."""
    cache = json_values.as_object(tokens.get("cache"))
    return Usage(
        json_values.as_int(tokens.get("input")),
        json_values.as_int(tokens.get("output")) + json_values.as_int(tokens.get("reasoning")),
        json_values.as_int(cache.get("read")),
        json_values.as_int(cache.get("write")),
    )


def session_of(part: Json) -> str | None:
    """The session of the sub-agent that a part of a stream, or of a stored message, has started."""
    metadata = json_values.as_object(json_values.as_object(part.get("state")).get("metadata"))
    return json_values.as_text(metadata.get("sessionId")) if part.get("tool") == "task" else None


def _started_in(messages: Sequence[Json]) -> list[str]:
    parts = [part for message in messages for part in json_values.as_objects(message.get("parts"))]
    return [id_ for part in parts if (id_ := session_of(part)) is not None]


async def _export(command: Sequence[str], env: Mapping[str, str], cwd: Path, session: str) -> Json:
    """A stored session. Raises `ValueError` where there is none that can be read, `OSError`, `TimeoutError`."""
    if _ID.fullmatch(session) is None:
        raise ValueError(session)
    answer = await ask([*command, "export", session], env, EXPORT_TIMEOUT_S, EXPORT_BYTES, cwd)
    if answer.code:
        raise ValueError(answer.err)
    return json_values.as_object(await asyncio.to_thread(json.loads, answer.out))
