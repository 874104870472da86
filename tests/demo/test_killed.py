"""An agent that is killed at any instant and run again comes to the same end as one that was left alone."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.demo.bench import STORIES, DemoBench, finish, make

FIX, FIND, LIFE = STORIES[1], STORIES[2], STORIES[4]
SEED = 20_260_503
REPEATED = re.compile(r"^- check \d+: .*\n|^baseline_commit: .*\n", re.MULTILINE)  # may differ between attempts


def quick(folder: Path) -> DemoBench:
    """The demo project without its check, which would only take time here; it is run at the end."""
    bench = make(folder)
    bench.verify = "true"
    return bench


def tree(root: Path) -> dict[str, str]:
    """All files of the project and their contents, without what may differ."""
    found = {}
    for file in sorted(root.rglob("*")):
        name = str(file.relative_to(root))
        if file.is_file() and not name.startswith(".git/") and "__pycache__" not in name:
            text = REPEATED.sub("", file.read_text())
            found[name] = hashlib.sha256(text.encode()).hexdigest()
    return found


def kill_after(bench: DemoBench, lines: int, command: str, *keys: str) -> bool:
    """Kills a call after so many lines; False when it had ended before."""
    process = bench.start(bench.prompt(command, *keys))
    assert process.stdout is not None
    for _ in range(lines):
        if not process.stdout.readline():
            break
    process.kill()
    return finish(process).code != 0


def tortured(folder: Path, chance: random.Random, commands: Sequence[tuple[str, ...]]) -> tuple[DemoBench, int]:
    """Every command killed twice at random lines, then left alone."""
    folder.mkdir()
    bench, kills = quick(folder), 0
    for command, *keys in commands:
        for _ in range(2):
            kills += kill_after(bench, chance.randrange(1, 20), command, *keys)
        assert bench.run(command, *keys).code == 0
    return bench, kills


@pytest.mark.parametrize(
    "commands",
    [
        (("create-story", FIX, FIND), ("story-review-1", FIX, FIND)),
        (("dev-story", FIX), ("code-review-1", FIX), ("commit", FIX)),
    ],
    ids=["planning", "coding"],
)
def test_the_end_is_the_same(tmp_path: Path, commands: Sequence[tuple[str, ...]]) -> None:
    calm = quick(tmp_path)
    for command, *keys in commands:
        assert calm.run(command, *keys).code == 0
    hurt, kills = tortured(tmp_path.with_name(f"{tmp_path.name}-killed"), random.Random(SEED), commands)
    assert kills > 0
    assert tree(hurt.root) == tree(calm.root)
    assert hurt.git("log", "--format=%s") == calm.git("log", "--format=%s")
    assert not [name for name in tree(hurt.root) if name.endswith(".part")]
    assert hurt.unittest().returncode == 0


def test_a_finding_is_reported_again_when_its_review_was_killed(bench: DemoBench) -> None:
    bench.verify = "true"
    bench.run("create-story", LIFE)
    bench.run("dev-story", LIFE)
    first = bench.run("code-review-1", LIFE)
    again = bench.run("code-review-1", LIFE)
    assert (first.severity, again.severity) == ("MEDIUM", "MEDIUM")
    assert bench.run("code-review-2", LIFE).severity == "ZERO ISSUES"
