"""The dossier of a story: its requirements, work, reviews and the evidence for its status."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypeVar

import msgspec

import sprint
from api.commands import CommandView, command_view, stored_verdict
from api.deferred import FindingView, finding_view
from api.deliveries import DeliveryView, delivery_views
from api.http import ApiError, Services
from api.plan_overview import overview_of
from api.reviews import Review, reviews_of
from api.status_evidence import Records, Sentence, StatusEvidence, evidence_for_status, evidence_of
from git.history import CommitInfo, commits_of
from git.process import GitError
from git.trees import Diff
from running.artifacts import artifacts_of
from running.disk import take_snapshot
from running.lanes.worktree import place_of
from running.workspace import Workspace
from sprint import StoryDocument, StoryInfo
from store.checks import Check, get_checks_by_key
from store.commands import Command, get_commands_by_key
from store.deliveries import get_deliveries_of
from store.findings import get_findings_of
from store.gates import GateRow, get_sent_back
from store.hints import get_hints
from store.receipts import ReceiptRow, get_receipt
from store.status_evidence import count_stories_since, get_command_summaries, get_newest_stories, get_status_changes
from store.stories import Story, get_story_by_key
from store.takeovers import TakeOverRow, get_takeovers_of
from workflow import kind_of, split_comments

BY_HAND: Final = "by-hand-"  # before a take-over's id: the name of its change


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
    """A hint of the operator; `command_id` is the last command that got it, None before.

    `sent_to` is the command that it was sent to as a message, None for a hint.
    """

    id: int
    text: str
    at: int
    command_id: int | None
    sent_to: int | None


class CommentState(msgspec.Struct, frozen=True):
    """A comment: `open` or `answered`, with the words of the review `by`, None before one has looked at it."""

    text: str
    state: Literal["open", "answered"]
    words: str
    by: str | None


class SentBack(msgspec.Struct, frozen=True):
    """What the operator sent back at a gate; `settled_by` is the review that was given the comments, None before."""

    gate_id: int
    kind: str
    comments: str
    at: int
    settled_by: str | None
    items: list[CommentState] = []


class ByHand(msgspec.Struct, frozen=True, kw_only=True):
    """A take-over of the story: its times in ms since the epoch, and the change once it was handed back.

    `state` is requested, taken or returned; `command_line` continues the agent's session in a terminal.

    `diff` names the change for `GET /api/stories/{key}/changes/{name}`.
    """

    id: int
    story_key: str
    state: str
    folder: str
    message: str
    command_line: str | None
    agent: str | None
    session_id: str | None
    at: int
    returned_at: int | None
    files_changed: int | None
    lines_added: int | None
    lines_removed: int | None
    diff: str | None


class PlanFacts(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What the plan says about when and how the story runs; what it does not say is absent."""

    ref: str = ""
    after: list[str] = []
    waiting_for: list[str] = []
    hold: str = ""
    plan_checkpoint: bool = False
    done_checkpoint: bool = False
    hitl: bool = False
    risk: str = ""
    assignee: str = ""
    blocked_reason: str = ""
    leftover: bool = False
    skipped: str = ""
    followup_review_recommended: bool = False
    warnings: list[str] = []


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
    sent_back: list[SentBack] = []
    by_hand: list[ByHand] = []
    deferred: list[FindingView] = []
    deliveries: list[DeliveryView] = []
    plan: PlanFacts = PlanFacts()
    receipt: str | None = None  # the commit that it has a receipt of


async def find_story(services: Services, key: str) -> StoryInfo:
    """Return the story as it is in the tracker; raises `ApiError` 404."""
    return (await found_story(services, key))[0]


T = TypeVar("T")


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


async def dossier_of(services: Services, key: str) -> Dossier:
    """Return the dossier of one story. Raises `ApiError` 404 for a key that is not in the tracker."""
    story, writable = await found_story(services, key)
    database = services.database
    row = await newest_row(services, story)
    workspace = await place_of(services.workspace, row)
    files = await asyncio.to_thread(sprint.story_files, workspace.project, key)
    document = await asyncio.to_thread(sprint.read_story, files[0]) if files else StoryDocument()
    commands = await under_all_names(services, story, get_commands_by_key)
    changes = [(await database.read(get_status_changes, name)).get(name) for name in story.names]
    change = next((change for change in reversed(changes) if change is not None), None)
    records = Records(row=row, commands=commands, change=change)
    checks = await under_all_names(services, story, get_checks_by_key)
    deferred = await under_all_names(services, story, get_findings_of)
    tree = await _diff(workspace, row)
    # More than one, since the story itself is counted.
    others = row is not None and await database.read(count_stories_since, row.started_at) > 1
    commits = await commits_named(services, story.names, commands)
    receipt = await newest_receipt(services, story)
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
        hints=[
            Hint(hint.id, hint.text, hint.at, hint.command_id, hint.sent_to)
            for hint in await database.read(get_hints, story.names)
        ],
        sent_back=[_sent_back(row, commands) for row in await under_all_names(services, story, get_sent_back)],
        by_hand=[_by_hand(row) for row in await under_all_names(services, story, get_takeovers_of)],
        deferred=[finding_view(row) for row in deferred],
        deliveries=await delivery_views(services, await under_all_names(services, story, get_deliveries_of)),
        plan=PlanFacts(**{name: getattr(story, name) for name in PlanFacts.__struct_fields__}),
        receipt=receipt.commit_hash if receipt is not None and receipt.line else None,
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
        of = [command for name in story.names for command in by_story.get(name, ())]
        row, change = _last(rows, story.names), _last(changes, story.names)
        records = Records(row=row, commands=of, change=change)
        evidence = evidence_for_status(story, records)
        if evidence is not None:
            found[story.key] = evidence
    return found


def _sent_back(row: GateRow, commands: Sequence[Command]) -> SentBack:
    at = row.decided_at or row.opened_at
    reviews = [
        command
        for command in commands
        if kind_of(command.command).endswith("-review") and command.status == "success" and command.started_at >= at
    ]
    items = [_comment_state(comment, reviews) for comment in split_comments(row.comments)]
    return SentBack(row.id, row.kind, row.comments or "", at, reviews[0].command if reviews else None, items)


def _comment_state(comment: str, reviews: Sequence[Command]) -> CommentState:
    """What the newest review that was asked says of a comment."""
    said = [
        (command.command, answer)
        for command in reviews
        for answer in stored_verdict(command).answers
        if answer.comment == comment
    ]
    if not said:
        return CommentState(comment, "open", "", None)
    command, answer = said[-1]
    return CommentState(comment, "answered" if answer.answered else "open", answer.words, command)


def _by_hand(row: TakeOverRow) -> ByHand:
    return ByHand(
        id=row.id,
        story_key=row.story_key,
        state=row.state,
        folder=row.folder,
        message=row.message,
        command_line=row.command_line,
        agent=row.agent,
        session_id=row.session_id,
        at=row.taken_at or row.requested_at,
        returned_at=row.returned_at,
        files_changed=row.files_changed,
        lines_added=row.lines_added,
        lines_removed=row.lines_removed,
        diff=f"{BY_HAND}{row.id}" if row.tree_after else None,
    )


def _last(records: Mapping[str, T], names: Sequence[str]) -> T | None:
    return next((records[name] for name in reversed(names) if name in records), None)


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


def _shown_check(check: Check) -> CheckLine:
    fields = {name: getattr(check, name) for name in CheckLine.__struct_fields__}
    return CheckLine(**{**fields, "ok": bool(check.ok)})


async def found_story(services: Services, key: str) -> tuple[StoryInfo, bool]:
    overview = await overview_of(services)
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
