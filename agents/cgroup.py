"""A control group (cgroup v2) for the server and all that it starts, where this user may make one.

Membership is inherited by every fork and cannot be left without write access to another group: it reaches what has
dropped its environment, its group and its parents. The group is made below the server's own one, so that a service
manager still counts everything as part of the service.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

PREFIX = "sprint-runner."
_MOUNTS = Path("/proc/self/mountinfo")
_OWN = Path("/proc/self/cgroup")


def own_folder(mounts: Path = _MOUNTS, own: Path = _OWN) -> Path | None:
    """The folder of this process's control group, None where there is no cgroup v2."""
    try:
        top = next((line.split()[4] for line in mounts.read_text().splitlines() if " - cgroup2 " in line), None)
        # `0::` is the line of the unified hierarchy; others belong to cgroup v1.
        path = next((line[3:] for line in own.read_text().splitlines() if line.startswith("0::")), None)
    except OSError:
        return None
    return None if top is None or path is None else Path(top) / path.lstrip("/")


def is_allowed(folder: Path | None) -> bool:
    """Whether this user may make a group below `folder` and move its own processes into it."""
    return folder is not None and os.access(folder, os.W_OK) and os.access(folder / "cgroup.procs", os.W_OK)


def enter(folder: Path | None) -> Path | None:
    """Move this process into a new group below `folder`; None, and nothing has changed, where that is not possible."""
    if folder is None or not is_allowed(folder):
        return None
    _remove_left(folder)
    made = folder / f"{PREFIX}{os.getpid()}"
    try:
        made.mkdir()
        (made / "cgroup.procs").write_text(str(os.getpid()))
    except OSError:
        with suppress(OSError):
            # An empty group would be left behind otherwise.
            made.rmdir()
        return None
    return made


def _remove_left(folder: Path) -> None:
    """Groups whose server and guardian were both killed; one that still has members cannot be removed."""
    for left in folder.glob(f"{PREFIX}*"):
        if not Path("/proc", left.name.removeprefix(PREFIX)).exists():
            with suppress(OSError):
                left.rmdir()
