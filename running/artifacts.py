"""The files that belong to a story beside its code: its story file, specs and discoveries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import sprint
from running.untracked import shared_files
from running.workspace import Workspace
from sprint import Project

ARTIFACTS_MAX: Final = 50  # files of one story that are named
FOLDER_MAX: Final = 5000  # files of the artifacts folder that are looked at


def artifacts_of(project: Project, key: str, files: Sequence[Path]) -> list[Path]:
    """Return the story's `files`, and those beside them that carry its key in their names; all inside the project."""
    named = re.compile(rf"(?:^|[-_.]){re.escape(key)}(?=$|[-_.])")
    found = list(files)
    try:
        beside = sorted(path for path, _ in zip(project.artifacts.iterdir(), range(FOLDER_MAX), strict=False))
    except OSError:
        beside = []
    found += [path for path in beside if path not in files and named.search(path.stem) and path.is_file()]
    return [path for path in found if path.resolve().is_relative_to(project.root.resolve())][:ARTIFACTS_MAX]


def committed_artifacts(workspace: Workspace, keys: Sequence[str], uncommitted: set[str]) -> set[str]:
    """Return which of the uncommitted files belong into the commit of these stories. Blocks on the disk.

    All paths are relative to the project. In the user's own tree these are the stories' files, the tracker and the
    context file; in a lane the last two are copies, and new files of the artifacts folder would be lost with it.
    """
    project = workspace.project
    found = set()
    for key in keys:
        for path in artifacts_of(project, key, sprint.story_files(project, key)):
            found.add(workspace.relative(path))
    shared = set(shared_files(project))
    if workspace.main is None:
        return (found | shared) & uncommitted
    main = workspace.main
    new = {
        path
        for path in uncommitted
        if (project.root / path).is_relative_to(project.artifacts) and not (main.root / path).exists()
    }
    return ((found | new) & uncommitted) - shared
