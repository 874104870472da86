"""A tracker that is proposed for a project with epics and without a plan: its text, its place, what is left out.

Nothing is written before an operator has seen the text, and never over a file that is there.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from base.files import create_file
from sprint.config import ARTIFACT_KEYS, read_config
from sprint.edit import Conflict, Refused
from sprint.epics import EpicDoc, list_epic_files, odd_headings, read_epics
from sprint.keys import natural
from sprint.locate import NAMES, upward
from sprint.markdown import read_markdown
from sprint.model import PlanKind, Problem
from sprint.planning import tracker_text
from sprint.project import Project, inside, planning_folder

# Where newer versions of BMAD keep stories.
ARTIFACTS = "_bmad-output/implementation-artifacts"
# Folders of epics, unless the configuration names one.
OUTPUTS = ("_bmad-output", "docs")
BMAD_7 = "_bmad/method"
MAX_PROBLEMS = 30


@dataclass(frozen=True, slots=True)
class Proposal:
    """The text of a tracker and the path to write it to; `text` is "" without a story.

    epics, stories: how many are in the text. problems: headings that are not understood, epics that are left out.
    """

    path: Path
    text: str
    epics: int = 0
    stories: int = 0
    problems: tuple[Problem, ...] = ()

    @property
    def sha256(self) -> str:
        """The hash of text and place, by which a caller names what it has shown."""
        return hashlib.sha256(f"{self.path}\0{self.text}".encode("utf-8", "surrogateescape")).hexdigest()


def unplanned(root: Path) -> Project:
    """The project that a tracker of `root` will belong to, from BMAD's configuration or the usual folders."""
    config = read_config(root)
    configured = next((path for key in ARTIFACT_KEYS if (path := config.path(key)) is not None), None)
    artifacts = configured if configured is not None and inside(configured, root) else root / ARTIFACTS
    output = config.path("output_folder") or next((root / name for name in OUTPUTS if (root / name).is_dir()), root)
    name = config.values.get("project_name") or root.name or "project"
    planning = planning_folder(root, config)
    return Project(root, artifacts / NAMES[0], (), artifacts, planning, output, name, kind=PlanKind.NONE)


def find_unplanned(start: Path) -> Project | None:
    """The project at or above a folder that has documents of epics; to be asked where no plan was found.

    None where BMAD 7 is installed, which plans with tickets and has no use for a tracker.
    """
    folder = start.expanduser().absolute()
    if not folder.is_dir():
        return None
    found = (unplanned(root) for root in upward(folder.resolve()))
    project = next((project for project in found if list_epic_files(project)), None)
    return None if project is None or (project.root / BMAD_7).is_dir() else project


def propose(project: Project, day: date) -> Proposal:
    """The tracker of a project's epics. Blocks on the disk; never raises for what is on it."""
    epics = read_epics(project)
    stories = project.artifacts.relative_to(project.root).as_posix()
    text = tracker_text(epics, project.name, stories, day)
    planned = [epic for epic in epics.values() if epic.stories]
    return Proposal(
        project.tracker,
        text,
        len(planned),
        sum(len(epic.stories) for epic in planned),
        (*_not_understood(project), *_left_out(epics))[:MAX_PROBLEMS],
    )


def _not_understood(project: Project) -> list[Problem]:
    problems = []
    for file in list_epic_files(project):
        path = Path(file.path)
        shown = path.relative_to(project.root) if path.is_relative_to(project.root) else path
        try:
            headings = odd_headings(read_markdown(path))
        except OSError as error:
            problems.append(Problem(None, f"{shown} cannot be read: {error.strerror or error}."))
            continue
        problems += [
            Problem(line, f"{shown}: the heading {title!r} is not understood as an epic or a story with its number.")
            for line, title in headings
        ]
    return problems


def _left_out(epics: Mapping[str, EpicDoc]) -> list[Problem]:
    empty = sorted((ident for ident, epic in epics.items() if not epic.stories), key=natural)
    if not empty:
        return []
    named = f"Epic {empty[0]} has" if len(empty) == 1 else f"The epics {', '.join(empty)} have"
    return [Problem(None, f"{named} no stories and would be left out.")]


def make_tracker(project: Project, day: date, expected: str) -> Proposal:
    """Create the tracker that was shown, of which `expected` is the hash. Raises Refused, Conflict.

    Nothing is written then.
    """
    proposal = propose(project, day)
    if not proposal.text:
        raise Refused("There are no epics with stories of which a plan could be made.")
    if not inside(proposal.path, project.root):
        raise Refused(f"{proposal.path} lies outside the project.")
    if expected != proposal.sha256:
        raise Conflict(proposal.sha256, "The epics have changed since the text was shown: look at it again.")
    try:
        proposal.path.parent.mkdir(parents=True, exist_ok=True)
        create_file(proposal.path, proposal.text.encode("utf-8", "surrogateescape"))
    except FileExistsError:
        raise Refused(f"{proposal.path} is there already; nothing was written.") from None
    except OSError as error:
        raise Refused(f"{proposal.path} cannot be written: {error.strerror or error}.") from error
    return proposal
