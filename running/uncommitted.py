"""The uncommitted changes that a start minds: those of tracked files that neither a run nor the page has written."""

from __future__ import annotations

from typing import Final

from git.snapshots import Git
from running.own_prompts import FOLDER
from settings import FILE_NAME

# Settings and prompts that were saved in the page. A run reads both from the project's own folder, never from a
# commit, so that nothing is lost where they are not committed.
PAGE_FILES: Final = (FILE_NAME, FOLDER)


async def changed_by_others(git: Git) -> list[str]:
    """Return the tracked files that differ from the last commit, relative to the repository's top."""
    own = [git.path_of(name) for name in PAGE_FILES]
    changed = await git.uncommitted(tracked=True)
    return [path for path in changed if not any(path == name or path.startswith(f"{name}/") for name in own)]
