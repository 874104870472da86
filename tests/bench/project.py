"""Reading and changing a project on disk: the largest tracker seen, and a board of 500 stories.

The baseline is what it takes to read the same bytes and hand them to libyaml's parser, in the same run.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import yaml

import sprint
from tests.bench.load import table

ROUNDS: Final = 5
LARGE_BYTES: Final = 873_000  # the largest tracker of a public repository
LINE_CHARS: Final = 9_000  # its longest lines
STORIES: Final = 500
HEAD: Final = ("what", "ms", "times parsing the bytes")


async def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        rows = [*_large(Path(folder) / "large"), *_board(Path(folder) / "board")]
    table("A project on disk", HEAD, rows)


def _large(root: Path) -> list[tuple[Any, ...]]:
    """A tracker with comments of thousands of characters behind its values."""
    lines = ["development_status:", "  epic-1: in-progress"]
    number = 0
    while sum(map(len, lines)) < LARGE_BYTES:
        number += 1
        remark = "x" * (LINE_CHARS if number % 50 == 0 else 150)
        lines.append(f"  1-{number}-story-{number}: backlog  # {remark}")
    project = _project(root, lines)
    parsed = _median(lambda: yaml.load(project.tracker.read_bytes(), Loader=yaml.CBaseLoader))
    read = _median(lambda: sprint.read(_changed(project)))
    names = iter(range(1, ROUNDS + 1))
    changed = _median(lambda: sprint.set_status(project, f"1-{(n := next(names))}-story-{n}", "review"))
    size = f"{project.tracker.stat().st_size // 1000} kB"
    return [
        (f"read a tracker of {size}", read, read / parsed),
        (f"change one status in {size}, durably", changed, changed / parsed),
    ]


def _board(root: Path) -> list[tuple[Any, ...]]:
    """500 stories with files of the usual size, after one of them has changed."""
    keys = [f"{1 + n // 10}-{1 + n % 10}-story-{n}" for n in range(STORIES)]
    lines = ["development_status:", *(f"  {key}: backlog" for key in keys)]
    project = _project(root, lines)
    text = "# Story\n\nStatus: backlog\n\n## Tasks / Subtasks\n\n" + "- [ ] a task (AC: #1)\n" * 200
    for key in keys:
        (project.artifacts / f"{key}.md").write_text(text)
    parsed = _median(lambda: yaml.load(project.tracker.read_bytes(), Loader=yaml.CBaseLoader))
    sprint.overview(project)
    changed = _median(lambda: sprint.overview(_changed(project)))
    warm = _median(lambda: sprint.overview(project))
    return [
        (f"board of {STORIES} stories, unchanged", warm, warm / parsed),
        (f"board of {STORIES} stories, tracker changed", changed, changed / parsed),
    ]


def _project(root: Path, lines: list[str]) -> sprint.Project:
    folder = root / "_bmad-output" / "implementation-artifacts"
    folder.mkdir(parents=True)
    (folder / "sprint-status.yaml").write_text("\n".join(lines) + "\n")
    return sprint.locate(root)


def _changed(project: sprint.Project) -> sprint.Project:
    """The project with other bytes in its tracker, so that nothing is remembered of it."""
    with project.tracker.open("a") as tracker:
        tracker.write(f"  # {time.perf_counter_ns()}\n")
    return project


def _median(work: Callable[[], object]) -> float:
    """Milliseconds, the median of some rounds."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)
