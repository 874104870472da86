"""Atomic writes: a kill at any time leaves the old file or the new one."""

from __future__ import annotations

import os
from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """The name of the file beside it is always the same, so that a run after a kill leaves nothing behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    with beside.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
    if path.exists():
        beside.chmod(path.stat().st_mode & 0o777)
    os.replace(beside, path)


def read_text(path: Path) -> str:
    """Return the text of a file, "" if it does not exist."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return ""
