"""Thousands of short batches, with verbs, failures, mischief and kills at random; afterwards every law holds.

The runner is the real one in a process of its own, killed by SIGKILL and started again; only its agents are played, so
that a batch takes milliseconds, in a repository a second. SPRINT_RUNNER_MODEL_SECONDS, _BATCHES and _SEED make it
longer and another; with SPRINT_RUNNER_MODEL_MISCHIEF=1 the project is also changed from outside (`make model`).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.model.laws import broken, read
from tests.model.mischief import BRANCH, Mischief, git
from tests.model.outside_laws import broken_outside, broken_repository
from tests.model.recording import ACCOUNT
from tests.running.projects import TRACKER, make_project
from tests.servers import ROOT

SECONDS = float(os.environ.get("SPRINT_RUNNER_MODEL_SECONDS", "6"))
BATCHES = int(os.environ.get("SPRINT_RUNNER_MODEL_BATCHES", "2"))
SEED = int(os.environ.get("SPRINT_RUNNER_MODEL_SEED", "1"))
COMMITS = int(os.environ.get("SPRINT_RUNNER_MODEL_COMMITS", "6"))
LONG_S = 120
MEMORY = Path("/dev/shm")  # a disk that syncs in no time, where there is one
STORIES = {"1-1-a": "backlog", "1-2-b": "review", "1-3-c": "in-progress", "2-1-d": "ready-for-dev", "10-1-e": "backlog"}


@pytest.fixture(params=("folder", "repository"))
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else tmp_path) as folder:
        repository = request.param == "repository"
        made = make_project(Path(folder) / "tiny", STORIES, git=repository)
        if repository:
            git(made, "branch", "-M", BRANCH)
        yield made


@pytest.mark.slow
def test_whatever_happens_every_law_holds(root: Path) -> None:
    dice = random.Random(SEED)
    before = (root / TRACKER).read_bytes()
    lives = batches = 0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end or lives < 2 or batches < BATCHES:
        most = 80 if not (root / ".git").exists() else 12
        batches += one_life(root, seed=dice.randrange(10**6), ends=dice.randrange(1, most), wait_s=dice.random() * 0.05)
        lives += 1
        assert every_law(root, before) == [], f"seed {SEED}, life {lives}"
        print(f"seed {SEED}: {batches} batches, {lives} kills", flush=True)
    assert batches > 1


def every_law(root: Path, before: bytes) -> list[str]:
    """What does not hold after a kill; nothing of a database that was removed and is not written again, or has no
    tables yet."""
    Mischief(root, random.Random()).fix_tracker()
    database = root / ".sprint-runner/sprint-runner.db"
    if not database.exists() or not has_tables(database):
        return []
    outside = broken_outside(database, root.parent / ACCOUNT)
    return [*broken(database, root / TRACKER, before), *outside, *broken_repository(database, root)]


def has_tables(database: Path) -> bool:
    with read(database) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0]) > 0


def one_life(root: Path, seed: int, ends: int, wait_s: float) -> int:
    """Let the runner live until so many batches have ended and a moment more, then kill it; how many there were."""
    with (root.parent / "errors").open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.model.simulation", str(root), str(seed)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert process.stdout is not None
    lines: list[str] = []
    try:
        for line in process.stdout:
            lines.append(line.strip())
            if sum(line.startswith("ended") for line in lines) >= ends:
                time.sleep(wait_s)
                break
        assert process.poll() is None, f"seed {SEED}: it died: {(root.parent / 'errors').read_text()[-3000:]}"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(LONG_S)
        process.stdout.close()
    assert [line for line in lines if line.startswith("broken")] == [], f"seed {SEED}"
    return sum(line.startswith("ended") for line in lines)


@pytest.mark.slow
def test_a_kill_at_any_commit_leaves_no_half_of_a_pair(root: Path) -> None:
    """Life after life is killed at its first, second, third … commit, so that every place between two is met."""
    before = (root / TRACKER).read_bytes()
    for commit in range(1, COMMITS + 1):
        command = [sys.executable, "-W", "error", "-m", "tests.model.simulation", str(root), str(SEED), str(commit)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONG_S, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr[-3000:]
        assert every_law(root, before) == [], f"seed {SEED}, commit {commit}"
