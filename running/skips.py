"""Skips: stories that the operator has put aside, with a reason, until they are brought back.

A skip is the runner's own record and leaves the tracker as it is. Promises: a skip and its event are one commit; no
command is started for a skipped story after it, and those that run end first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from events import emit
from payloads import StorySkip, or_unset
from running.journal import CommandStatus, Result
from running.workspace import Workspace
from store.job import NotWritten
from store.skips import NotSkipped, add_skip, remove_skip

SKIPPED: Final = Result(CommandStatus.ERROR, "the operator has skipped the story", kind="skipped")  # not started


class StorySkippedError(Exception):
    """The operator has skipped the stories of a command whose row was about to be written."""


async def keep_skip(workspace: Workspace, story_key: str, reason: str) -> None:
    """Put a story aside. Raises `DatabaseUnavailable`."""
    await _record(
        workspace,
        StorySkip(story_key=story_key, skipped=True, reason=or_unset(reason or None)),
        lambda: workspace.database.write(add_skip, story_key, reason),
    )


async def end_skip(workspace: Workspace, story_key: str) -> bool:
    """Let a story run again; False when it was not skipped any more. Raises `DatabaseUnavailable`."""
    try:
        await _record(
            workspace,
            StorySkip(story_key=story_key, skipped=False),
            lambda: workspace.database.write(remove_skip, story_key),
        )
    except (NotSkipped, NotWritten):
        return False
    return True


async def _record(workspace: Workspace, payload: StorySkip, change: Callable[[], Awaitable[object]]) -> None:
    await workspace.database.in_one_commit(lambda: [change(), emit(payload)])
