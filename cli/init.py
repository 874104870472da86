"""`init`: a sprint-status.yaml made of a project's epics, shown before it is written."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, TextIO

import sprint
from base.files import create_file
from cli.errors import CannotStart
from sprint.config import ARTIFACT_KEYS, read_config
from sprint.locate import NAMES
from sprint.project import inside

ARTIFACTS: Final = "_bmad-output/implementation-artifacts"  # where newer versions of BMAD keep stories
OUTPUTS: Final = ("_bmad-output", "docs")  # folders of epics, unless the configuration names one
DECLINED: Final = 1  # the exit code of a tracker that was shown and not written


@dataclass(frozen=True, slots=True)
class Proposal:
    """The text of a tracker and the path to write it to."""

    path: Path
    text: str


def make_tracker(
    options: argparse.Namespace, answers: TextIO = sys.stdin, questions: TextIO = sys.stderr, out: TextIO = sys.stdout
) -> int:
    """Show the tracker, ask, write it and return the exit code. Raises `CannotStart`."""
    proposal = propose((options.project or Path.cwd()).absolute(), date.today())
    out.write(proposal.text)
    out.flush()
    if not options.yes:
        if not (answers.isatty() and questions.isatty()):
            raise CannotStart(f"nothing was written: use --yes to write this text to {proposal.path}")
        questions.write(f"Write this to {proposal.path}? [y/N] ")
        questions.flush()
        if answers.readline().strip().lower() not in ("y", "yes"):
            questions.write("Nothing was written.\n")
            return DECLINED
    _write(proposal)
    questions.write(f"{proposal.path} is written: commit it, then start the server.\n")
    return 0


def propose(root: Path, day: date) -> Proposal:
    """Return the tracker of a project that has epics and no plan. Raises `CannotStart`."""
    if not root.is_dir():
        raise CannotStart(f"there is no folder {root}")
    try:
        found = sprint.locate(root)
    except sprint.ProjectNotFound:
        project = _project(root.resolve())
    else:
        raise CannotStart(f"{found.tracker} is there already: `init` is for a project that has epics and no plan yet")
    stories = project.artifacts.relative_to(project.root).as_posix()
    text = sprint.tracker_text(sprint.read_epics(project), project.name, stories, day)
    if not text:
        raise CannotStart(
            f"no epics with stories were found below {project.planning or project.output}: a heading such as "
            "`## Epic 1: …` with `### Story 1.1: …` below it, in a file such as epics.md, is what is looked for"
        )
    return Proposal(project.tracker, text)


def _project(root: Path) -> sprint.Project:
    """Return the project that the tracker will belong to, from BMAD's configuration or the usual folders."""
    config = read_config(root)
    configured = next((path for key in ARTIFACT_KEYS if (path := config.path(key)) is not None), None)
    artifacts = configured if configured is not None and inside(configured, root) else root / ARTIFACTS
    output = config.path("output_folder") or next((root / name for name in OUTPUTS if (root / name).is_dir()), root)
    planning = config.path("planning_artifacts")
    name = config.values.get("project_name") or root.name or "project"
    return sprint.Project(root, artifacts / NAMES[0], (), artifacts, planning, output, name)


def _write(proposal: Proposal) -> None:
    try:
        proposal.path.parent.mkdir(parents=True, exist_ok=True)
        create_file(proposal.path, proposal.text.encode())
    except FileExistsError:
        raise CannotStart(f"{proposal.path} is there already; nothing was written") from None
    except OSError as error:
        raise CannotStart(f"{proposal.path} cannot be written: {error.strerror}") from None
