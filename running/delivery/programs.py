"""The programs of a delivery: command templates with placeholders, and git where it speaks with a remote.

Each runs without a shell, in a session of its own, with a limit of time and of output, and is never asked anything: a
program that needs a password fails. Its output goes into files, so that what it printed survives the server.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agents import GUARDING
from git.process import clean_environment
from running.workspace import Workspace
from settings import SECRET_VARIABLES

FOLDER: Final = "deliveries"  # below the data folder; in it a folder for each delivery
PROGRAM_S: Final = 120.0  # one call of a program
PUSH_S: Final = 600.0  # of a push, which may be of a whole history
OUTPUT_MAX: Final = 4 << 20  # bytes that a program may print before it is ended
READ_MAX: Final = 1 << 20  # bytes of them that are read
WORDS_MAX: Final = 600  # characters of a program's output in a message
LOOK_S: Final = 0.5  # between two looks at the size of the output
_FIELD: Final = re.compile(r"\{([A-Za-z_]+)\}")

# Nothing may wait for a person who is not there: git, ssh and the clients of the forges fail instead.
NO_PROMPT: Final = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS_REQUIRE": "never",
    "GCM_INTERACTIVE": "never",
    "GH_PROMPT_DISABLED": "1",
    "LC_ALL": "C",
}
BATCH_SSH: Final = "ssh -o BatchMode=yes"


@dataclass(frozen=True, slots=True)
class ProgramResult:
    """How a program ended: its exit code, None after its time or its output ran over; `problem`: it did not start."""

    code: int | None
    output: str
    errors: str
    problem: str | None = None

    @property
    def ok(self) -> bool:
        return self.code == 0 and self.problem is None

    @property
    def words(self) -> str:
        """The end of what it printed, errors first, as one line."""
        return " ".join((self.errors.strip() or self.output.strip()).split())[-WORDS_MAX:]


def fill(line: str, values: Mapping[str, str]) -> list[str]:
    """Return the words of a command line with their placeholders filled in; a value is never split or read again."""
    return [_FIELD.sub(lambda match: values.get(match[1], match[0]), word) for word in shlex.split(line)]


def environment_of(workspace: Workspace, values: Mapping[str, str]) -> dict[str, str]:
    """The environment of a program: ours without secrets and without prompts, and each value as SPRINT_RUNNER_NAME."""
    own = {name: value for name, value in clean_environment().items() if name not in SECRET_VARIABLES}
    # A body may be longer than the system allows in an environment; programs get it as a file.
    given = {f"SPRINT_RUNNER_{name.upper()}": value for name, value in values.items() if name not in ("title", "body")}
    mark = {"SPRINT_RUNNER_MARK": f"{workspace.database.epoch}:delivery"}
    return {**own, **NO_PROMPT, **_ssh(own), **given, **mark}


def _ssh(environment: Mapping[str, str]) -> dict[str, str]:
    """The operator's own ssh command is kept; without one ssh must not ask."""
    # `core.sshCommand` would be overruled by a variable, so that one is given only where git is run by us.
    command = environment.get("GIT_SSH_COMMAND")
    if command is None:
        return {}
    return {"GIT_SSH_COMMAND": command if "BatchMode" in command else f"{command} -o BatchMode=yes"}


async def run_program(
    argv: Sequence[str], folder: Path, environment: Mapping[str, str], output: Path, timeout_s: float = PROGRAM_S
) -> ProgramResult:
    """Run a program whose output goes to `output` and beside it `.err`; nothing of its group is left afterwards."""
    errors = output.with_name(output.name + ".err")
    try:
        await asyncio.to_thread(output.parent.mkdir, parents=True, exist_ok=True)
        code = await _run(argv, folder, environment, (output, errors), timeout_s)
    except OSError as error:
        return ProgramResult(None, "", "", f"{argv[0]} cannot be started: {error.strerror or error}")
    printed = await asyncio.gather(*(asyncio.to_thread(read_output, path) for path in (output, errors)))
    return ProgramResult(code, *printed)


def read_output(path: Path) -> str:
    """Return the end of what a program printed into a file, "" where there is none. Blocks on the disk."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - READ_MAX))
            return file.read(READ_MAX).decode("utf-8", "replace")
    except OSError:
        return ""


async def _run(
    argv: Sequence[str], folder: Path, environment: Mapping[str, str], outputs: tuple[Path, Path], timeout_s: float
) -> int | None:
    with outputs[0].open("wb") as out, outputs[1].open("wb") as err:
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=folder,
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    try:
        with GUARDING.command(process.pid):
            return await _end_of(process, outputs, timeout_s)
    finally:
        with suppress(ProcessLookupError):  # the usual case: no process of the group is left
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _end_of(process: asyncio.subprocess.Process, outputs: tuple[Path, Path], timeout_s: float) -> int | None:
    """The exit code; None once the time is over or the output too long."""
    ends = time.monotonic() + timeout_s
    while (left := ends - time.monotonic()) > 0:
        with suppress(TimeoutError):
            return await asyncio.wait_for(process.wait(), min(left, LOOK_S))
        if sum(path.stat().st_size for path in outputs) > OUTPUT_MAX:
            return None
    return None
