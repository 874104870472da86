"""What the run adds to the agents' own time: between one agent's end and the next one's start, and inside a command.

The agents are shell scripts that note when they begin and end. The measure is `git status` in the same repository. The
floor is what starting and reaping such a shell takes with nothing else, without a launcher; and the sync of one small
file. All are measured by turns with the batches. What the launcher takes where none waits is shown beside it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from agents import AgentSpec, launch
from tests.bench.load import table
from tests.bench.parts import Span, part_rows, timed
from tests.running.projects import Runner, make_project
from tests.running.repositories import DONE, git

CASES: Final = (("a small repository", 50, 15), ("50,000 files", 50_000, 10), ("200 stories", 50, 200))
ROUNDS: Final = 5  # batches, by turns with the measures
RAN: Final = 3  # stories of a batch, at the most
STATUS_ROUNDS: Final = 7  # of the measures, before each batch
CONTENTS: Final = 50  # different ones: git is not to be measured while it compresses files
WORK_S: Final = 0.1  # of each agent: what the run does after a start is done by its end, as in life
SHELL: Final = "/bin/sh"
HEAD: Final = (
    *("where", "git status ms", "a shell ms", "with launcher ms", "sync ms"),
    *("between agents ms", "less a shell", "in a command ms", "less a shell"),
)
OWN_HEAD: Final = ("where", "processor ms", "commits")


async def run() -> None:
    rows, own, parts = [], [], {}
    for name, files, stories in CASES:
        with tempfile.TemporaryDirectory() as folder:
            row, one, parts[name] = await _measure(Path(folder), files, stories)
            rows.append((name, *row))
            own.append((name, *one))
    table("What the run adds, in ms and times `git status`", HEAD, rows)
    table("Of this process, for each command", OWN_HEAD, own)
    for name, found in parts.items():
        table(f"Between two agents in {name}", ("part", "calls", "ms"), found)
    print(f"Load of the machine: {os.getloadavg()[0]:.1f}")


async def _measure(
    folder: Path, files: int, stories: int
) -> tuple[tuple[Any, ...], tuple[str, str], list[tuple[str, str, str]]]:
    keys = {f"{number}-1-story": "in-progress" for number in range(1, stories + 1)}
    root = make_project(folder / "tiny", keys)
    _fill(root, files)
    runner = await Runner.create(root, retries=0)
    floor = Floor()
    costs: list[tuple[float, float]] = []
    gaps: list[tuple[float, float]] = []
    spans: list[Span] = []
    between: list[float] = []
    inside: list[float] = []
    try:
        for number in range(ROUNDS):
            floor.measure(root)
            times = folder / f"times-{number}"
            _agent(runner, times)
            began, committed = time.process_time(), runner.workspace.database.writer.commits
            with timed(spans):
                batch_id = await runner.run(cycles=min(stories // ROUNDS, RAN), agent="notes")
            used, written = time.process_time() - began, runner.workspace.database.writer.commits - committed
            _, commands = await runner.rows(batch_id)
            costs.append((used * 1000 / len(commands), written / len(commands)))
            stamps = [int(line) / 1e6 for line in times.read_text().split()]
            calls = list(zip(stamps[::2], stamps[1::2], strict=True))
            rows = [row for row in commands if row.agent == "notes"]
            # From development to review. Of the first story git has to begin with our own index.
            pairs = list(zip(calls[::2], calls[1::2], strict=True))[number == 0 :]
            between += [after[0] - before[1] for before, after in pairs]
            gaps += [(before[1] / 1000, after[0] / 1000) for before, after in pairs]
            own = [
                (row.ended_at or 0) - row.started_at - (end - begun)
                for row, (begun, end) in zip(rows, calls, strict=True)
            ]
            inside += own[2 if number == 0 else 0 :]
    finally:
        await runner.close()
    unit, begin = statistics.median(floor.status), statistics.median(floor.shell)
    row = (*floor.cells(), *_cells(between, unit, begin), *_cells(inside, unit, begin))
    processor, commits = (f"{statistics.median(column):.1f}" for column in zip(*costs, strict=True))
    return row, (processor, commits), part_rows(spans, gaps)


def _cells(spans: Sequence[float], status: float, start: float) -> tuple[str, str]:
    """A median, whole and without the shell's start, each with its ratio to `git status`."""
    whole = statistics.median(spans)
    return tuple(f"{span:.1f} ({span / status:.1f})" for span in (whole, whole - start))  # type: ignore[return-value]


def _fill(root: Path, files: int) -> None:
    for number in range(files):
        path = root / f"src/{number // 100}/{number}.txt"
        if number % 100 == 0:
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"file {number % CONTENTS}\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "files")


def _agent(runner: Runner, times: Path) -> None:
    """One program for development and review: it writes a file of its own and prints what either has to answer."""
    note = f"date +%s%N >> '{times}'"
    work = f"{note}; prompt=$(cat); name=$(date +%s%N); echo $name > src/$name.new; sleep {WORK_S}"
    answer = f"case \"$prompt\" in *code-review*) {DONE};; *) echo '[DEV-STORY-COMPLETE: YES]';; esac; {note}"
    spec = AgentSpec(name="notes", kind="text", command=(SHELL, "-c", f"{work}; {answer}"))
    runner.workspace.agents["notes"] = spec  # type: ignore[index]


class Floor:
    """What nothing can be faster than, in ms: `git status`, the agent's shell alone and by a launcher, one sync."""

    def __init__(self) -> None:
        self.status: list[float] = []
        self.shell: list[float] = []
        self.launched: list[float] = []
        self.sync: list[float] = []

    def measure(self, root: Path) -> None:
        """Measure all, one after the other, as often as is set."""
        shell = [SHELL, "-c", "date +%s%N"]
        launcher = [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), "0", SHELL, *shell]
        for _ in range(STATUS_ROUNDS):
            self.status.append(_took_ms(["git", "status", "--porcelain"], root))
            self.shell.append(_took_ms(shell, root))
            self.launched.append(_took_ms(launcher, root))
            self.sync.append(_sync_ms(root))

    def cells(self) -> tuple[float, ...]:
        return tuple(round(statistics.median(took), 2) for took in (self.status, self.shell, self.launched, self.sync))


def _took_ms(argv: Sequence[str], root: Path) -> float:
    began = time.monotonic()
    subprocess.run(argv, cwd=root, check=True, capture_output=True)
    return (time.monotonic() - began) * 1000


def _sync_ms(root: Path) -> float:
    """The sync of 4 KiB in the project's own data folder, where the database is."""
    with tempfile.TemporaryFile(dir=root / ".sprint-runner") as file:
        file.write(b"x" * 4096)
        file.flush()
        began = time.monotonic()
        os.fsync(file.fileno())
        return (time.monotonic() - began) * 1000
