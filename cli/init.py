"""`init`: a sprint-status.yaml made of a project's epics, shown before it is written."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path
from typing import Final, TextIO

import sprint
from cli.errors import CannotStart

DECLINED: Final = 1  # the exit code of a tracker that was shown and not written


def make_tracker(
    options: argparse.Namespace, answers: TextIO = sys.stdin, questions: TextIO = sys.stderr, out: TextIO = sys.stdout
) -> int:
    """Show the tracker, ask, write it and return the exit code. Raises `CannotStart`."""
    project, day = project_of((options.project or Path.cwd()).absolute()), date.today()
    proposal = propose(project, day)
    out.write(proposal.text)
    out.flush()
    for problem in proposal.problems:
        line = "" if problem.line is None else f"line {problem.line}: "
        questions.write(f"{line}{problem.message}\n")
    if not options.yes:
        if not (answers.isatty() and questions.isatty()):
            raise CannotStart(f"nothing was written: use --yes to write this text to {proposal.path}")
        questions.write(f"Write this to {proposal.path}? [y/N] ")
        questions.flush()
        if answers.readline().strip().lower() not in ("y", "yes"):
            questions.write("Nothing was written.\n")
            return DECLINED
    try:
        sprint.make_tracker(project, day, proposal.sha256)
    except (sprint.Conflict, sprint.Refused) as error:
        raise CannotStart(str(error)) from None
    questions.write(f"{proposal.path} is written: commit it, then start the server.\n")
    return 0


def project_of(root: Path) -> sprint.Project:
    """Return the project that a tracker of `root` would belong to. Raises `CannotStart` where it has a plan."""
    if not root.is_dir():
        raise CannotStart(f"there is no folder {root}")
    try:
        found = sprint.locate(root)
    except sprint.ProjectNotFound:
        return sprint.unplanned(root.resolve())
    raise CannotStart(f"{found.tracker} is there already: `init` is for a project that has epics and no plan yet")


def propose(project: sprint.Project, day: date) -> sprint.Proposal:
    """Return the tracker of a project that has epics and no plan. Raises `CannotStart` without a story."""
    proposal = sprint.propose(project, day)
    if not proposal.text:
        raise CannotStart(
            f"no epics with stories were found below {project.planning or project.output}: a heading such as "
            "`## Epic 1: …` with `### Story 1.1: …` below it, in a file such as epics.md, is what is looked for"
        )
    return proposal
