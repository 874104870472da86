"""Ending a process: its turn is cancelled where it can be talked to, then signals, each harder than the one before."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from agents.adapter import Step
from agents.dialogue import Dialogue

CANCELLED_S: Final = 1.0  # for a program that has cancelled its turn to end with its input


class Ender:
    """The ways to end `pid`, which leads a group; `exited` is set when it has ended. `step_s` is given to each."""

    def __init__(self, pid: int, exited: asyncio.Event, steps: Sequence[Step], step_s: float) -> None:
        self._pid, self._exited = pid, exited
        self._steps, self._step_s = steps, step_s

    async def end(self, dialogue: Dialogue | None) -> bool:
        """Whether it has ended; at last by SIGKILL, which a process in the kernel may survive for a while."""
        cancelled = dialogue is not None and await dialogue.cancel(self._step_s)
        if cancelled and await self._exits_within(min(self._step_s, CANCELLED_S)):
            return True
        for step in self._steps:
            self.signal(step.signal, step.to_group)
            if await self._exits_within(self._step_s):
                return True
        self.signal(signal.SIGKILL, to_group=True)
        return await self._exits_within(self._step_s)

    def signal(self, number: signal.Signals, to_group: bool) -> None:
        """To the process, or to its group, which outlives it. Not through Popen: its poll would steal the exit code."""
        with suppress(ProcessLookupError, PermissionError):
            if to_group:
                os.killpg(self._pid, number)
            elif not self._exited.is_set():
                os.kill(self._pid, number)

    def has_group(self) -> bool:
        """Whether a process of its group is left, or may be."""
        try:
            os.killpg(self._pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    async def _exits_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._exited.wait(), seconds)
        return self._exited.is_set()
