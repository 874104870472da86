"""What a tool call changes in files, as far as the agent reports it: hunks of lines, bounded, for display.

Agents report an edit as the text before and after, as a whole new file, as a patch, or only as a path. It is passed on
as it was reported, and becomes lines when a transcript is read: the run itself compares nothing.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from agents import json_values
from agents.json_values import Json
from agents.records import Edit, EditHunk

LINES_MOST: Final = 400  # of one edit that are shown
LINE_CHARS: Final = 500  # of one line that are shown
COMPARED_LINES: Final = 2_000  # on one side; beyond that all old lines count as removed and all new ones as added
FILES_MOST: Final = 20  # of one call
CONTEXT: Final = 3  # lines that are the same around a change

_OLD: Final = ("old_string", "oldString", "oldText")
_NEW: Final = ("new_string", "newString", "newText", "new_source")
_PATHS: Final = ("file_path", "filePath", "notebook_path", "absolute_path", "path")
_HUNK: Final = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


@dataclass(frozen=True, slots=True)
class FileEdit:
    """A change of one file for display; `hunks` is None where the agent does not report its lines."""

    path: str
    added: int
    removed: int
    cut: bool
    hunks: list[EditHunk] | None = field(default=None)


def edits_of(arguments: Json) -> tuple[Edit, ...]:
    """The edits of a tool's arguments, whatever program they are of; () where none are recognised."""
    path = next((path for key in _PATHS if (path := json_values.as_text(arguments.get(key)))), None)
    if path is None:
        return ()
    several = json_values.as_objects(arguments.get("edits"))
    found = [edit for one in several or [arguments] if (edit := _edit(path, one)) is not None]
    return tuple(found[:FILES_MOST])


def _edit(path: str, arguments: Json) -> Edit | None:
    old = next((arguments[key] for key in _OLD if isinstance(arguments.get(key), str)), None)
    new = next((arguments[key] for key in (*_NEW, "content") if isinstance(arguments.get(key), str)), None)
    return None if new is None else Edit(path, old, new)


def edit_of_patch(path: str, hunks: Sequence[Json]) -> Edit | None:
    """The edit of hunks with `oldStart`, `newStart` and `lines`, as Claude Code reports what it has done."""
    found = [
        EditHunk(
            json_values.as_int(hunk.get("oldStart")),
            json_values.as_int(hunk.get("newStart")),
            [line for line in hunk.get("lines") or () if isinstance(line, str)],
        )
        for hunk in hunks
    ]
    return Edit(path, patch=tuple(found)) if found else None


def edit_of_diff(path: str, diff: str) -> Edit | None:
    """The edit of a unified diff of one file."""
    hunks: list[EditHunk] = []
    for line in diff.splitlines():
        if begin := _HUNK.match(line):
            hunks.append(EditHunk(int(begin[1]), int(begin[2]), []))
        elif hunks and line[:1] in ("+", "-", " ", "\\"):
            hunks[-1].lines.append(line)
    return Edit(path, patch=tuple(hunks)) if hunks else None


def file_edit(edit: Edit) -> FileEdit:
    """An edit for display: its lines counted in full, and shown up to a bound."""
    hunks = edit.patch if edit.patch is not None else _compared(edit)
    if hunks is None:
        return FileEdit(edit.path, 0, 0, cut=False)
    added = sum(line.startswith("+") for hunk in hunks for line in hunk.lines)
    removed = sum(line.startswith("-") for hunk in hunks for line in hunk.lines)
    shown = list(_bounded(hunks))
    cut = sum(len(hunk.lines) for hunk in shown) < sum(len(hunk.lines) for hunk in hunks)
    return FileEdit(edit.path, added, removed, cut, shown)


def _compared(edit: Edit) -> tuple[EditHunk, ...] | None:
    if edit.new is None:
        return None
    old, new = (edit.old or "").splitlines(), edit.new.splitlines()
    if max(len(old), len(new)) > COMPARED_LINES or not old:
        first = 1 if edit.old is None else 0  # a whole file begins with its first line
        return (EditHunk(0, first, [*(f"-{line}" for line in old), *(f"+{line}" for line in new)]),)
    groups = difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT)
    return tuple(EditHunk(0, 0, list(_lines(group, old, new))) for group in groups)


def _lines(group: list[tuple[str, int, int, int, int]], old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    for tag, old_from, old_to, new_from, new_to in group:
        if tag == "equal":
            yield from (f" {line}" for line in old[old_from:old_to])
            continue
        yield from (f"-{line}" for line in old[old_from:old_to])
        yield from (f"+{line}" for line in new[new_from:new_to])


def _bounded(hunks: Sequence[EditHunk]) -> Iterator[EditHunk]:
    left = LINES_MOST
    for hunk in hunks:
        if left <= 0:
            return
        lines = [line if len(line) <= LINE_CHARS else line[:LINE_CHARS] + "…" for line in hunk.lines[:left]]
        left -= len(lines)
        yield EditHunk(hunk.old, hunk.new, lines, hunk.title)
