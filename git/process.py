"""A call of git: its environment, its limits, and its errors.

Every call runs with `LC_ALL=C`, so that messages can be read, without optional locks, so that the user's own git is
never in its way, and without the variables by which a hook that started us would lead git elsewhere.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, TypeVar

from base.disk import is_disk_full

T = TypeVar("T")

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


class Calls:
    """The calls of git of one piece of work in a thread, one after the other, until `kill`."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False

    def run(
        self,
        folder: Path,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        accepted: Sequence[int] = (0,),
        stdin: bytes | None = None,
        options: Sequence[str] = NO_HOOKS,
        undecodable: str = "replace",
    ) -> str:
        """Run git in a folder and return what it printed. Blocks; arguments and errors as those of `run_git`."""
        argv = ["git", "-c", "core.quotePath=false", *options, *arguments]
        surroundings = {**clean_environment(), "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", **(environment or {})}
        code, output, errors = self._communicate(argv, folder, surroundings, stdin)
        message = errors.decode(errors="replace").strip()[:FIRST_BYTES]
        if code not in accepted or (code and is_disk_full(message)):
            raise GitError(f"git {arguments[0]}: {message or f'exit code {code}'}")
        return output.decode(errors=undecodable)

    def kill(self) -> None:
        """End the one that runs; no other one starts."""
        with self._turn:
            self._killed = True
            if self._process is not None:
                self._process.kill()  # of one that has ended nothing happens

    def _communicate(
        self, argv: list[str], folder: Path, environment: Mapping[str, str], stdin: bytes | None
    ) -> tuple[int, bytes, bytes]:
        with _input_of(stdin) as source, self._start(argv, folder, environment, source) as process:
            while True:
                try:
                    output, errors = process.communicate(timeout=LOOK_S)
                except subprocess.TimeoutExpired:  # what it has printed is kept for the next turn
                    if self._killed:  # what it has started may hold its pipes open
                        return process.wait(), b"", b""
                else:
                    return process.returncode, output, errors

    def _start(
        self, argv: list[str], folder: Path, environment: Mapping[str, str], stdin: IO[bytes] | int
    ) -> subprocess.Popen[bytes]:
        with self._turn:
            if self._killed:
                raise GitError("git was ended")
            self._process = subprocess.Popen(
                argv,
                cwd=folder,
                env=environment,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            return self._process


@contextmanager
def _input_of(content: bytes | None) -> Iterator[IO[bytes] | int]:
    """A file with the input of a call: `communicate` cannot go on to write a pipe after a timeout."""
    if content is None:
        yield subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        yield file


async def in_thread(
    work: Callable[[Calls], T], timeout_s: float | None = None, on_kill: Callable[[], None] | None = None
) -> T:
    """Do work with calls of git in a thread. Its process is gone when this returns or raises.

    `on_kill` ends what else the work may wait for. Raises what it raises, and `TimeoutError`.
    """
    calls = Calls()
    done = asyncio.get_running_loop().run_in_executor(_POOL, work, calls)
    try:
        async with asyncio.timeout(TIMEOUT_S if timeout_s is None else timeout_s):
            return await asyncio.shield(done)
    except (TimeoutError, asyncio.CancelledError):
        calls.kill()
        if on_kill is not None:
            on_kill()
        await asyncio.wait((done,))
        done.exception()  # looked at, so that it is not logged as lost
        raise


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

    def work(calls: Calls) -> str:
        return calls.run(
            folder,
            arguments,
            environment=environment,
            accepted=accepted,
            stdin=stdin,
            options=options,
            undecodable=undecodable,
        )

    return await in_thread(work, timeout_s)


async def ask_git(folder: Path, *arguments: str) -> str | None:
    """Return the output of a git command, None if it fails."""
    try:
        return (await run_git(folder, arguments)).strip()
    except GitError:
        return None
