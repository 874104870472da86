"""Messages of the operator to an agent that runs: sent at once, and kept as hints until the agent has taken them.

Promises: a message is stored before it is sent; that it was taken is stored with the event of it, also when only the
recording shows it after a crash. A message that the agent does not take before its end is a hint like any other: the
next command of the story gets it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

from events import emit
from running.hints import given
from running.workspace import Workspace, until_stored
from store.hints import HintRow, get_sent_hints, give_hints


class TakenMessages:
    """What one call has taken; `close` returns when all of it is stored."""

    def __init__(self, workspace: Workspace, command_id: int) -> None:
        self._workspace, self._command_id = workspace, command_id
        self._last: asyncio.Task[None] | None = None

    def take(self, message_id: int) -> None:
        """Store that a message was taken; returns at once."""
        before = self._last

        async def store() -> None:
            if before is not None:
                await before
            await store_taken(self._workspace, self._command_id, [message_id])

        self._last = asyncio.create_task(store())

    async def close(self) -> None:
        if self._last is not None:
            await self._last


async def store_taken(workspace: Workspace, command_id: int, taken: Sequence[int]) -> None:
    """Store that a command has taken these messages, unless that is stored already; with the events, in one commit."""
    sent = await until_stored(lambda: workspace.database.read(get_sent_hints, command_id))
    rows = [row for row in sent if row.id in taken and row.command_id != command_id]
    if rows:
        await until_stored(lambda: _write(workspace, command_id, rows))


def _write(workspace: Workspace, command_id: int, rows: Sequence[HintRow]) -> Awaitable[object]:
    database = workspace.database
    return database.in_one_commit(
        lambda: [
            database.write(give_hints, [row.id for row in rows], command_id),
            *(emit(event) for event in given(rows, command_id)),
        ]
    )
