"""Our reader and writer beside the official program itself, over random trees: the same answers, the same bytes.

The program is not part of this project. It is looked for where SPRINT_RUNNER_TICKETS_PY says, and in the cache folder
of a BMAD installation. SPRINT_RUNNER_TICKET_TREES is how many trees are made.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sprint.tickets.official import SCRIPT
from tests.sprint.tickets.command import answer
from tests.sprint.tickets.trees import REFS, STATUSES, RandomTree, random_tree

VARIABLE = "SPRINT_RUNNER_TICKETS_PY"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sprint-runner/bmad" / SCRIPT
TREES = int(os.environ.get("SPRINT_RUNNER_TICKET_TREES", "300"))
GROUP = 50  # trees of one test
# Runs the program's own `main` once for each line: a process for each call would take ten times as long.
HOST = """\
import contextlib, importlib.util, io, json, os, sys
spec = importlib.util.spec_from_file_location("official_tickets", sys.argv[1])
program = importlib.util.module_from_spec(spec)
spec.loader.exec_module(program)
for line in sys.stdin:
    call = json.loads(line)
    os.chdir(call["cwd"])
    sys.argv = ["tickets.py", *call["argv"]]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = program.main()
        except SystemExit as end:
            code = end.code
    print(json.dumps({"exit": code, "stdout": out.getvalue(), "stderr": err.getvalue()}), flush=True)
"""


def official() -> Path | None:
    named = os.environ.get(VARIABLE)
    path = Path(named) if named else CACHE
    return path if path.is_file() else None


pytestmark = pytest.mark.skipif(
    official() is None, reason=f"the official tickets.py is not here: name it with {VARIABLE}, or install it at {CACHE}"
)


class Program:
    """The official program in a process of its own."""

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-c", HOST, str(path)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def call(self, argv: list[str], cwd: Path) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"argv": argv, "cwd": str(cwd)}) + "\n")
        self._process.stdin.flush()
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    path = official()
    assert path is not None
    running = Program(path)
    yield running
    running.close()


@pytest.mark.parametrize("group", range((TREES + GROUP - 1) // GROUP))
def test_the_same_answers_and_the_same_bytes(program: Program, tmp_path: Path, group: int) -> None:
    for seed in range(group * GROUP, min((group + 1) * GROUP, TREES)):
        dice = random.Random(seed)
        tree = random_tree(dice)
        for argv in commands(dice, tree):
            compare(program, tree, argv, tmp_path, seed)


def commands(dice: random.Random, tree: RandomTree) -> list[list[str]]:
    folders = [*tree.epics, "initiative-x", "backlog", "nowhere"]
    made = [["next"], ["next", "--synced"], ["status"]]
    made += [[command, dice.choice(folders)] for command in ("next", "status")]
    made += [["find", ref] for ref in dice.sample(REFS, 3)]
    made += [["find", dice.choice(folders), dice.choice(REFS)]]
    made += [_mark(dice, [dice.choice(REFS)]), _mark(dice, [dice.choice(folders), dice.choice(REFS)])]
    return made


def _mark(dice: random.Random, where: list[str]) -> list[str]:
    argv = ["mark", *where, dice.choice(STATUSES)]
    if dice.random() < 0.3:
        argv += ["--assignee", dice.choice(("mo", "", 'a "b"   # c'))]
    if dice.random() < 0.3:
        argv += ["--blocked", dice.choice(("no key", "", "two\nlines", "ünï   # code\u2028x"))]
    return argv


def compare(program: Program, tree: RandomTree, argv: list[str], folder: Path, seed: int) -> None:
    """One command on two copies of a tree, which lie at the same place one after the other."""
    root = folder / "p"
    theirs = _at(root, tree, lambda: program.call(argv, root))
    ours = _at(root, tree, lambda: _own(argv, root))
    where = (seed, argv, theirs[0]["stderr"])
    assert ours[0]["exit"] == theirs[0]["exit"], where
    assert _json(ours[0]["stdout"]) == _json(theirs[0]["stdout"]), where
    assert ours[1] == theirs[1], where


def _at(root: Path, tree: RandomTree, run: Any) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Returns the answer, and the files that are different afterwards."""
    tree.write(root)
    try:
        found = run()
        files = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    finally:
        shutil.rmtree(root)
    before = {name: text.encode("utf-8", "surrogatepass") for name, text in tree.files.items()}
    return found, {name: data for name, data in files.items() if before.get(name) != data}


def _own(argv: list[str], root: Path) -> dict[str, Any]:
    found = answer(argv, root, date.today())
    return {"exit": found.exit, "stdout": found.stdout.decode()}


def _json(text: str) -> object:
    return json.loads(text) if text.strip() else None
