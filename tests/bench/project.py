"""Reading and changing a project on disk: the largest tracker seen, and a board of 500 stories.

The baseline is what it takes to read the same bytes and hand them to libyaml's parser, in the same run.
"""

from __future__ import annotations

import statistics
import tempfile
import time
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import yaml

import sprint
from sprint.epics import read_epic_file
from sprint.tickets.memory import TreeReader
from tests.bench.load import table

ROUNDS: Final = 5
LARGE_BYTES: Final = 873_000  # the largest tracker of a public repository
LINE_CHARS: Final = 9_000  # its longest lines
STORIES: Final = 500
EPICS: Final = 25
HEAD: Final = ("what", "ms", "times parsing the bytes")


async def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        rows = [*_large(root / "large"), *_board(root / "board"), *_tree(root / "tree"), *_epics(root / "epics")]
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


def _tree(root: Path) -> list[tuple[Any, ...]]:
    """500 tickets in 25 epics, each with a plan, beside the parser of the same lists."""
    lists = _write_tree(root)
    folder = sprint.locate(root).tracker.parent
    parsed = _median(lambda: [tomllib.loads(path.read_text()) for path in lists])
    read = _median(lambda: TreeReader().read(folder))
    reader = TreeReader()
    reader.read(folder)
    again = _median(lambda: reader.read(folder))
    return [
        (f"read a tree of {STORIES} tickets", read, read / parsed),
        (f"look at {STORIES} tickets again, unchanged", again, again / parsed),
    ]


def _write_tree(root: Path) -> list[Path]:
    """The tree on disk; its lists."""
    top = root / "out/initiative-large"
    top.mkdir(parents=True)
    (root / "_bmad/custom").mkdir(parents=True)
    (root / "_bmad/config.toml").write_text('[core]\noutput_folder = "out"\n')
    (root / "_bmad/custom/config.user.toml").write_text('[core]\nactive_initiative = "initiative-large"\n')
    lists = [top / "tickets.toml"]
    lists[0].write_text("".join(f'[[epic]]\nid = {n}\nslug = "epic-{n}"\n' for n in range(EPICS)))
    for number in range(EPICS):
        folder = top / f"epic-{number}"
        folder.mkdir()
        (folder / f"epic-{number}.md").write_text("---\ntype: epic\n---\n")
        entries = [_entry(place) for place in range(STORIES // EPICS)]
        lists.append(folder / "tickets.toml")
        lists[-1].write_text("\n".join(entries))
        for place in range(STORIES // EPICS):
            plan = f"---\nticket: {place}\nstatus: built\n---\n" + "A line of the plan.\n" * 100
            (folder / f"story-{place}-plan.md").write_text(plan)
    return lists


def _entry(place: int) -> str:
    after = [place - 1] if place else []
    text = f'[[entry]]\nid = {place}\ntype = "story"\ntitle = "Ticket {place}"\nafter = {after}\n'
    return text + f'description = "{"What it does, in a few words. " * 5}"\nverify = "It does."\n'


def _epics(root: Path) -> list[tuple[Any, ...]]:
    """Epics of 30,000 and 60,000 lines: twice the lines in twice the time."""
    root.mkdir()
    took = []
    for lines in (30_000, 60_000):
        story = "### Story {0}.{1}: Do it\n\nAs a user, I want it.\n\n"
        text = "".join(
            f"## Epic {number}: Part\n\n" + "".join(story.format(number, place) for place in range(1, 10))
            for number in range(1, lines // 38)
        )
        path = root / "epics.md"
        path.write_text(text)
        took.append(_median(partial(read_epic_file, path)))
    parsed = _median(lambda: yaml.load("- a\n" * 60_000, Loader=yaml.CBaseLoader))
    return [
        ("read epics of 30,000 lines", took[0], took[0] / parsed),
        (f"read epics of 60,000 lines ({took[1] / took[0]:.1f} times that)", took[1], took[1] / parsed),
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
