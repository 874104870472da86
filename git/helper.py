"""A git that stays: one process answers many questions, without the start of a process for each.

It ends by itself with this one, whose end closes its input, and after a while without a question.
"""

from __future__ import annotations

import asyncio
import subprocess
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final, TypeVar

from git.process import NO_HOOKS, TIMEOUT_S, GitError, clean_environment

IDLE_S: Final = 60.0
MARK: Final = "SPRINT_RUNNER_MARK"  # of what ends with its command or server; a helper has its input for that
T = TypeVar("T")


class Helper:
    """One such process in a folder; `environment` is what it gets beside ours. Started by the first question."""

    def __init__(self, root: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._argv = ["git", "-c", "core.quotePath=false", *NO_HOOKS, *arguments]
        self._root = root
        self._environment = environment
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._finalizer: weakref.finalize[[subprocess.Popen[bytes]], Helper] | None = None

    def exchange(self, request: bytes, read: Callable[[IO[bytes]], T]) -> T:
        """Write a question and return what `read` makes of the answer. Blocks; raises `GitError`, `OSError`."""
        with self._turn:
            process = self._started()
            assert process.stdin is not None  # noqa: S101 - both are pipes
            assert process.stdout is not None  # noqa: S101
            try:
                process.stdin.write(request)
                process.stdin.flush()
                return read(process.stdout)
            except BaseException:
                self.kill()  # an answer that was not read to its end would be taken for the next one
                raise

    def kill(self) -> None:
        """End it in the middle of an answer, for which a thread of ours waits."""
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """End it; another question starts it again."""
        if self._finalizer is not None:
            self._finalizer()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            environment = {name: value for name, value in clean_environment().items() if name != MARK}
            self._process = subprocess.Popen(
                self._argv,
                cwd=self._root,
                env={**environment, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", **self._environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            self._finalizer = weakref.finalize(self, _end, self._process)
        return self._process


def line_of(output: IO[bytes]) -> bytes:
    """Read one line, without its end; raises `GitError` where the process has ended."""
    line = output.readline()
    if not line.endswith(b"\n"):
        raise GitError("git has ended in the middle of an answer")
    return line[:-1]


class Idle:
    """Ends helpers that were not used for a while."""

    def __init__(self, helpers: Sequence[Helper]) -> None:
        self._helpers = helpers
        self._timer: asyncio.TimerHandle | None = None

    async def work(self, work: Callable[[], T]) -> T:
        """Do work with the helpers in a thread. Raises what it raises, and `TimeoutError`."""
        with self.in_use():
            try:
                return await asyncio.wait_for(asyncio.to_thread(work), TIMEOUT_S)
            except TimeoutError:
                self.kill()
                raise

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep the helpers while the block runs, and a while longer."""
        if self._timer is not None:
            self._timer.cancel()
        try:
            yield
        finally:
            self._timer = asyncio.get_running_loop().call_later(IDLE_S, self._close)

    def kill(self) -> None:
        """End them in the middle of their answers."""
        for helper in self._helpers:
            helper.kill()

    def _close(self) -> None:
        for helper in self._helpers:
            helper.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close its input, at which it ends, and wait for that."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # what was not written is not needed any more
                pipe.close()
    process.wait()
