"""A full disk under a run: it is waited for, and nobody's work is judged by it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import running.git
from tests.running.test_git import git, looking_at, make


@pytest.mark.parametrize("ended", [1, 128])  # 1: a file was left out, which is fine for other reasons
async def test_a_snapshot_waits_for_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: int) -> None:
    root = make(tmp_path / "project")
    looking = await looking_at(root)
    (root / "src/new.py").write_text("three\n")
    program, real = root.parent / "bin/git", shutil.which("git")
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *"add --all"*) if mkdir "{program.parent}/tried" 2>/dev/null; then\n'
        f"echo 'error: unable to create temporary file: No space left on device' >&2; exit {ended}; fi;; esac\n"
        f'exec {real} "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(running.git, "FULL_S", 0.01)
    tree = await looking.snapshot()
    assert (program.parent / "tried").exists()
    git(root, "add", "-A")
    assert tree == git(root, "write-tree")
