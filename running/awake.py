"""Keeps the machine from sleeping while a batch works, or waits for a time at which it continues by itself.

On Linux `systemd-inhibit` holds a lock, on macOS `caffeinate` does. The program is started with the first reason and
ended a while after the last one; it ends with this server, however that ends: its input is our pipe.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from typing import Final

log = logging.getLogger("sprint_runner.run")

LINGER_S: Final = 60.0  # between the commands of a batch nothing is started and ended
WORDS_BYTES: Final = 4096  # of a refusal
_INHIBIT: Final = ("--what=sleep:idle", "--who=Sprint Runner", "--why=Coding agents are working", "--mode=block", "cat")


class KeepAwake:
    """`is_wanted` is the setting. `means` is the program that keeps the machine awake, None where there is none."""

    def __init__(self, is_wanted: Callable[[], bool] = lambda: False, linger_s: float = LINGER_S) -> None:
        self._is_wanted, self._linger_s = is_wanted, linger_s
        self._reasons: set[object] = set()
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._end: asyncio.TimerHandle | None = None
        self._argv = _argv()
        self.means = None if self._argv is None else os.path.basename(self._argv[0])
        self.problem: str | None = None
        self.on_change: Callable[[], None] = lambda: None

    @property
    def is_awake(self) -> bool:
        """Whether the machine is kept awake now."""
        return self._process is not None and self._process.returncode is None

    def want(self, reason: object, wanted: bool) -> None:
        """Keep the machine awake for a reason, or no longer for it. Returns at once."""
        (self._reasons.add if wanted else self._reasons.discard)(reason)
        if self._reasons and self._end is not None:
            self._end.cancel()
            self._end = None
        if self._reasons and self._task is None and self._argv is not None and self._is_wanted():
            self._task = asyncio.create_task(self._hold(self._argv), name="keep awake")
        if not self._reasons and self._task is not None and self._end is None:
            self._end = asyncio.get_running_loop().call_later(self._linger_s, self._release)

    async def close(self) -> None:
        """End the program."""
        self._reasons.clear()
        task = self._task
        self._release()
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)

    def _release(self) -> None:
        self._end = None
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _hold(self, argv: list[str]) -> None:
        null, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
        try:
            self._process = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=null, stderr=pipe)
        except OSError as error:
            self._refused(str(error))
            return
        process = self._process
        self.on_change()
        try:
            self._refused(await _until_end(process))
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.terminate()
                await process.wait()
            self._process = None
            self.on_change()

    def _refused(self, words: str) -> None:
        """The program has ended by itself: it is not started again, since it would be refused again."""
        self.problem = words.strip().splitlines()[-1] if words.strip() else "it has ended"
        log.info("the machine cannot be kept awake: %s: %s", self.means, self.problem)
        self._argv = None


async def _until_end(process: asyncio.subprocess.Process) -> str:
    """Return what the program printed about its end; its input stays open meanwhile."""
    assert process.stderr is not None  # noqa: S101 - it was started with a pipe
    words = await process.stderr.read(WORDS_BYTES)
    await process.wait()
    return words.decode("utf-8", "replace")


def _argv() -> list[str] | None:
    if (program := shutil.which("systemd-inhibit")) is not None:
        return [program, *_INHIBIT]
    if (program := shutil.which("caffeinate")) is not None:
        return [program, "-i", "-w", str(os.getpid())]
    return None
