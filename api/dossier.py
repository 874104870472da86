"""The dossier of a story: its requirements, work, reviews and the evidence for its status."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

import sprint
from api.commands import CommandView, command_view
from api.deferred import FindingView, finding_view
from api.deliveries import DeliveryView, delivery_views
from api.dossier_parts import (
    ByHand,
    CheckLine,
    Hint,
    Question,
    SentBack,
    TaskLine,
    by_hand_view,
    check_line,
    question_view,
    sent_back_view,
)
from api.http import Services
from api.reviews import Review, reviews_of
from api.status_evidence import Records, Sentence, StatusEvidence, evidence_for_status, evidence_of
from api.story_changes import size_of_work, work_of
from api.story_records import (
    commits_named,
    found_story,
    last_of,
    newest_receipt,
    newest_row,
    under_all_names,
)
from git.history import CommitInfo
from git.process import GitError
from git.trees import Diff
from running.artifacts import artifacts_of
from running.disk import take_snapshot
from running.lanes.worktree import place_of
from running.workspace import Workspace
from sprint import StoryDocument
from store.checks import get_checks_by_key
from store.commands import get_commands_by_key
from store.deliveries import get_deliveries_of
from store.findings import get_findings_of
from store.gates import get_sent_back
from store.hints import get_hints
from store.questions import get_questions
from store.status_evidence import count_stories_since, get_command_summaries, get_newest_stories, get_status_changes
from store.stories import Story
from store.takeovers import get_takeovers_of


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /api/stories/{key}`; `diff` is what its commands changed, None where that is not recorded."""

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
    questions: list[Question] = []
    sent_back: list[SentBack] = []
    by_hand: list[ByHand] = []
    deferred: list[FindingView] = []
    deliveries: list[DeliveryView] = []
    plan: sprint.StoryConditions = sprint.StoryConditions()
    receipt: str | None = None  # the commit that it has a receipt of


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
    taken = await under_all_names(services, story, get_takeovers_of)
    tree = await _diff(workspace, row)
    work = await work_of(services, row, commands, taken)
    # More than one, since the story itself is counted.
    others = row is not None and await database.read(count_stories_since, row.started_at) > 1
    commits = await commits_named(services, story.names, commands)
    questions = await database.read(get_questions, [command.id for command in commands])
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
        checks=[check_line(check) for check in checks],
        reviews=reviews_of(commands),
        commands=[command_view(command) for command in commands],
        artifacts=[
            workspace.relative(path) for path in await asyncio.to_thread(artifacts_of, workspace.project, key, files)
        ],
        commits=commits,
        diff=await size_of_work(workspace.git, work),
        problems=[problem.message for problem in document.problems],
        hints=[
            Hint(hint.id, hint.text, hint.at, hint.command_id, hint.sent_to)
            for hint in await database.read(get_hints, story.names)
        ],
        questions=[question_view(row) for row in questions],
        sent_back=[sent_back_view(row, commands) for row in await under_all_names(services, story, get_sent_back)],
        by_hand=[by_hand_view(row) for row in taken],
        deferred=[finding_view(row) for row in deferred],
        deliveries=await delivery_views(services, await under_all_names(services, story, get_deliveries_of)),
        plan=sprint.StoryConditions(
            **{name: getattr(story, name) for name in sprint.StoryConditions.__struct_fields__}
        ),
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
        row, change = last_of(rows, story.names), last_of(changes, story.names)
        records = Records(row=row, commands=of, change=change)
        evidence = evidence_for_status(story, records)
        if evidence is not None:
            found[story.key] = evidence
    return found


async def _diff(workspace: Workspace, row: Story | None) -> Diff | None:
    """The change of the tree since development of the story started; None where there is nothing to compare."""
    git = workspace.git
    if git is None or row is None or row.base_tree is None:
        return None
    try:
        return await git.diff(row.base_tree, await take_snapshot(git))
    except GitError:  # the snapshot's objects were removed with the data folder
        return None
