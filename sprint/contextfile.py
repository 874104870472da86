"""The file that describes a project to agents: BMAD's project-context.md, or an AGENTS.md."""

from pathlib import Path

from sprint import walk
from sprint.project import Project

CONTEXT_FILE = "project-context.md"
AGENTS_FILE = "AGENTS.md"
# BMAD looks for it everywhere; real ones lie at most this far below the root.
_DEPTH = 4
_FOLDERS = 500


def context_file(project: Project) -> Path | None:
    """The context that a project has, None if it has none.

    In the output folder first, since one is made there; then in the root, anywhere below it, an
    AGENTS.md of the root last.
    """
    for folder in (project.output, project.root, project.root / "docs"):
        if walk.is_file(folder / CONTEXT_FILE):
            return folder / CONTEXT_FILE
    for entry in walk.files(project.root, _DEPTH, _FOLDERS):
        if entry.name == CONTEXT_FILE and entry.is_file():
            return Path(entry.path)
    agents = project.root / AGENTS_FILE
    return agents if walk.is_file(agents) else None
