"""What is recorded of one story, found by its key: its place in the plan, its rows, its commits."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from api.commands import stored_verdict
from api.http import ApiError, Services
from api.plan_overview import overview_of
from git.history import CommitInfo, commits_of
from git.process import GitError
from sprint import StoryInfo
from store.commands import Command
from store.receipts import ReceiptRow, get_receipt
from store.stories import Story, get_story_by_key

T = TypeVar("T")


async def find_story(services: Services, key: str) -> StoryInfo:
    """Return the story as it is in the tracker; raises `ApiError` 404."""
    return (await found_story(services, key))[0]


async def found_story(services: Services, key: str) -> tuple[StoryInfo, bool]:
    overview = await overview_of(services)
    story = next((story for story in overview.stories if story.key == key), None)
    if story is None:
        raise ApiError(404, "not_found", f"the plan has no story {key!r}")
    return story, overview.project.writable


async def newest_row(services: Services, story: StoryInfo) -> Story | None:
    """Return the newest row of a story, under its key before a migration where there is none since."""
    rows = [await services.database.read(get_story_by_key, name) for name in story.names]
    return next((row for row in reversed(rows) if row is not None), None)


async def under_all_names(
    services: Services, story: StoryInfo, query: Callable[[sqlite3.Connection, str], list[T]]
) -> list[T]:
    """Return what is recorded of a story, under its key before a migration first."""
    return [record for name in story.names for record in await services.database.read(query, name)]


async def newest_receipt(services: Services, story: StoryInfo) -> ReceiptRow | None:
    """Return the newest receipt of a story, under its key before a migration where there is none since."""
    rows = [await services.database.read(get_receipt, name) for name in story.names]
    return next((row for row in reversed(rows) if row is not None), None)


async def commits_named(services: Services, names: Sequence[str], commands: list[Command]) -> list[CommitInfo]:
    """Return the commits whose message has a key of the story, and those that its agents reported, newest first."""
    git = services.workspace.git
    if git is None:
        return []
    # An agent that commits may leave the key out of its message; its verdict has the hash.
    named = [commit for command in commands if (commit := stored_verdict(command).commit)]
    try:
        found = [await commits_of(git, name, [commit for commit in named if commit]) for name in names]
    except GitError:
        return []
    unique = {commit.hash: commit for commits in found for commit in commits}
    return sorted(unique.values(), key=lambda commit: -commit.at) if len(names) > 1 else found[0]


def last_of(records: Mapping[str, T], names: Sequence[str]) -> T | None:
    """Return the record under the newest of a story's keys that has one."""
    return next((records[name] for name in reversed(names) if name in records), None)
