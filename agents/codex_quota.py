"""The usage windows of a Codex login, asked of its app server (`codex app-server`, JSON-RPC on its standard streams).

The stream of `codex exec` says at most in words when a window opens again. Without a login of a subscription, without
an app server, or without an answer in time, nothing is known.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from agents import json_values
from agents.guarding import GUARDING
from agents.json_values import Json
from agents.records import LimitSeen
from base import plausible

APP_SERVER: Final = "app-server"  # as the program's help lists it
TIMEOUT_S: Final = 10.0  # an answer took 0.2 to 0.8 s, and it asks its service
LINE_BYTES: Final = 1024 * 1024
LINES_MAX: Final = 200  # messages about other things that come before the answer
_HELLO: Final = {"clientInfo": {"name": "sprint-runner", "title": "Sprint Runner", "version": "1"}}
_MINUTES: Final = ((1440, "d"), (60, "h"), (1, "min"))


async def windows(
    command: Sequence[str], env: Mapping[str, str], cwd: Path, timeout_s: float = TIMEOUT_S
) -> tuple[LimitSeen, ...]:
    """The usage windows, empty where they are not known. Never raises, and leaves no process."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            APP_SERVER,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=env,
            cwd=cwd,
            start_new_session=True,
            limit=LINE_BYTES,
        )
    except OSError:
        return ()
    try:
        async with asyncio.timeout(timeout_s):
            with GUARDING.command(process.pid):
                await _call(process, 1, "initialize", _HELLO)
                _send(process, {"method": "initialized"})
                return windows_of(await _call(process, 2, "account/rateLimits/read", None))
    except (TimeoutError, ValueError, OSError):
        return ()
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def windows_of(result: Json) -> tuple[LimitSeen, ...]:
    """The windows of one answer."""
    limits = json_values.as_object(result.get("rateLimits"))
    given = (json_values.as_object(limits.get(name)) for name in ("primary", "secondary"))
    return tuple(_window(value) for value in given if value)


def _window(value: Json) -> LimitSeen:
    percent = json_values.as_number(value.get("usedPercent"))
    minutes = json_values.as_int(value.get("windowDurationMins"))
    unit, name = next(((unit, name) for unit, name in _MINUTES if minutes and minutes % unit == 0), (1, "min"))
    return LimitSeen(
        rejected=percent is not None and percent >= 100,
        resets_at=plausible.epoch_seconds(value.get("resetsAt")),
        window=f"{minutes // unit} {name}" if minutes else None,
        used_fraction=None if percent is None else percent / 100,
    )


async def _call(process: asyncio.subprocess.Process, id_: int, method: str, params: Json | None) -> Json:
    """The result of a request; what comes before it is passed over. Raises `ValueError` for an error or for none."""
    _send(process, {"id": id_, "method": method, **({} if params is None else {"params": params})})
    assert process.stdout is not None  # noqa: S101 - a pipe
    for _ in range(LINES_MAX):
        line = await process.stdout.readline()  # raises ValueError for a line over the limit
        if not line:
            break
        message = json_values.as_object(_decoded(line))
        if message.get("id") == id_ and "method" not in message:
            if not isinstance(message.get("result"), dict):
                break
            return json_values.as_object(message["result"])
    raise ValueError(method)


def _decoded(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _send(process: asyncio.subprocess.Process, message: Mapping[str, object]) -> None:
    assert process.stdin is not None  # noqa: S101 - a pipe
    process.stdin.write(json.dumps(message).encode() + b"\n")
