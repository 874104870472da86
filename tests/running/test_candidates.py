"""Which stories may run: those whose status can be kept and whose key can be a file name."""

from __future__ import annotations

from pathlib import Path

import pytest

import sprint
from running.candidates import candidates
from tests.running.projects import TRACKER, make_project
from workflow import runnable


@pytest.mark.parametrize("key", ["1-2-../../etc/passwd", "1-2-a/b", "1-2-..", "1-2-a b"])
def test_keys_that_are_no_file_names_never_run(tmp_path: Path, key: str) -> None:
    root = make_project(tmp_path / "tiny", {"1-1-a": "backlog"}, git=False)
    with (root / TRACKER).open("a") as tracker:
        tracker.write(f'  "{key}": backlog\n')
    found = candidates(sprint.read(sprint.locate(root)))
    assert [candidate.key for candidate in runnable(found)] == ["1-1-a"]


def test_a_key_that_stands_twice_never_runs(tmp_path: Path) -> None:
    root = make_project(tmp_path / "tiny", {"1-1-a": "backlog"}, git=False)
    with (root / TRACKER).open("a") as tracker:
        tracker.write("  1-1-a: done\n  1-2-b: review\n")
    found = candidates(sprint.read(sprint.locate(root)))
    assert [candidate.key for candidate in runnable(found)] == ["1-2-b"]


def test_letters_of_every_script_are_file_names(tmp_path: Path) -> None:
    root = make_project(tmp_path / "tiny", {"1-1-größe-测试": "backlog"}, git=False)
    found = candidates(sprint.read(sprint.locate(root)))
    assert [candidate.status for candidate in found] == ["backlog"]
