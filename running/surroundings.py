"""Failures of what surrounds a run: the agent's program, the project's check, git. No story is judged by them.

The batch pauses with an attention, and what failed is tried again when it is resumed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

from git.process import GitError
from payloads import Attention
from running.gate import Gate
from running.workspace import emit_durable

LOOK_S: Final = 2.0  # between two looks whether the cause is fixed

T = TypeVar("T")
IsFixed = Callable[[], Awaitable[bool]]


class SurroundingsFailed(RuntimeError):
    """Something that the run needs does not work; `kind` is that of the attention and of the pause.

    `is_fixed` returns whether the cause is gone, where that can be seen: then the batch continues by itself.
    """

    def __init__(self, kind: str, message: str, is_fixed: IsFixed | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.is_fixed = is_fixed


async def hold(gate: Gate, kind: str, attention: Attention, is_fixed: IsFixed | None = None) -> None:
    """Pause the batch with an attention, and return when it has been resumed. Raises `Stopped`."""
    if gate.reason != kind:  # else another lane has met the same, or a server before this one
        await emit_durable(attention)
        gate.pause(kind)
    looking = None if is_fixed is None else asyncio.create_task(_resume_when(is_fixed, gate, kind))
    try:
        await gate.enter()
    finally:
        if looking is not None:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking


async def _resume_when(is_fixed: IsFixed, gate: Gate, kind: str) -> None:
    """Resume from a pause of this kind, and from no other."""
    while gate.stop_mode is None and gate.reason == kind:
        with suppress(GitError, OSError, TimeoutError):
            if await is_fixed() and gate.reason == kind:
                gate.resume(kind)
        await gate.sleep(LOOK_S)


async def until_possible(gate: Gate, work: Callable[[], Awaitable[T]]) -> T:
    """Do the work, again after every pause for a failure of the surroundings. Raises `Stopped`."""
    while True:
        try:
            return await work()
        except SurroundingsFailed as failed:
            await hold(gate, failed.kind, Attention(kind=failed.kind, message=str(failed)), failed.is_fixed)
        except GitError as failed:
            await hold(gate, "git", Attention(kind="git", message=f"git cannot answer: {failed}"))
