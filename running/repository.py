"""The repository of a project as the run sees it, looked for anew when a batch starts."""

from __future__ import annotations

from git.snapshots import Git
from running.workspace import Workspace


async def find_git(workspace: Workspace) -> Git | None:
    """Return the project's repository as the run sees it: the artifacts and our own data never count as a change.

    Raises `GitUnusable`.
    """
    project, data_dir = workspace.project, workspace.data_dir
    folders = [folder for folder in (project.artifacts, data_dir) if folder.is_relative_to(project.root)]
    names = (folder.relative_to(project.root).as_posix() for folder in folders)
    return await Git.find(project.root, data_dir / "snapshots", tuple(name for name in names if name != "."))


async def refresh_git(workspace: Workspace) -> None:
    """Look for the repository anew; what is known of one that is still the same is kept. Raises `GitUnusable`."""
    found = await find_git(workspace)
    known = workspace.git
    if found is None or known is None or found.prefix != known.prefix:
        workspace.git = found
