"""What the operator has changed by hand in a story's tree, once the story was handed back.

It counts as the development in whose place it was made, and the prompt of the next code review names its files. Which
take-over still has to be reviewed follows from the commands that succeeded since, so that a kill changes nothing of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from typing import Any, Final

from events import emit
from git.process import GitError
from payloads import Metrics, or_unset
from running import evidence
from running.journal import CommandStatus, Journal, Result, dump
from running.spec import AttemptContext, CommandSpec
from running.subject import CommandSubject
from running.workspace import Workspace, until_stored
from store.commands import create_command, get_commands_by_key
from store.stories import update_story
from store.takeovers import TakeOverRow, get_successes_since
from workflow import DevVerdict, Preset, kind_of
from workflow.presets import FINISHING

OPERATOR: Final = "operator"  # in the place of an agent's name
REASON: Final = "The operator took the story over and did this by hand."
SHOWN: Final = 20  # files that a review's prompt names


async def unreviewed(workspace: Workspace, preset: Preset, journal: Journal, story_key: str) -> TakeOverRow | None:
    """Return the newest take-over in this tree that was handed back and that no agent has followed yet."""
    row = workspace.taken_trees.returned(story_key)
    if row is None or row.folder != str(workspace.project.root):
        return None
    later = await workspace.database.read(get_successes_since, story_key, row.last_command or 0, OPERATOR)
    following = {command for phase in preset.phases if phase.kind in FINISHING for command in phase.commands}
    # The write of a success may be deferred: the journal knows it already.
    later = [*later, *journal.succeeded_since(story_key, row.last_command or 0, but=REASON)]
    return None if any(kind_of(command) in following for command in later) else row


async def was_done_by_hand(workspace: Workspace, story_key: str) -> bool:
    """Whether the newest take-over of a story counts as its development."""
    row = workspace.taken_trees.returned(story_key)
    if row is None:
        return False
    commands = await workspace.database.read(get_commands_by_key, story_key)
    return any(command.agent == OPERATOR and command.id > (row.last_command or 0) for command in commands)


def stands_for(preset: Preset, spec: CommandSpec) -> bool:
    """Whether work by hand may take the place of a command: of a development, or of an unattended build."""
    firsts = {phase.commands[0] for phase in preset.phases if phase.kind in FINISHING}
    return len(spec.stories) == 1 and kind_of(spec.command) in firsts


async def findings_of(workspace: Workspace, row: TakeOverRow) -> str:
    """Return what the prompt of the next command says of the change."""
    paths: list[str] = []
    if workspace.git is not None and row.tree_before and row.tree_after:
        try:
            paths = await workspace.git.changed_paths(row.tree_before, row.tree_after)
        except GitError:  # the snapshots went with the data folder
            paths = []
    more = ", …" if len(paths) > SHOWN else ""
    named = f": {', '.join(paths[:SHOWN])}{more}" if paths else ""
    return f"The operator has worked on this story by hand since the command before this one{named}."


async def book(workspace: Workspace, spec: CommandSpec, context: AttemptContext, row: TakeOverRow) -> Result | None:
    """Record the operator's work as this attempt, which succeeded; None where the story has no work in the tree.

    Row, events and the story's tree are one commit.
    """
    story = spec.stories[0]
    if await evidence.missing_change(workspace.git, story) is not None:
        return None
    command_id = await until_stored(lambda: workspace.database.reserve_id("commands"))
    verdict = dump(DevVerdict(complete=True))
    metrics = Metrics(
        files_changed=or_unset(row.files_changed),
        lines_added=or_unset(row.lines_added),
        lines_removed=or_unset(row.lines_removed),
    )
    subject = _subject(spec, context, command_id)
    columns = _columns(workspace, spec, context, row, verdict)

    def write() -> Iterator[Awaitable[object]]:
        yield workspace.database.write(create_command, context.batch_id, spec.command, id=command_id, **columns)
        yield workspace.database.write(update_story, story.row_id, work_tree=story.work_tree)
        yield emit(subject.start("setup"))
        yield emit(subject.end("validate", "success", metrics, reason=REASON, verdict="complete"))

    await until_stored(lambda: workspace.database.in_one_commit(write))
    return Result(CommandStatus.SUCCESS, REASON, verdict, metrics=metrics, command_id=command_id)


def _subject(spec: CommandSpec, context: AttemptContext, command_id: int) -> CommandSubject:
    return CommandSubject(
        story_key=spec.story_key,
        command=spec.command,
        command_id=command_id,
        attempt=context.attempt,
        agent=OPERATOR,
        background=False,
        cycle_number=context.cycle_number,
        story_keys=spec.story_keys,
    )


def _columns(
    workspace: Workspace, spec: CommandSpec, context: AttemptContext, row: TakeOverRow, verdict: bytes
) -> dict[str, Any]:
    """The columns of a command that has ended and has cost nothing; its time is not known."""
    now = int(workspace.clock() * 1000)
    return {
        "story_id": spec.stories[0].row_id,
        "story_key": spec.story_key,
        "story_keys": spec.story_keys,
        "attempt": context.attempt,
        "agent": OPERATOR,
        "task_id": "validate",
        "status": CommandStatus.SUCCESS.value,
        "verdict": verdict.decode(),
        "word": "complete",
        "reason": REASON,
        "tree_before": row.tree_before,
        "started_at": now,
        "ended_at": now,
        "files_changed": row.files_changed,
        "lines_added": row.lines_added,
        "lines_removed": row.lines_removed,
    }
