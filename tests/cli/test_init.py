"""`init`: a tracker from epics, shown first, written once, and read again by the program itself."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from io import StringIO
from pathlib import Path

import pytest

import sprint
from cli.arguments import parse
from cli.errors import CannotStart
from cli.init import make_tracker, project_of, propose
from tests.servers import ROOT

EPICS = """\
# Tiny

## Epic 1: Words

### Story 1.1: Say hello

### Story 1.2: Say bye

## Epic 2: More

### Story 2.1: Sing
"""


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    (folder / "_bmad-output/planning-artifacts").mkdir(parents=True)
    (folder / "_bmad-output/planning-artifacts/epics.md").write_text(EPICS)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    return folder


def call(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "server.py"), "init", str(root), *words]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


def test_the_tracker_is_shown_and_written_only_when_asked_to(root: Path) -> None:
    shown = call(root)
    assert shown.returncode == 2
    assert "  1-1-say-hello: backlog\n" in shown.stdout
    assert "nothing was written: use --yes" in shown.stderr
    with pytest.raises(sprint.ProjectNotFound):
        sprint.locate(root)
    written = call(root, "--yes")
    assert written.returncode == 0
    project = sprint.locate(root)
    assert project.tracker == root / "_bmad-output/implementation-artifacts/sprint-status.yaml"
    plan = sprint.read(project)
    assert [story.key for story in plan.stories] == ["1-1-say-hello", "1-2-say-bye", "2-1-sing"]
    assert all(story.runnable for story in plan.stories)
    again = call(root, "--yes")
    assert again.returncode == 2
    assert "is there already" in again.stderr


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("\n", 1), ("no\n", 1)])
def test_a_terminal_is_asked(root: Path, answer: str, code: int) -> None:
    questions = Terminal()
    assert make_tracker(parse(["init", str(root)]), Terminal(answer), questions, StringIO()) == code
    assert "Write this to " in questions.getvalue()
    assert (root / "_bmad-output/implementation-artifacts/sprint-status.yaml").exists() == (code == 0)


def test_a_project_without_epics_is_refused_with_what_is_looked_for(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    with pytest.raises(CannotStart, match=r"no epics with stories were found .*`## Epic 1"):
        propose(project_of(tmp_path), date(2026, 1, 1))
