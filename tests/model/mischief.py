"""What people and agents do to a project while it runs, and how the operator puts it right again.

Each is done to a real file or a real repository: HEAD on another branch or on none, the work put into the stash, a
tracker that cannot be read, the data folder removed. `fix` may be called at any time, also after a kill.
"""

from __future__ import annotations

import random
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.running.projects import TRACKER

BRANCH: Final = "main"
ELSEWHERE: Final = "elsewhere"
KEPT: Final = ".kept"  # suffix of the tracker that was taken away
UNREADABLE: Final = (None, b"", b"development_status: [", b"\xff\xfe\x00", b"project: other\n")


def git(root: Path, *arguments: str) -> str:
    """Return what git prints, nothing where it refuses: the moment may not fit."""
    command = ["git", "-c", "core.hooksPath=/dev/null", *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return "" if done.returncode else done.stdout.strip()


class Mischief:
    """What is done to one project."""

    def __init__(self, root: Path, dice: random.Random) -> None:
        self.root = root
        self._dice = dice
        self.repository = (root / ".git").is_dir()

    def do(self) -> None:
        """Do one thing, which may not be possible at the moment."""
        of_git = (self._branch, self._detach, self._stash) if self.repository else ()
        self._dice.choice((self._tracker, self._data, *of_git))()

    def _branch(self) -> None:
        git(self.root, "switch", "-q", "-C", ELSEWHERE)

    def _detach(self) -> None:
        git(self.root, "switch", "-q", "--detach")

    def _stash(self) -> None:
        git(self.root, "stash", "push", "-q", "--include-untracked", "--", "*.py")

    def _tracker(self) -> None:
        tracker = self.root / TRACKER
        kept = tracker.with_name(tracker.name + KEPT)
        content = self._dice.choice(UNREADABLE)
        if not kept.exists():
            tracker.rename(kept)
            if content is not None:
                tracker.write_bytes(content)

    def _data(self) -> None:
        """What `git clean -fdx` removes: everything but worktrees, which are repositories of their own."""
        for path in (self.root / ".sprint-runner").iterdir():
            if path.name == "worktrees":
                continue
            with suppress(OSError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def fix(self) -> None:
        """Bring back the tracker, the branch and the stashed work."""
        self.fix_tracker()
        if not self.repository:
            return
        if git(self.root, "symbolic-ref", "--short", "HEAD") != BRANCH:
            git(self.root, "switch", "-q", BRANCH)
        if git(self.root, "stash", "list"):
            git(self.root, "stash", "pop", "-q") or git(self.root, "stash", "drop", "-q")

    def fix_tracker(self) -> None:
        """A tracker that the runner has written since, in one piece, is newer than the one that was kept."""
        tracker = self.root / TRACKER
        kept = tracker.with_name(tracker.name + KEPT)
        if kept.exists():
            if tracker.exists() and tracker.read_bytes() not in UNREADABLE:
                kept.unlink()
            else:
                kept.replace(tracker)
