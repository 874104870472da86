"""The remote of a delivery: where its branches are, and the push. Nothing is ever forced.

Failures are one sentence each; those that may pass by themselves are `Unreachable`.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from git.process import ask_git
from running.delivery.programs import (
    BATCH_SSH,
    FOLDER,
    PROGRAM_S,
    PUSH_S,
    ProgramResult,
    environment_of,
    run_program,
)
from running.workspace import Workspace

SAFE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")  # of branches: they become parts of command lines
_LOGIN: Final = (
    *("authentication failed", "could not read username", "could not read password", "permission denied"),
    *(
        "terminal prompts disabled",
        "access denied",
        "invalid credentials",
        "returned error: 401",
        "returned error: 403",
        "host key verification failed",
    ),
)
_PROTECTED: Final = ("protected branch", "pre-receive hook declined", "hook declined", "gh006", "remote rejected")
_MOVED: Final = ("non-fast-forward", "fetch first", "stale info", "cannot lock ref")
_PASSING: Final = (
    *("could not resolve host", "connection refused", "connection timed out", "connection reset", "unable to access"),
    *("could not connect", "network is unreachable", "operation timed out", "early eof", "the remote end hung up"),
    *("temporary failure", "returned error: 50", "returned error: 429"),
)


class RemoteRefused(RuntimeError):
    """The remote, or git, did not do what was asked; the message says what to do."""


class Unreachable(RemoteRefused):
    """The remote did not answer now."""


class BranchMoved(RemoteRefused):
    """The branch at the remote is not where it is known to be."""


@dataclass(frozen=True, slots=True)
class RemoteHeads:
    """The commit of the branch at the remote, None where there is none, and the remote's default branch."""

    branch: str | None
    default: str | None


class Remote:
    """One remote of the project's repository, by its name."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._workspace = workspace
        self.name = name

    async def look(self, branch: str) -> RemoteHeads:
        """Ask the remote for the branch. Raises `RemoteRefused`."""
        await self._check_name()
        ran = await self._git("look", PROGRAM_S, "ls-remote", "--symref", self.name, "HEAD", f"refs/heads/{branch}")
        if not ran.ok:
            raise self._refusal(ran, branch, f"{self.name} cannot be asked for its branches")
        default = re.search(r"^ref: refs/heads/(\S+)\tHEAD$", ran.output, re.MULTILINE)
        head = re.search(rf"^([0-9a-f]{{40,64}})\trefs/heads/{re.escape(branch)}$", ran.output, re.MULTILINE)
        return RemoteHeads(None if head is None else head[1], None if default is None else default[1])

    async def push(self, commit: str, branch: str) -> None:
        """Have the branch hold this commit, where that is a step forward. Raises `RemoteRefused`."""
        # Without a plus sign a push only ever moves a branch forward; the operator's own hooks run.
        target = f"{commit}:refs/heads/{branch}"
        options = ("--porcelain", "--no-follow-tags", "--recurse-submodules=no")
        ran = await self._git("push", PUSH_S, "push", *options, self.name, target)
        if not ran.ok:
            raise self._refusal(ran, branch, f"{branch} could not be pushed to {self.name}")

    async def holds(self, commit: str, base: str) -> bool:
        """Whether the remote's branch `base` holds a commit, as after a merge that keeps it. Raises `RemoteRefused`."""
        ref = f"refs/sprint-runner/{self.name}/{base}"
        options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
        ran = await self._git("fetch", PUSH_S, "fetch", *options, self.name, f"+refs/heads/{base}:{ref}")
        if not ran.ok:
            raise self._refusal(ran, base, f"{base} cannot be fetched from {self.name}")
        git = self._workspace.git
        return git is not None and await git.is_ancestor(commit, ref)

    async def _check_name(self) -> None:
        if await ask_git(self._workspace.project.root, "remote", "get-url", "--", self.name) is None:
            raise RemoteRefused(missing_remote(self.name))

    async def _git(self, what: str, timeout_s: float, *arguments: str) -> ProgramResult:
        root = self._workspace.project.root
        environment = environment_of(self._workspace, {})
        if "GIT_SSH_COMMAND" not in environment:
            own = await ask_git(root, "config", "--get", "core.sshCommand")
            environment["GIT_SSH_COMMAND"] = f"{own} -o BatchMode=yes" if own and _is_ssh(own) else own or BATCH_SSH
        output = self._workspace.data_dir / FOLDER / f"git-{what}.out"
        return await run_program(("git", *arguments), root, environment, output, timeout_s)

    def _refusal(self, ran: ProgramResult, branch: str, what: str) -> RemoteRefused:
        words = self._workspace.masker.text(ran.words)
        text = f"{ran.output}\n{ran.errors}".lower()
        if ran.problem is not None:
            return RemoteRefused(f"{what}: {ran.problem}")
        if ran.code is None:
            return Unreachable(f"{what}: it took too long")
        if any(word in text for word in _MOVED):
            return BranchMoved(f"{branch} has moved on at {self.name}")
        if any(word in text for word in _LOGIN):  # first: a refused login is an address that cannot be reached, too
            return RemoteRefused(
                f"{what}: {self.name} refuses the login. Log in with git in a terminal, by a credential helper or an"
                f" SSH key, since nothing can be asked here ({words})"
            )
        if any(word in text for word in _PASSING):
            return Unreachable(f"{what}: {self.name} does not answer ({words})")
        if any(word in text for word in _PROTECTED):
            return RemoteRefused(
                f"{what}: {self.name} does not accept it. Look at the rules for this branch there, or choose another"
                f" name by deliver_branch ({words})"
            )
        return RemoteRefused(f"{what}: {words or f'git ended with {ran.code}'}")


def missing_remote(name: str) -> str:
    """Return the sentence about a remote that the repository does not have."""
    return f"there is no remote {name!r}: add it with `git remote add {name} URL`, or change remote"


def _is_ssh(command: str) -> bool:
    try:
        return Path(shlex.split(command)[0]).name == "ssh"
    except (ValueError, IndexError):
        return False
