"""Comparisons of pairs of trees, all by one process of git."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from git.helper import Helper, Idle
from git.process import GitError

_TREE: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Differ:
    """`git diff-tree --stdin` in one repository, with the options of one form of output.

    `environment` is what the process gets beside ours.
    """

    def __init__(self, root: Path, options: Sequence[str], environment: Mapping[str, str]) -> None:
        self._helper = Helper(root, ("diff-tree", "--stdin", "-r", "-z", *options), environment)
        self._idle = Idle((self._helper,))
        # No name of an object: git prints it as it is, behind the answer. It cannot be foreseen for the name of a file.
        self._end = f"#{secrets.token_hex(16)}\n".encode()

    async def compare(self, old: str, new: str) -> str | None:
        """Return the output for two trees that are given by their whole names; None where it cannot say."""
        if _TREE.fullmatch(old) is None or _TREE.fullmatch(new) is None:
            return None
        header = f"{old} {new}\n".encode()
        try:
            answer = await self._idle.work(lambda: self._helper.exchange(header + self._end, self._read))
        except (GitError, OSError, TimeoutError):
            return None
        if not answer.startswith(header):  # a tree is missing: git's words are in a call of its own
            return None
        return answer.removeprefix(header).decode(errors="replace")

    def _read(self, output: IO[bytes]) -> bytes:
        answer = bytearray()
        while not answer.endswith(self._end):
            line = output.readline()
            if not line:
                raise GitError("git diff-tree has ended in the middle of an answer")
            answer += line
        return bytes(answer.removesuffix(self._end))
