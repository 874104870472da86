"""Failures of what surrounds a run: the agent's program, the project's check, git. No story is judged by them.

The batch pauses with an attention, and what failed is tried again when it is resumed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from git.process import GitError
from payloads import Attention
from running.gate import Gate
from running.workspace import emit_durable

T = TypeVar("T")


class SurroundingsFailed(RuntimeError):
    """Something that the run needs does not work; `kind` is that of the attention and of the pause."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


async def hold(gate: Gate, kind: str, attention: Attention) -> None:
    """Pause the batch with an attention, and return when it has been resumed. Raises `Stopped`."""
    if gate.reason != kind:  # else another lane has met the same, or a server before this one
        await emit_durable(attention)
        gate.pause(kind)
    await gate.enter()


async def until_possible(gate: Gate, work: Callable[[], Awaitable[T]]) -> T:
    """Do the work, again after every pause for a failure of the surroundings. Raises `Stopped`."""
    while True:
        try:
            return await work()
        except SurroundingsFailed as failed:
            await hold(gate, failed.kind, Attention(kind=failed.kind, message=str(failed)))
        except GitError as failed:
            await hold(gate, "git", Attention(kind="git", message=f"git cannot answer: {failed}"))
