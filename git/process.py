"""A call of git: its environment, its limits, and its errors.

Every call runs with `LC_ALL=C`, so that messages can be read, without optional locks, so that the user's own git is
never in its way, and without the variables by which a hook that started us would lead git elsewhere.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from base.disk import is_disk_full

# What git reads of its surroundings to find a repository (`git rev-parse --local-env-vars`): set where the server is
# started by a hook, and never ours.
LOCAL: Final = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_NAMESPACE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
)
TIMEOUT_S: Final = 120.0  # one git call; hashing a large tree for the first time takes a while
FIRST_BYTES: Final = 200_000  # of the output of one call that are kept in messages
CALLS_MAX: Final = 16  # at a time; a thread of the pool that all share would be held for as long as git takes
LOOK_S: Final = 0.5  # at whether a call was ended, while it runs
NO_HOOKS: Final = ("-c", f"core.hooksPath={os.devnull}")  # a hook may do anything to the project


class GitError(RuntimeError):
    """A git call failed; the message contains git's output."""


class GitUnusable(GitError):
    """Git cannot answer for this project, although it may be in a repository; the message says what to do."""


def clean_environment() -> dict[str, str]:
    """The environment for git, without what a hook that started us has set."""
    return {name: value for name, value in os.environ.items() if name not in LOCAL}


def alternates(path: Path) -> str:
    """A path in a list that git separates by colons: in quotes, as in C."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


# Not by asyncio's own subprocesses: theirs take a thread and five turns of the loop each, which is as long as a small
# call of git itself, and several times that on a busy machine.
_POOL: Final = ThreadPoolExecutor(CALLS_MAX, thread_name_prefix="git")


class _Call:
    """One process of git, in a thread."""

    def __init__(self, argv: list[str], folder: Path, environment: Mapping[str, str], stdin: bytes | None) -> None:
        self._argv = argv
        self._folder = folder
        self._environment = environment
        self._stdin = stdin
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False

    def run(self) -> tuple[int, bytes, bytes]:
        """Return the exit code, the output and the errors. Raises `OSError` where git cannot be started."""
        with self._turn:
            if self._killed:  # before its turn in the pool came
                return -signal.SIGKILL, b"", b""
            process = self._process = subprocess.Popen(
                self._argv,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL if self._stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        with process:
            while True:
                try:
                    output, errors = process.communicate(self._stdin, timeout=LOOK_S)
                except subprocess.TimeoutExpired:  # what it has printed is kept for the next turn
                    if self._killed:  # what it has started may hold its pipes open
                        return process.wait(), b"", b""
                else:
                    return process.returncode, output, errors

    def kill(self) -> None:
        """End it; `run` returns then."""
        with self._turn:
            self._killed = True
            if self._process is not None:
                self._process.kill()  # of one that has ended nothing happens


async def run_git(
    folder: Path,
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    accepted: Sequence[int] = (0,),
    stdin: bytes | None = None,
    options: Sequence[str] = NO_HOOKS,
    timeout_s: float | None = None,
    undecodable: str = "replace",
) -> str:
    """Run git in a folder and return what it printed.

    `undecodable` is how bytes that are no UTF-8 are decoded, as for `bytes.decode`; only with "surrogateescape" can a
    file name be given back to git. `accepted` are the exit codes that are no failure. Raises `GitError` with git's
    words, `OSError` where git cannot be started, and `TimeoutError`; the process is gone in any case.
    """
    argv = ["git", "-c", "core.quotePath=false", *options, *arguments]
    surroundings = {**clean_environment(), "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", **(environment or {})}
    call = _Call(argv, folder, surroundings, stdin)
    work = asyncio.get_running_loop().run_in_executor(_POOL, call.run)
    try:
        async with asyncio.timeout(TIMEOUT_S if timeout_s is None else timeout_s):
            code, output, errors = await asyncio.shield(work)
    except (TimeoutError, asyncio.CancelledError):
        call.kill()
        await asyncio.wait((work,))
        work.exception()  # looked at, so that it is not logged as lost
        raise
    message = errors.decode(errors="replace").strip()[:FIRST_BYTES]
    if code not in accepted or (code and is_disk_full(message)):
        raise GitError(f"git {arguments[0]}: {message or f'exit code {code}'}")
    return output.decode(errors=undecodable)


async def ask_git(folder: Path, *arguments: str) -> str | None:
    """Return the output of a git command, None if it fails."""
    try:
        return (await run_git(folder, arguments)).strip()
    except GitError:
        return None
