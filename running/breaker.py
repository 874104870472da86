"""The breaker of a batch: it pauses instead of blocking a second story in a row for the same reason.

What the first one got is offered back: Resume sets it back and tries both again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import sprint
from events import emit
from payloads import Attention, StoryStatus
from running.gate import Gate
from running.surroundings import hold
from running.workspace import Workspace, until_stored
from store.commands import discount_commands
from store.stories import Story, get_stories_by_batch, update_story
from workflow.breaker import EndedStory, same_reason_before
from workflow.picking import RUNNABLE

SHOWN_CHARS: Final = 300  # of the reason


class TryAgain(Exception):
    """The breaker has opened and was closed again: `statuses` are those of the stories that are tried again."""

    def __init__(self, command: str, statuses: dict[str, str]) -> None:
        super().__init__(f"{', '.join(statuses)} are tried again")
        self.command = command
        self.statuses = statuses


class Breaker:
    """The breaker of one batch. `on_release` hears which stories its cycles may take again.

    `reported`: a server before this one has paused the batch for the stories that are to be blocked first.
    """

    def __init__(self, workspace: Workspace, gate: Gate) -> None:
        self.on_release: Callable[[Sequence[str]], None] = lambda _keys: None
        self.reported = False
        self._workspace = workspace
        self._gate = gate

    async def check(self, keys: Sequence[str], command: str, reason: str) -> None:
        """Before these stories are blocked. Raises `TryAgain` after a resume, and `Stopped`."""
        rows = await self._workspace.database.read(get_stories_by_batch, self._gate.batch_id)
        earlier = same_reason_before(_ended(rows, keys), reason)
        if not earlier:
            return
        await self._hold([*earlier, *keys], reason)
        raise TryAgain(command, await self._release(rows, earlier, keys))

    async def _hold(self, stories: list[str], reason: str) -> None:
        # The pause was emitted before the restart: a second attention would be a second notification.
        if self.reported:
            self.reported = False
            await self._gate.enter()
            return
        shown = " ".join(reason.split())[:SHOWN_CHARS]
        message = f"{' and '.join(stories)} failed for the same reason: {shown}. Fix it; Resume tries them again"
        await hold(self._gate, "breaker", Attention(kind="breaker", message=message, story_keys=stories))

    async def _release(self, rows: Sequence[Story], earlier: Sequence[str], keys: Sequence[str]) -> dict[str, str]:
        """Set the blocked ones back in the tracker and in their rows; what failed before counts no more."""
        statuses = {}
        for row in rows:
            if row.story_key in earlier and row.status == "blocked":
                statuses[row.story_key] = await self._set_back(row)
            elif row.story_key in keys:
                statuses[row.story_key] = row.status
                await until_stored(lambda id_=row.id: self._discount(id_))  # type: ignore[misc]
        self.on_release(earlier)
        return statuses

    async def _set_back(self, row: Story) -> str:
        project = self._workspace.tracked
        created = await asyncio.to_thread(sprint.story_files, project, row.story_key)
        entered = row.entry_status if row.entry_status in RUNNABLE else "backlog"
        status = "ready-for-dev" if entered == "backlog" and created else entered
        await asyncio.to_thread(_unblock, project, row.story_key, status)
        reason = "tried again after the same failure of two stories"
        payload = StoryStatus(story_key=row.story_key, old_status="blocked", new_status=status, reason=reason)
        database = self._workspace.database

        def write() -> Awaitable[object]:
            with database.atomic():
                database.write(update_story, row.id, status=status, reason=None, ended_at=None)
                database.write(discount_commands, row.id)
                return emit(payload)

        await until_stored(write)
        return status

    def _discount(self, row_id: int) -> Awaitable[object]:
        return self._workspace.database.write(discount_commands, row_id)


def _ended(rows: Sequence[Story], keys: Sequence[str]) -> list[EndedStory]:
    """The other stories of the batch that have ended, newest first."""
    over = [row for row in rows if row.ended_at is not None and row.story_key not in keys]
    # Two stories may end in the same millisecond; the id then decides.
    over.sort(key=lambda row: (row.ended_at or 0, row.id), reverse=True)
    return [EndedStory(row.story_key, row.status == "blocked", row.reason or "") for row in over]


def _unblock(project: sprint.Project, key: str, status: str) -> None:
    """A status that was changed meanwhile stays; so does one that cannot be edited."""
    entry = sprint.read(project).story(key)
    if entry is not None and entry.status.value == "blocked":
        try:
            sprint.set_status(project, key, status)
        except (sprint.Conflict, sprint.Refused):
            return
