"""What the run adds to the agents' own time: between one agent's end and the next one's start, and inside a command.

The agents are shell scripts that note when they begin and end. The measure is `git status` in the same repository.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from agents import AgentSpec
from tests.bench.load import table
from tests.running.projects import Runner, make_project
from tests.running.repositories import DONE, git

CASES: Final = (("a small repository", 50, 6), ("50,000 files", 50_000, 4), ("200 stories", 50, 200))
RAN: Final = 12  # stories of a batch, at the most
STATUS_ROUNDS: Final = 7
HEAD: Final = ("where", "git status ms", "between agents ms", "times", "in a command ms", "times")


async def run() -> None:
    rows = []
    for name, files, stories in CASES:
        with tempfile.TemporaryDirectory() as folder:
            rows.append((name, *await _measure(Path(folder), files, stories)))
    table("What the run adds", HEAD, rows)


async def _measure(folder: Path, files: int, stories: int) -> tuple[Any, ...]:
    keys = {f"{number}-1-story": "in-progress" for number in range(1, stories + 1)}
    root = make_project(folder / "tiny", keys)
    _fill(root, files)
    runner = await Runner.create(root, retries=0)
    try:
        times = folder / "times"
        _agent(runner, times)
        batch_id = await runner.run(cycles=min(stories, RAN), agent="notes")
        _, commands = await runner.rows(batch_id)
    finally:
        await runner.close()
    stamps = [int(line) / 1e6 for line in times.read_text().split()]
    calls = list(zip(stamps[::2], stamps[1::2], strict=True))
    rows = [row for row in commands if row.agent == "notes"]
    between = [after[0] - before[1] for before, after in zip(calls[::2], calls[1::2], strict=False)]  # dev to review
    inside = [
        (row.ended_at or 0) - row.started_at - (end - start) for row, (start, end) in zip(rows, calls, strict=True)
    ]
    status = _status_ms(root)
    gap, within = statistics.median(between[1:]), statistics.median(inside[2:])
    return round(status, 1), round(gap, 1), round(gap / status, 2), round(within, 1), round(within / status, 2)


def _fill(root: Path, files: int) -> None:
    for number in range(files):
        path = root / f"src/{number // 100}/{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"file {number % 50}\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "files")


def _agent(runner: Runner, times: Path) -> None:
    """One program for development and review: it writes a file of its own and says what either wants to hear."""
    note = f"date +%s%N >> '{times}'"
    work = f"{note}; prompt=$(cat); name=$(date +%s%N); echo $name > src/$name.new"
    says = f"case \"$prompt\" in *code-review*) {DONE};; *) echo '[DEV-STORY-COMPLETE: YES]';; esac; {note}"
    spec = AgentSpec(name="notes", kind="text", command=("sh", "-c", f"{work}; {says}"))
    runner.workspace.agents["notes"] = spec  # type: ignore[index]


def _status_ms(root: Path) -> float:
    took = []
    for _ in range(STATUS_ROUNDS):
        began = time.monotonic()
        subprocess.run(["git", "status", "--porcelain"], cwd=root, check=True, capture_output=True)
        took.append((time.monotonic() - began) * 1000)
    return statistics.median(took)
