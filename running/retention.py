"""Raw streams and events are kept for some days, then removed: at start, and once a day while the server runs.

Never those of a batch that runs or can be resumed, nor of a command that continues after its batch. What was booked of
a command stays; only what its agent printed, and what pages received of it, is gone.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from base.tasks import end_tasks
from running.by_hand import OPERATOR
from running.runner_task import RUNNER
from running.workspace import Workspace
from store.batches import get_active_batch, get_last_batch
from store.commands import Command, get_running_commands
from store.lanes import count_open_lanes
from store.log import oldest_event, prune_events
from store.quota import prune_windows
from store.takeovers import has_unfollowed

STREAMS: Final = "streams"  # below the data folder; in it a folder for each batch
EVERY_S: Final = 86_400.0
DAY_S: Final = 86_400.0
QUOTA_S: Final = 400 * 86_400.0  # that reports of usage windows are kept: a year, and the one to compare it with
SNAPSHOTS_S: Final = 30 * 86_400.0  # that the snapshots of a finished batch are kept, which show what commands changed
SNAPSHOTS_BYTES: Final = 256 << 20  # of snapshots that are kept when the next batch starts
TAKEN_OVER_S: Final = 14 * 86_400.0  # that they are kept for a story that was handed back and has not run since
UNPUBLISHED_S: Final = 30 * 86_400.0  # that an event is kept longer, for a fleet whose broker is away
PRUNED_AT_ONCE: Final = 2_000  # events in one write: a few milliseconds that others wait for the disk

log = logging.getLogger("sprint_runner.run")


class Outbox(Protocol):
    """What publishes the events of the database elsewhere."""

    async def first_unpublished(self) -> int | None:
        """Return the first event that is still to be published; None for none."""
        ...

    def gave_up(self, days: int) -> None:
        """Report that events were removed before they were published, since they were not taken for so many days."""
        ...


class Retention:
    """Looks at start and every day; the settings are read anew each time.

    `on_pruned` receives the oldest event that is left, which the hub has to know; `on_removed` is called after anything
    was removed, for the search. Events that are still to be published are kept for `UNPUBLISHED_S` longer.
    """

    def __init__(
        self,
        workspace: Workspace,
        on_pruned: Callable[[int], None],
        on_removed: Callable[[], None] = lambda: None,
        outbox: Outbox | None = None,
    ) -> None:
        self._workspace = workspace
        self._on_pruned = on_pruned
        self._on_removed = on_removed
        self._outbox = outbox
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._keep())

    async def stop(self) -> None:
        await end_tasks(self._task)

    async def _keep(self) -> None:
        while True:
            try:
                await self.look()
                await forget_snapshots(self._workspace, self._workspace.clock() - SNAPSHOTS_S)
                await self.prune()
                await self._prune_quota()
            except OSError as error:
                log.error("old records could not be removed (%s); trying again tomorrow", error)
            except Exception:
                log.exception("old records could not be removed; trying again tomorrow")
            await asyncio.sleep(EVERY_S)

    async def look(self) -> int:
        """Remove old streams and events; return the number of streams."""
        days = self._workspace.settings().retention_days
        if days is None:
            return 0
        before = self._workspace.clock() - days * DAY_S
        removed = await asyncio.to_thread(remove_old, self._workspace.data_dir / STREAMS, before, await self._in_use())
        if removed:
            log.info("removed %d streams that were older than %d days", removed, days)
            self._on_removed()
        return removed

    async def prune(self) -> int:
        """Remove old events in small steps; return their number."""
        days = self._workspace.settings().event_retention_days
        if days is None:
            return 0
        before, outbox = self._workspace.clock() - days * DAY_S, self._outbox
        waiting = None if outbox is None else await outbox.first_unpublished()
        removed = await self._prune(before, waiting)
        if outbox is not None and waiting is not None and (late := await self._prune(before - UNPUBLISHED_S, None)):
            removed += late
            outbox.gave_up(days + int(UNPUBLISHED_S / DAY_S))
        if removed:
            self._on_removed()
        return removed

    async def _prune(self, before: float, below: int | None) -> int:
        """Remove events from before a time in epoch seconds and below a seq; return their number."""
        database, removed = self._workspace.database, 0
        while count := await database.write(prune_events, int(before * 1000), PRUNED_AT_ONCE, below):
            removed += count
            self._on_pruned(await database.read(oldest_event))
        return removed

    async def _prune_quota(self) -> None:
        before = int((self._workspace.clock() - QUOTA_S) * 1000)
        await self._workspace.database.write(prune_windows, before)

    async def _in_use(self) -> set[str]:
        database = self._workspace.database
        batch = await database.read(get_active_batch)
        running = {command.batch_id for command in await database.read(get_running_commands)}
        return {str(id_) for id_ in running | ({batch.id} if batch is not None else set())}


async def forget_snapshots(workspace: Workspace, before: float, above: int = -1) -> bool:
    """Remove the snapshots of git if the newest batch was completed before a time in epoch seconds, and they take more
    than `above` bytes; whether they were.

    A batch that is open, or was stopped or failed, is continued, and so is a lane: they compare with old snapshots.
    """
    git, database = workspace.git, workspace.database
    last = await database.read(get_last_batch)
    if git is None or last is None or last.status != "completed" or (last.ended_at or 0) / 1000 > before:
        return False
    since_ms = int((workspace.clock() - TAKEN_OVER_S) * 1000)
    if await database.read(count_open_lanes) or await database.read(has_unfollowed, OPERATOR, since_ms):
        return False
    if above >= 0 and await asyncio.to_thread(_size, git.objects, above) <= above:
        return False
    await git.forget()
    return True


def _size(folder: Path, enough: int) -> int:
    """Return the bytes of all files below a folder; it is not counted on beyond enough."""
    size = 0
    for path, _, names in os.walk(folder):
        with suppress(FileNotFoundError):
            size += sum(os.stat(os.path.join(path, name), follow_symlinks=False).st_size for name in names)
        if size > enough:
            break
    return size


def remove_old(folder: Path, before: float, in_use: Collection[str]) -> int:
    """Remove the streams last written before a time in epoch seconds, and folders that are empty then; how many."""
    removed = 0
    with suppress(FileNotFoundError), os.scandir(folder) as batches:
        for batch in batches:
            if batch.name not in in_use and batch.is_dir(follow_symlinks=False):
                removed += _remove_files(Path(batch.path), before)
    return removed


def _remove_files(batch: Path, before: float) -> int:
    removed = 0
    for file in list(batch.iterdir()):
        if file.is_file() and not file.is_symlink() and file.stat().st_mtime < before:
            file.unlink(missing_ok=True)
            removed += 1
    with suppress(OSError):  # there is something in it that stays
        batch.rmdir()
    return removed


def absence(command: Command, days: int | None, now: float) -> str:
    """Return the reason why a command has no stream."""
    if command.agent == OPERATOR:
        return "The operator did this by hand, without an agent: there is no transcript."
    if command.agent == RUNNER:
        return "The runner did this itself, without an agent; what it did is in the log."
    if days is not None and command.ended_at is not None and now - command.ended_at / 1000 > days * DAY_S:
        return f"The stream was removed after {days} day{'s' if days > 1 else ''}."
    return f"Command {command.id} has left no transcript."
