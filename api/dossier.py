"""The dossier of a story: its requirements, work, reviews and the evidence for its status."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

import sprint
from api.commands import CommandView, command_view, stored_verdict
from api.http import ApiError, Services
from api.reviews import Review, reviews_of
from api.status_evidence import Records, Sentence, StatusEvidence, evidence_for_status, evidence_of
from git.history import CommitInfo, commits_of
from git.process import GitError
from git.snapshots import Diff
from running.artifacts import artifacts_of
from running.disk import take_snapshot
from running.lanes.worktree import place_of
from running.workspace import Workspace
from sprint import StoryDocument, StoryInfo
from store.checks import Check, get_checks_by_key
from store.commands import Command, get_commands_by_key
from store.hints import get_hints
from store.status_evidence import count_stories_since, get_command_summaries, get_newest_stories, get_status_changes
from store.stories import Story, get_story_by_key


class TaskLine(msgspec.Struct, frozen=True):
    text: str
    done: bool
    depth: int


class CheckLine(msgspec.Struct, frozen=True, kw_only=True):
    """One verify run; `exit_code` is None after its time limit, `tail` is the end of its output."""

    id: int
    command: str
    ok: bool
    exit_code: int | None
    duration_ms: int
    at: int
    tail: str


class Hint(msgspec.Struct, frozen=True):
    """A hint of the operator; `command_id` is the last command that got it, None before."""

    id: int
    text: str
    at: int
    command_id: int | None


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /api/stories/{key}`; `diff` is the change of the tree since development began."""

    key: str
    epic: str
    title: str
    status: str
    raw_status: str
    runnable: bool
    writable: bool
    description: str
    statement: str
    criteria: list[str]
    tasks: list[TaskLine]
    drift: dict[str, str] | None
    files: list[str]
    file_list: list[str]
    change_log: list[str]
    reason: str | None
    standing: StatusEvidence | None
    evidence: list[Sentence]
    checks: list[CheckLine]
    reviews: list[Review]
    commands: list[CommandView]
    artifacts: list[str]
    commits: list[CommitInfo]
    diff: Diff | None
    problems: list[str]
    hints: list[Hint]


async def find_story(services: Services, key: str) -> StoryInfo:
    """Return the story as it is in the tracker; raises `ApiError` 404."""
    return (await _found(services, key))[0]


def _recorded_keys(project: sprint.Project, key: str) -> list[str]:
    """Return the keys of a story's records: the one before the project was migrated, if any, then its own."""
    entry = sprint.read(project).story(key)
    alias = "" if entry is None else entry.conditions.alias
    # Without an alias there is no earlier key: "" would be that of the project's own commands.
    return [key] if alias in ("", key) else [alias, key]


async def dossier_of(services: Services, key: str) -> Dossier:
    """Return the dossier of one story. Raises `ApiError` 404 for a key that is not in the tracker."""
    story, writable = await _found(services, key)
    database = services.database
    keys = await asyncio.to_thread(_recorded_keys, services.workspace.project, key)
    rows = [await database.read(get_story_by_key, name) for name in reversed(keys)]
    row = next((row for row in rows if row is not None), None)
    workspace = await place_of(services.workspace, row)
    files = await asyncio.to_thread(sprint.story_files, workspace.project, key)
    document = await asyncio.to_thread(sprint.read_story, files[0]) if files else StoryDocument()
    commands = [command for name in keys for command in await database.read(get_commands_by_key, name)]
    records = Records(row=row, commands=commands, change=(await database.read(get_status_changes, key)).get(key))
    checks = [check for name in keys for check in await database.read(get_checks_by_key, name)]
    tree = await _diff(workspace, row)
    # More than one, since the story itself is counted.
    others = row is not None and await database.read(count_stories_since, row.started_at) > 1
    commits = await commits_named(services, key, commands)
    return Dossier(
        key=story.key,
        epic=story.epic,
        title=story.title,
        status=story.status,
        raw_status=story.raw_status,
        runnable=story.runnable,
        writable=writable,
        description=story.description,
        statement=document.statement,
        criteria=list(document.criteria),
        tasks=[TaskLine(task.text, task.done, task.depth) for task in document.tasks],
        drift=None if story.drift is None else {"file_status": story.drift.file_status},
        # While the story is in a lane, its files are those of the lane's worktree.
        files=story.files if workspace.main is None else [workspace.relative(path) for path in files],
        file_list=list(document.file_list),
        change_log=list(document.change_log),
        reason=None if row is None else row.reason,
        standing=evidence_for_status(story, records),
        evidence=evidence_of(story, records, commands, checks, tree, others, len(commits)),
        checks=[_shown_check(check) for check in checks],
        reviews=reviews_of(commands),
        commands=[command_view(command) for command in commands],
        artifacts=[
            workspace.relative(path) for path in await asyncio.to_thread(artifacts_of, workspace.project, key, files)
        ],
        commits=commits,
        diff=tree,
        problems=[problem.message for problem in document.problems],
        hints=[Hint(hint.id, hint.text, hint.at, hint.command_id) for hint in await database.read(get_hints, keys)],
    )


async def evidence_by_story(services: Services) -> dict[str, StatusEvidence]:
    """Return the evidence of every story that has some, by story key."""
    overview = await asyncio.to_thread(sprint.overview, services.workspace.project)
    commands = await services.database.read(get_command_summaries)
    rows = {row.story_key: row for row in await services.database.read(get_newest_stories)}
    changes = await services.database.read(get_status_changes)
    by_story: dict[str, list[Any]] = {}
    for command in commands:
        for key in msgspec.json.decode(command.story_keys, type=list[str]):
            by_story.setdefault(key, []).append(command)
    found = {}
    for story in overview.stories:
        records = Records(row=rows.get(story.key), commands=by_story.get(story.key, ()), change=changes.get(story.key))
        evidence = evidence_for_status(story, records)
        if evidence is not None:
            found[story.key] = evidence
    return found


async def commits_named(services: Services, key: str, commands: list[Command]) -> list[CommitInfo]:
    """Return the commits whose message has the story's key, and those that its agents reported."""
    git = services.workspace.git
    if git is None:
        return []
    # An agent that commits may leave the key out of its message; its verdict has the hash.
    named = [commit for command in commands if (commit := stored_verdict(command).commit)]
    try:
        return await commits_of(git, key, named)
    except GitError:
        return []


def _shown_check(check: Check) -> CheckLine:
    fields = {name: getattr(check, name) for name in CheckLine.__struct_fields__}
    return CheckLine(**{**fields, "ok": bool(check.ok)})


async def _found(services: Services, key: str) -> tuple[StoryInfo, bool]:
    overview = await asyncio.to_thread(sprint.overview, services.workspace.project)
    story = next((story for story in overview.stories if story.key == key), None)
    if story is None:
        raise ApiError(404, "not_found", f"the tracker has no story {key!r}")
    return story, overview.project.writable


async def _diff(workspace: Workspace, row: Story | None) -> Diff | None:
    """The change of the tree since development of the story started; None where there is nothing to compare."""
    git = workspace.git
    if git is None or row is None or row.base_tree is None:
        return None
    try:
        return await git.diff(row.base_tree, await take_snapshot(git))
    except GitError:  # the snapshot's objects were removed with the data folder
        return None
