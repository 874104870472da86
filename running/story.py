"""A story while a cycle works on it, and the change of its status in the tracker."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from functools import partial

import sprint
from db import update_story
from events import EventType
from running.workspace import Workspace, known, record, record_with
from workflow import advances

log = logging.getLogger("sprint_runner.run")

CONFLICTS_MAX = 5  # times in a row that somebody else may change the file while we want to


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
    needs_spec: bool | None = None

    @property
    def live(self) -> bool:
        """Whether commands may still run for it."""
        return self.status not in ("done", "blocked")


async def advance(workspace: Workspace, story: StoryRun, new: str, reason: str | None = None) -> None:
    """Move the story forward in the tracker, in its row and on the page; never back.

    An agent or a person may have moved it meanwhile: then that is what counts. A tracker that cannot be edited safely
    is left alone, which is said; the run goes on by its own records.
    """
    found = await asyncio.to_thread(_current, workspace.project, story.key)
    if found is not None and found != story.status and advances(story.status, found):
        await _tell(workspace, story, found, None)
    if not advances(story.status, new):
        return
    try:
        await _write(workspace.project, story.key, new)
    except sprint.Refused as refused:
        await record(
            EventType.ERROR,
            {
                "type": "tracker",
                "message": f"The status of {story.key} could not be set to {new}: {refused.reason}",
                "context": {"story_key": story.key, "file": workspace.relative(workspace.project.tracker)},
            },
        )
    await _tell(workspace, story, new, reason)


async def _tell(workspace: Workspace, story: StoryRun, new: str, reason: str | None) -> None:
    """Row and event in one commit."""
    old, story.status = story.status, new
    payload = known(story_key=story.key, old_status=old, new_status=new, reason=reason)
    ended = {"ended_at": int(workspace.clock() * 1000)} if not story.live else {}
    columns = {"status": new, "reason": reason, **ended}
    change = partial(workspace.database.write, update_story, story.row_id, **columns)
    await record_with(workspace, EventType.STORY_STATUS, payload, change)


async def _write(project: sprint.Project, key: str, new: str) -> None:
    for _ in range(CONFLICTS_MAX):
        try:
            await asyncio.to_thread(sprint.set_status, project, key, new)
        except sprint.Conflict:
            log.info("the tracker changed while %s was being written, once more", key)
        else:
            return
    raise sprint.Refused("somebody else keeps changing the file")


def _current(project: sprint.Project, key: str) -> str | None:
    entry = sprint.read(project).story(key)
    return None if entry is None else entry.status.value
