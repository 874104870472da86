"""What the commands of a story changed: each by itself, and all of them without what others changed between them.

A command's change lies between the snapshots before and after it, so nothing of another story, of a later command, or
of the operator between two commands is in it. A take-over is a change of the story too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from api.dossier_parts import BY_HAND
from api.http import Services
from git.composition import Layer, Span, layers_of, size_of
from git.history import FileChange, NoSuchChange, TreeChange, change_between, file_between
from git.process import GitError
from git.snapshots import Git
from git.trees import Diff
from running.disk import recent_snapshot
from running.lanes.worktree import place_of
from store.commands import Command
from store.stories import Story
from store.takeovers import TakeOverRow

WORK: Final = "work"  # the name of the change of all commands, in place of a commit hash
COMMAND: Final = "command-"  # before a command's id: the name of its change


class StoryWork(msgspec.Struct, frozen=True):
    """The spans of a story's work, oldest first, and the commands of which it is not known what they changed."""

    spans: list[Span]
    unknown: list[int]


class StoryChange(msgspec.Struct, frozen=True, kw_only=True):
    """The files of a change; `unknown` are commands whose change was not recorded, since they were cut off.

    A file is listed once for each `part`, where others changed it between two commands. `makers` are the names of the
    changes that it is made of.
    """

    files: list[FileChange]
    left_out: int = 0
    unknown: list[int] = []


async def work_of(
    services: Services, row: Story | None, commands: Sequence[Command], taken: Sequence[TakeOverRow]
) -> StoryWork:
    """Return the story's work; a command that runs is compared with the files as they are now."""
    spans = [(one.at, one.span) for one in _by_hand(taken)]
    trees = {(span.old, span.new) for _, span in spans}
    unknown: dict[str, int] = {}
    for command in commands:
        after = command.tree_after
        if command.tree_before is None:
            continue
        if after is None and command.ended_at is None:
            after = await _tree_now(services, row)
        if after is not None and (command.tree_before, after) not in trees:  # work by hand is booked as a command too
            spans.append((command.started_at, Span(command.tree_before, after, f"{COMMAND}{command.id}")))
        if after is not None:
            unknown.pop(command.tree_before, None)  # it is measured from where the one that was cut off began
        elif command.stream_path is not None:
            unknown[command.tree_before] = command.id
    return StoryWork([span for _, span in sorted(spans, key=lambda one: one[0])], sorted(unknown.values()))


class _TakenSpan(msgspec.Struct, frozen=True):
    at: int
    span: Span


def _by_hand(taken: Sequence[TakeOverRow]) -> list[_TakenSpan]:
    return [
        _TakenSpan(row.taken_at or row.requested_at, Span(row.tree_before, row.tree_after, f"{BY_HAND}{row.id}"))
        for row in taken
        if row.tree_before is not None and row.tree_after is not None
    ]


async def _tree_now(services: Services, row: Story | None) -> str | None:
    git = (await place_of(services.workspace, row)).git
    try:
        return None if git is None else await recent_snapshot(git)
    except GitError:  # such as the data folder's removal
        return None


async def size_of_work(git: Git | None, work: StoryWork) -> Diff | None:
    """Return the size of all of it; None where nothing was recorded, or its snapshots are gone."""
    if git is None or not work.spans:
        return None
    try:
        return await size_of(git, work.spans)
    except GitError:  # the snapshots' objects were removed with the data folder
        return None


async def change_of_work(git: Git, work: StoryWork) -> StoryChange:
    """Return the files of the work with the lines of the small ones. Raises `GitError`."""
    layers = await layers_of(git, work.spans)
    files: list[FileChange] = []
    left_out = 0
    for part, layer in enumerate(layers, start=1):
        change: TreeChange = await change_between(git, layer.old, layer.new)
        files += [_made(file, layer, part) for file in change.files]
        left_out += change.left_out
    files.sort(key=lambda file: (file.path, file.part))
    return StoryChange(files=files, left_out=left_out, unknown=work.unknown)


async def file_of_work(git: Git, work: StoryWork, path: str, part: int) -> FileChange:
    """Return one part of one file's change with its lines. Raises `NoSuchChange` and `GitError`."""
    layers = await layers_of(git, work.spans)
    if not 0 < part <= len(layers):
        raise NoSuchChange(f"{path} has no part {part}")
    layer = layers[part - 1]
    return _made(await file_between(git, layer.old, layer.new, path), layer, part)


def _made(file: FileChange, layer: Layer, part: int) -> FileChange:
    return msgspec.structs.replace(file, part=part, makers=layer.makers.get(file.path, []))
