"""Small repositories for tests of git: made by git itself, with a file, an ignored name and one commit."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from git.snapshots import Git

IDENTITY = {
    "GIT_AUTHOR_NAME": "T",
    "GIT_AUTHOR_EMAIL": "t@localhost",
    "GIT_COMMITTER_NAME": "T",
    "GIT_COMMITTER_EMAIL": "t@localhost",
}


def git(folder: Path, *arguments: str) -> str:
    run = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, env={**os.environ, **IDENTITY}
    )
    return run.stdout.strip()


def make(folder: Path, *, commit: bool = True) -> Path:
    (folder / "src").mkdir(parents=True)
    (folder / "src/app.py").write_text("one\ntwo\n")
    (folder / ".gitignore").write_text("*.log\nbuild/\n")
    git(folder, "init", "-q")
    if commit:
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", "start")
    return folder


async def looking_at(root: Path, *ignored: str) -> Git:
    found = await Git.find(root, root.parent / "snapshots", ignored)
    assert found is not None
    return found


def traces(root: Path) -> dict[str, bytes]:
    """Every file of the repository's own folder, and every name in the work tree."""
    files = {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    return files | {str(path): b"" for path in root.rglob("*") if path.is_dir()}
