"""The announcements of tasks in an agent's output, and the task that follows from its tools without one.

There are two forms, on a separate line of text or tool results: `::task <id> start|end <message>`, and the older CSV
line `timestamp,epic,story,command,task,start|end,"message"`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

MESSAGE_MAX: Final = 500  # characters of an announcement's message
CSV_FIELDS: Final = 7

_TASK: Final = re.compile(r"\s*[`*]*::task\s+([\w-]{1,64})\s+(start|end)\b[ :—-]*(.*)\Z", re.IGNORECASE)
_CSV_HINT: Final = re.compile(r"\A\s*[^,\n]{4,40},[^,\n]*,[^,\n]*,[^,\n]*,[\w-]{1,64},(start|end),", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Announcement:
    """One announcement: the task, whether it starts or ends, and the agent's message."""

    task_id: str
    ends: bool
    message: str


def announcements(text: str) -> Iterator[Announcement]:
    """Yield every announcement in a text, in order."""
    for line in text.split("\n"):
        if (match := _TASK.match(line)) is not None:
            yield Announcement(match[1].lower(), match[2].lower() == "end", match[3].rstrip("`* \t\r")[:MESSAGE_MAX])
        elif _CSV_HINT.match(line):
            fields = _fields(line)
            if len(fields) >= CSV_FIELDS:
                yield Announcement(fields[4].lower(), fields[5].lower() == "end", fields[6][:MESSAGE_MAX])


def _fields(line: str) -> list[str]:
    """Return the fields of a CSV line; none for an invalid one, since a tool's result may contain anything."""
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return []


_TOOL_TASKS: Final = (
    (("Write", "Edit", "MultiEdit", "NotebookEdit", "write_file", "replace"), ("implement", "write", "fix")),
    (("Read", "Glob", "Grep", "LS", "read_file", "search_file_content"), ("analyze", "explore", "discover")),
)
_TESTS: Final = re.compile(r"\b(pytest|unittest|npm (run )?test|cargo test|go test|jest|vitest|make test)\b")
_LINTS: Final = re.compile(r"\b(ruff|eslint|mypy|flake8|clippy|tsc|make lint)\b")


def infer_task(tool: str, summary: str, tasks: Collection[str]) -> str | None:
    """Return the task of a tool call, if it is among the command's own tasks; otherwise None."""
    possible: tuple[str, ...] = ()
    if _TESTS.search(summary):
        possible = ("tests", "test", "validate")
    elif _LINTS.search(summary):
        possible = ("lint", "validate")
    else:
        possible = next((names for tools, names in _TOOL_TASKS if tool in tools), ())
    return next((name for name in possible if name in tasks), None)
