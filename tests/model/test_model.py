"""Thousands of short batches, with verbs, failures and kills at random moments; afterwards every law holds.

The runner is the real one in a process of its own, killed by SIGKILL and started again; only its agents are played, so
that a batch takes milliseconds. SPRINT_RUNNER_MODEL_SECONDS and SPRINT_RUNNER_MODEL_SEED make it longer and another.
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

from tests.model.laws import broken
from tests.running.projects import TRACKER, make_project
from tests.servers import ROOT

SECONDS = float(os.environ.get("SPRINT_RUNNER_MODEL_SECONDS", "12"))
SEED = int(os.environ.get("SPRINT_RUNNER_MODEL_SEED", "1"))
COMMITS = int(os.environ.get("SPRINT_RUNNER_MODEL_COMMITS", "12"))
LONG_S = 120
MEMORY = Path("/dev/shm")  # a disk that syncs in no time, where there is one
STORIES = {"1-1-a": "backlog", "1-2-b": "review", "1-3-c": "in-progress", "2-1-d": "ready-for-dev", "10-1-e": "backlog"}


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else tmp_path) as folder:
        yield make_project(Path(folder) / "tiny", STORIES, git=False)


@pytest.mark.slow
def test_whatever_happens_every_law_holds(root: Path) -> None:
    dice = random.Random(SEED)
    before = (root / TRACKER).read_bytes()
    database = root / ".sprint-runner/sprint-runner.db"
    lives = batches = 0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end or lives < 3:
        batches += one_life(root, seed=dice.randrange(10**6), ends=dice.randrange(1, 80), wait_s=dice.random() * 0.05)
        lives += 1
        assert broken(database, root / TRACKER, before) == [], f"seed {SEED}, life {lives}"
    assert batches > lives


def one_life(root: Path, seed: int, ends: int, wait_s: float) -> int:
    """Let the runner live until so many batches have ended and a moment more, then kill it; how many there were."""
    with (root / "errors").open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.model.simulation", str(root), str(seed)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert process.stdout is not None
    count = 0
    try:
        for line in process.stdout:
            count += line.startswith("ended")
            if count >= ends:
                time.sleep(wait_s)
                break
        assert process.poll() is None, f"seed {SEED}: it died: {(root / 'errors').read_text()[-3000:]}"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(LONG_S)
        process.stdout.close()
    return count


@pytest.mark.slow
def test_a_kill_at_any_commit_leaves_no_half_of_a_pair(root: Path) -> None:
    """Life after life is killed at its first, second, third … commit, so that every place between two is met."""
    before = (root / TRACKER).read_bytes()
    database = root / ".sprint-runner/sprint-runner.db"
    for commit in range(1, COMMITS + 1):
        command = [sys.executable, "-W", "error", "-m", "tests.model.simulation", str(root), str(SEED), str(commit)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONG_S, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr[-3000:]
        assert broken(database, root / TRACKER, before) == [], f"seed {SEED}, commit {commit}"
