"""A story in a running cycle, and the changes of its status in the tracker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

import sprint
from base.files import atomic_write
from payloads import Attention, Error, Payload, StoryStatus, or_unset
from running.disk import retry_while_full
from running.marking import is_copy, write_status
from running.workspace import Workspace, emit_durable, record_deferred, record_with, until_stored
from store.stories import update_story
from workflow import advances
from workflow.picking import RUNNABLE, STATUS_ORDER

log = logging.getLogger("sprint_runner.run")

KNOWN = frozenset({*STATUS_ORDER, "blocked"})  # a story with any other status has been taken out of the run
CHANGED_ELSEWHERE = "changed in the sprint status file"  # by an agent, a person or another program
COMMIT_S = 1.0  # that the tracker's lock is held for a commit, which takes milliseconds
CONFLICTS_MAX = 5  # times in a row that another program may change the file while we want to


@dataclass(slots=True)
class StoryRun:
    """A story of the current cycle. `entered` is the status it had when the cycle took it, `status` the newest."""

    row_id: int
    key: str
    epic: str
    title: str
    entered: str
    status: str
    base_tree: str | None = None
    commit_base: str | None = None
    base_commit: str | None = None
    work_tree: str | None = None
    commit_hash: str | None = None
    commit_failure: str | None = None
    stash: str | None = None
    needs_spec: bool | None = None
    held: bool = False  # done in a lane, and not merged yet
    skipped: bool = False  # left as it is, by the operator
    reason: str | None = None  # of its newest status
    afresh: bool = False  # it was moved since its row was written: its earlier records do not count

    @property
    def live(self) -> bool:
        """Whether commands may still run for it."""
        return not self.held and not self.skipped and self.status in RUNNABLE

    @property
    def passed(self) -> bool:
        """Whether its work is done, merged or not."""
        return self.held or self.status == "done"


async def advance(workspace: Workspace, story: StoryRun, new: str, reason: str | None = None) -> None:
    """Move the story forward in the tracker, in its row and on the page; never back.

    An agent or a person may have moved it meanwhile: then that is what counts, but for `done`, which is ours to prove:
    it stays in the tracker, and the run continues by its own records. So it does where the tracker cannot be edited
    safely, which is logged. A story that was parked or renamed is let go. In a lane a story is done when it is merged.
    """
    found = await asyncio.to_thread(_current, workspace.tracked, story.key)
    if found is not None and _counts(story.status, found, new):
        await record_status(workspace, story, found, reason if found == new else CHANGED_ELSEWHERE)
    if workspace.main is not None:
        new = await asyncio.to_thread(_said_in_lane, workspace.project, story.key, new)
        if new == "done":
            story.held = True
            return
    if not advances(story.status, new):
        return
    if found == "done":
        await record_status(workspace, story, new, reason)
        return
    await _move(workspace, story, new, reason)


async def reopen(workspace: Workspace, story: StoryRun, reason: str) -> None:
    """Set a story that is done back to its review: its commit stays. In a lane, where nothing is merged yet, only its
    hold is taken back."""
    story.held = False
    if story.status == "done":
        await _move(workspace, story, "review", reason)


async def _move(workspace: Workspace, story: StoryRun, new: str, reason: str | None) -> None:
    """Write a status: first the intent, then the tracker, then row and event."""
    if (refusal := await _write_intended(workspace, story, new, reason)) is not None:
        await emit_durable(
            Error(
                type="tracker",
                message=f"The status of {story.key} could not be set to {new}: {refusal}",
                context={"story_key": story.key, "file": workspace.relative(workspace.project.tracker)},
            )
        )
    # What was intended is committed: after a kill it is compared with the tracker, and completed.
    await record_status(workspace, story, new, reason, record_deferred)


class _NotCommitted(Exception):
    """The intention is not on the disk yet, so the tracker is not written."""


async def _write_intended(workspace: Workspace, story: StoryRun, new: str, reason: str | None) -> str | None:
    """Commit what is about to be written, and write it; return why it was refused.

    The edit is made and proved meanwhile. The tracker is replaced when the intention is committed.
    """
    intent = {"next_status": new, "next_reason": reason}
    storing = until_stored(lambda: workspace.database.write(update_story, story.row_id, **intent))
    stored = asyncio.run_coroutine_threadsafe(storing, asyncio.get_running_loop())
    try:
        return await _write_status(workspace, story.key, new, reason, partial(_until_committed, stored))
    except _NotCommitted:
        await asyncio.wrap_future(stored)
        return await _write_status(workspace, story.key, new, reason, partial(_until_committed, stored))
    finally:
        await asyncio.wrap_future(stored)  # also where nothing was written


def _until_committed(stored: Future[None]) -> None:
    """Wait in the thread that writes, not for ever: it has the tracker's lock. Raises what the commit has raised."""
    try:
        stored.result(COMMIT_S)
    except TimeoutError:
        raise _NotCommitted from None


async def _write_status(
    workspace: Workspace, key: str, new: str, reason: str | None, before_writing: Callable[[], None]
) -> str | None:
    """Write a status into the tracker; return why it was refused. A tracker that cannot be read is waited for.

    The copy of tickets that are kept elsewhere is never written.
    """
    while True:
        try:
            writing = partial(_write, workspace, key, new, reason, before_writing)
            await retry_while_full(writing)
            if workspace.main is not None:
                await retry_while_full(partial(asyncio.to_thread, _copy_tracker, workspace))
        except (sprint.Refused, FileNotFoundError) as error:
            if workspace.until_tracker is None or await asyncio.to_thread(_is_readable, workspace.tracked):
                return getattr(error, "reason", None) or str(error)
            await workspace.until_tracker()
        else:
            return None


def _is_readable(project: sprint.Project) -> bool:
    tracker = sprint.read(project)
    return bool(tracker.stories) and not tracker.broken


def _counts(old: str, found: str, new: str) -> bool:
    """Whether a status from another writer replaces ours."""
    if found == old or (found == "done" and new != "done"):
        return False
    return advances(old, found) or found not in KNOWN


async def record_status(
    workspace: Workspace,
    story: StoryRun,
    new: str,
    reason: str | None,
    record: Callable[[Workspace, Payload, Callable[[], object]], Awaitable[None]] = record_with,
) -> None:
    """Write the row and the event in one commit."""
    old, story.status, story.reason = story.status, new, reason
    payload = StoryStatus(story_key=story.key, old_status=old, new_status=new, reason=or_unset(reason))
    ended = {"ended_at": int(workspace.clock() * 1000)} if not story.live else {}
    columns = {"status": new, "reason": reason, "next_status": None, "next_reason": None, **ended}
    change = partial(workspace.database.write, update_story, story.row_id, **columns)
    await record(workspace, payload, change)


async def keep(workspace: Workspace, story: StoryRun, **columns: Any) -> None:
    """Write columns of the story's row."""
    await until_stored(lambda: workspace.database.write(update_story, story.row_id, **columns))


def _written_project(workspace: Workspace, new: str) -> sprint.Project:
    """The copy of the plan that takes a status.

    Where stories keep their own, a lane changes its own files, which are merged; what it gives up is in no merge.
    """
    in_story_files = workspace.project.kind is not sprint.PlanKind.TRACKER
    return workspace.project if in_story_files and new != "blocked" else workspace.tracked


def _copy_tracker(workspace: Workspace) -> None:
    """In a lane, the agents see the tracker as it is."""
    source, copy = workspace.tracked.tracker, workspace.project.tracker
    if copy != source and workspace.project.kind is sprint.PlanKind.TRACKER:
        atomic_write(copy, source.read_bytes())


async def _write(
    workspace: Workspace, key: str, new: str, reason: str | None, before_writing: Callable[[], None]
) -> None:
    for _ in range(CONFLICTS_MAX):
        try:
            await asyncio.to_thread(_write_now, workspace, key, new, reason, before_writing)
        except sprint.Conflict:
            log.info("the tracker changed while %s was being written, once more", key)
        else:
            return
    raise sprint.Refused("another program keeps changing the file")


def _write_now(
    workspace: Workspace, key: str, new: str, reason: str | None, before_writing: Callable[[], None]
) -> None:
    if not is_copy(workspace.project):
        write_status(_written_project(workspace, new), key, new, reason, before_writing)


def _said_in_lane(project: sprint.Project, key: str, new: str) -> str:
    """The new status, or a further one that an agent has written into the lane's copy of the tracker."""
    text = _current(project, key)
    return text if text not in (None, "done") and advances(new, text) else new


def _current(project: sprint.Project, key: str) -> str | None:
    entry = sprint.read(project).story(key)
    return None if entry is None else entry.status.value


async def block(workspace: Workspace, story: StoryRun, reason: str) -> None:
    """Block a story: set `blocked` in the tracker and notify the operator. Its work stays in the tree."""
    if not story.live:
        return
    await advance(workspace, story, "blocked", reason)
    if story.status == "blocked":
        message = f"{story.key} is blocked: {reason}"
        await emit_durable(Attention(kind="blocked", message=message, story_key=story.key))
