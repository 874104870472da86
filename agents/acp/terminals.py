"""Commands that the program runs through us (`terminal/*`): in the work tree, with the call's mark, ended with it.

A terminal has no screen: it is a process in a session of its own with its output, of which the end is kept. `release`
and the end of the call end it, with everything in its group; what leaves its group is found by the mark.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from agents import json_values
from agents.acp.connection import Failure
from agents.acp.files import WorkTree
from agents.acp.protocol import INVALID_PARAMS, NOT_FOUND
from agents.guardian import MARK_VARIABLE
from agents.guarding import GUARDING
from agents.json_values import Json
from agents.lines import Tail

MAX_TERMINALS: Final = 32  # that are not released
MAX_OUTPUT_BYTES: Final = 1024 * 1024  # of the end of an output that is kept, whatever the program wishes
KILL_S: Final = 2.0  # between SIGTERM and SIGKILL
CHUNK_BYTES: Final = 64 * 1024
SHELL: Final = ("/bin/sh", "-c")  # for a command without arguments, which is a line


class Terminal:
    """One command."""

    def __init__(self, process: asyncio.subprocess.Process, limit: int) -> None:
        self._process = process
        self._output = Tail(limit)
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        with GUARDING.command(self._process.pid):
            while chunk := await self._process.stdout.read(CHUNK_BYTES):
                self._output.add(chunk)
            await self._process.wait()

    def state(self) -> Json:
        text = self._output.text().lstrip("\ufffd") if self._output.dropped else self._output.text()
        state: Json = {"output": text, "truncated": self._output.dropped > 0}
        return state if self._process.returncode is None else {**state, "exitStatus": self._exit()}

    async def wait(self) -> Json:
        await self._process.wait()
        return self._exit()

    async def kill(self) -> None:
        """End it, politely first."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._process.wait()), KILL_S)
                break
        with suppress(ProcessLookupError, PermissionError):  # its children in the group
            os.killpg(self._process.pid, signal.SIGKILL)

    async def release(self) -> None:
        await self.kill()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    def _exit(self) -> Json:
        code = self._process.returncode
        if code is None or code >= 0:
            return {"exitCode": code, "signal": None}
        return {"exitCode": None, "signal": signal.Signals(-code).name}


class Terminals:
    """The terminals of one call. `env` is that of the agent."""

    def __init__(self, tree: WorkTree, env: Mapping[str, str]) -> None:
        self._tree, self._env = tree, env
        self._open: dict[str, Terminal] = {}
        self._numbers = itertools.count(1)

    async def create(self, params: Json) -> Json:
        if len(self._open) >= MAX_TERMINALS:
            raise Failure(f"{MAX_TERMINALS} terminals are open: release one")
        argv = _argv(params)
        folder = self._tree.inside(params.get("cwd") or str(self._tree.root))
        own = {str(entry.get("name")): str(entry.get("value")) for entry in json_values.as_objects(params.get("env"))}
        limit = json_values.as_int(params.get("outputByteLimit")) or MAX_OUTPUT_BYTES
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                cwd=folder,
                env={**self._env, **own, **self._mark()},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise Failure(f"{argv[0]} cannot be started: {error}") from None
        id_ = f"terminal-{next(self._numbers)}"
        self._open[id_] = Terminal(process, min(limit, MAX_OUTPUT_BYTES))
        return {"terminalId": id_}

    async def output(self, params: Json) -> Json:
        return self._named(params).state()

    async def wait(self, params: Json) -> Json:
        return await self._named(params).wait()

    async def kill(self, params: Json) -> Json:
        await self._named(params).kill()
        return {}

    async def release(self, params: Json) -> Json:
        terminal = self._named(params)
        self._open = {id_: other for id_, other in self._open.items() if other is not terminal}
        await terminal.release()
        return {}

    async def close(self) -> None:
        terminals, self._open = list(self._open.values()), {}
        await asyncio.gather(*(terminal.release() for terminal in terminals))

    def _mark(self) -> dict[str, str]:
        """By which it is found again; no variable of the program's takes its place."""
        return {name: self._env[name] for name in (MARK_VARIABLE,) if name in self._env}

    def _named(self, params: Json) -> Terminal:
        terminal = self._open.get(str(params.get("terminalId")))
        if terminal is None:
            raise Failure("there is no such terminal", NOT_FOUND)
        return terminal


def _argv(params: Json) -> list[str]:
    command: Any = params.get("command")
    given = params.get("args")
    arguments = [str(argument) for argument in given] if isinstance(given, list) else []
    if not isinstance(command, str) or not command or "\0" in "".join((command, *arguments)):
        raise Failure("command must name a program", INVALID_PARAMS)
    return [command, *arguments] if arguments else [*SHELL, command]
