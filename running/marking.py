"""The status of a story written into the plan: through the project's own program where it has one, else by ours."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import sprint
from sprint.project import inside
from sprint.tickets.frontmatter import TreeError
from sprint.tickets.layers import find_root, read_layers
from sprint.tickets.official import Finished, mark_officially, script_of
from sprint.tickets.writer import find_key, mark_for

MARK_TIMEOUT_S: Final = 60.0  # of the project's own program, which takes a fraction of a second


def write_status(
    project: sprint.Project,
    key: str,
    new: str,
    reason: str | None,
    before_writing: Callable[[], None] = lambda: None,
) -> None:
    """Set a status. Blocks on the disk; raises `sprint.Refused` and `sprint.Conflict`, nothing is written then.

    `before_writing` is called when everything else is done, as far as the kind of plan permits; nothing is written if
    it raises.
    """
    if project.kind is sprint.PlanKind.TICKETS:
        before_writing()
        if not _mark_by_program(project, key, new, reason):
            sprint.set_status(project, key, new, reason=reason)
    else:
        sprint.set_status(project, key, new, reason=reason, before_writing=before_writing)


def is_copy(project: sprint.Project) -> bool:
    """Whether a tracker keeps the tickets, so that the tree is never marked; blocks on the disk."""
    return bool(sprint.read(project).store)


def plan_path_of(project: sprint.Project, key: str) -> Path | None:
    """Return where the plan of a ticket is or goes; None where the tree cannot be read."""
    try:
        return find_key(project, key).plan
    except (TreeError, sprint.Refused):
        return None


def folder_of(project: sprint.Project, key: str) -> Path | None:
    """Return the folder of a ticket; None where the tree cannot be read."""
    try:
        return find_key(project, key).folder.path
    except (TreeError, sprint.Refused):
        return None


def is_active(project: sprint.Project) -> bool:
    """Whether the project's ticket tree is the one that BMAD's own skills work on; blocks on the disk."""
    try:
        active = read_layers(find_root(project.tracker.parent) or project.root).initiative
    except TreeError:
        return False
    return active is not None and active.resolve() == project.tracker.parent.resolve()


def _mark_by_program(project: sprint.Project, key: str, new: str, reason: str | None) -> bool:
    """Mark a ticket by the project's own tickets.py; whether it has one. Raises `sprint.Refused`."""
    try:
        config = read_layers(find_root(project.tracker.parent) or project.root)
        if script_of(config) is None:
            return False
        found = find_key(project, key)
        if not inside(found.folder.path, project.root):
            raise sprint.Refused(f"The tickets lie outside the project, in {found.folder.path}.")
        mark_officially(config, found, mark_for(new, reason), _run)
    except TreeError as error:
        raise sprint.Refused(f"The ticket {key} cannot be marked: {error}") from error
    return True


def _run(argv: list[str], folder: Path) -> Finished:
    try:
        done = subprocess.run(
            argv, cwd=folder, capture_output=True, stdin=subprocess.DEVNULL, timeout=MARK_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finished(1, b"", str(error).encode())
    return Finished(done.returncode, done.stdout, done.stderr)
