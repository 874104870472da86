"""A call of git: its environment, its limits, and its errors.

Every call runs with `LC_ALL=C`, so that messages can be read, without optional locks, so that the user's own git is
never in its way, and without the variables by which a hook that started us would lead git elsewhere.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
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
    process = await asyncio.create_subprocess_exec(
        "git",
        *("-c", "core.quotePath=false"),
        *options,
        *arguments,
        cwd=folder,
        env={**clean_environment(), "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", **(environment or {})},
        stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(TIMEOUT_S if timeout_s is None else timeout_s):
            output, errors = await process.communicate(stdin)
    except (TimeoutError, asyncio.CancelledError):
        with suppress(ProcessLookupError):  # it has ended in this very moment
            process.kill()
        await process.wait()
        raise
    message = errors.decode(errors="replace").strip()[:FIRST_BYTES]
    if process.returncode not in accepted or (process.returncode and is_disk_full(message)):
        raise GitError(f"git {arguments[0]}: {message or f'exit code {process.returncode}'}")
    return output.decode(errors=undecodable)


async def ask_git(folder: Path, *arguments: str) -> str | None:
    """Return the output of a git command, None if it fails."""
    try:
        return (await run_git(folder, arguments)).strip()
    except GitError:
        return None
