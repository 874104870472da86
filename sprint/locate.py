"""Finding the BMAD project: its root and its tracker.

Looks at a folder or file, then upward to the top of the work tree: the setting, BMAD's config
files, the places where real trackers are, a bounded search. Promises to say where it looked.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from base.regular import read_or_empty
from sprint import walk
from sprint.config import ARTIFACT_KEYS, read_config
from sprint.document import MAX_BYTES
from sprint.initiatives import read_initiatives
from sprint.kindof import V4_STORIES, found_plans, is_plan_file, kind_of
from sprint.model import PlanKind, SprintError
from sprint.project import Project, project_of
from sprint.tickets.lists import TICKETS_FILE

# Where public projects keep it, most frequent first, and what BMAD's versions used.
KNOWN_FOLDERS = (
    "_bmad-output/implementation-artifacts",
    "docs/sprint-artifacts",
    "docs",
    "docs/implementation-artifacts",
    "_bmad-output",
    ".",
    "_bmad-output/planning-artifacts",
    "docs/stories",
    ".bmad-ephemeral",
    "_bmad-output/sprint-artifacts",
    "bmad",
    "_bmad",
    ".bmad",
)
NAMES = ("sprint-status.yaml", "sprint-status.yml")
_PLANNING_SKILL = ".claude/skills/bmad-sprint-planning"
_MARKERS = ("_bmad", ".bmad", "bmad/bmm", "_bmad-output", ".bmad-ephemeral", ".git")
_GLOB = re.compile(r"sprint-status.*\.ya?ml$|stories\.yaml$|tickets\.toml$", re.IGNORECASE)
_PATTERN = re.compile(r"template|example|sample", re.IGNORECASE)
_BLOCK = re.compile(rb"^(?:\xef\xbb\xbf)?[\"']?development_status[\"']?[ \t]*:", re.MULTILINE)
# A checkout writes files one after the other; ages that close say nothing about which one is in use.
SAME_AGE_S = 2.0
# A symbolic link checked out as text holds a path and nothing else.
LINK_TEXT_BYTES = 300


class ProjectNotFound(SprintError):
    """There is no tracker at or above the given folder; the message has the searched places and what to do."""


def locate(start: Path, tracker: str | None = None, initiative: str | None = None) -> Project:
    """The project at `start`, a folder or a tracker; `tracker` is the setting, relative to the root.

    initiative: the setting, the name of one of a BMAD 7 project; it counts where `tracker` is not set.
    Raises ProjectNotFound.
    """
    start = Path(start).expanduser().absolute()
    # Any other file is only a place to start from.
    if walk.is_file(start) and start.suffix.lower() not in (".yaml", ".yml", ".toml"):
        start = start.parent
    if walk.is_file(start):
        return project_of(_root_of(start).resolve(), _follow(start.resolve()), ())
    if not walk.is_folder(start):
        raise ProjectNotFound(f"There is no folder or file {start}. Name the folder of a BMAD project.")
    start = start.resolve()
    folders = list(upward(start))
    if tracker:
        return _configured(folders, tracker)
    if initiative:
        return _chosen(folders, initiative)
    for root in folders:
        plans = found_plans(root)
        known = _known(root)
        found = known + [path for path in _searched(root, root == start) if path not in known]
        found += [path for path in plans.others if path not in found]
        # The operator has chosen it in BMAD 7's settings; trackers beside it are left from before the migration.
        if plans.active is not None:
            return _rooted(root, plans.active, [*found, plans.active])
        if found:
            best = _best(found, known)
            return _rooted(root, best, found)
    raise ProjectNotFound(_nothing_found(folders))


def _rooted(found_at: Path, best: Path, found: list[Path]) -> Project:
    """The project of a tracker; its root lies above where it was found if the start was an inner folder."""
    for above in list(upward(found_at))[1:]:
        if best in (known := _known(above)):
            return _rooted(above, best, known)
    return project_of(found_at, best, tuple(path for path in found if path != best))


def upward(start: Path) -> Iterator[Path]:
    """The folder and those above it, up to the top of the work tree."""
    for folder in (start, *start.parents):
        yield folder
        # A folder, or a file in a linked worktree.
        if (folder / ".git").exists():
            return


def _configured(folders: list[Path], tracker: str) -> Project:
    for root in folders:
        path = root / Path(tracker).expanduser()
        if walk.is_file(path):
            best = path.resolve()
            return project_of(root, best, tuple(other for other in _known(root) if other != best))
    raise ProjectNotFound(
        f"The tracker {tracker} that the settings name does not exist below {folders[0]} nor above it. "
        "Correct the setting `tracker`, or leave it out to search."
    )


def _chosen(folders: list[Path], name: str) -> Project:
    """The project with the initiative of this name."""
    root = next((folder for folder in folders if (folder / "_bmad").is_dir()), folders[0])
    known = read_initiatives(root)
    found = known.named(name)
    if found is None:
        names = ", ".join(initiative.name for initiative in known.every) or "none"
        raise ProjectNotFound(
            f"There is no initiative {name} with a {TICKETS_FILE} in {root}; known are {names}. Correct the setting "
            "`initiative`, or leave it out for the one that BMAD's configuration names."
        )
    others = tuple(path for path in _known(root) if path != found.tickets)
    return project_of(root, found.tickets, others)


def _root_of(tracker: Path) -> Path:
    """The nearest folder above a tracker that looks like a project's root, else the tracker's own."""
    for folder in tracker.parents:
        if any((folder / marker).exists() for marker in _MARKERS):
            return folder
        if any(folder / known / tracker.name == tracker for known in KNOWN_FOLDERS if known != "."):
            return folder
    return tracker.parent


def _known(root: Path) -> list[Path]:
    """Trackers in the configured and the known places, links resolved, each once."""
    config = read_config(root)
    folders = [config.path(key) for key in ARTIFACT_KEYS]
    output = config.path("output_folder")
    if output:
        folders += [output / "implementation-artifacts", output]
    folders += [root / folder for folder in KNOWN_FOLDERS]
    places = [folder / name for folder in folders if folder for name in NAMES]
    return _existing(places)


def _existing(places: list[Path]) -> list[Path]:
    found: dict[Path, None] = {}
    for place in places:
        if walk.is_file(place):
            found[_follow(place.resolve())] = None
    return list(found)


def _follow(path: Path) -> Path:
    """The target of a link that was checked out as text, else the path itself."""
    if path.stat().st_size <= LINK_TEXT_BYTES:
        text = _head(path).decode("utf-8", "replace").strip()
        # git writes links as text where `core.symlinks` is false, as on Windows.
        if text.endswith((".yaml", ".yml")) and "\n" not in text and ":" not in text:
            target = path.parent / text
            if walk.is_file(target):
                return target.resolve()
    return path


def _searched(root: Path, thorough: bool) -> list[Path]:
    """Trackers anywhere below the starting folder or the top of the work tree; in between only known places count."""
    if not thorough and not (root / ".git").exists():
        return []
    paths = [Path(entry.path) for entry in walk.files(root) if _GLOB.match(entry.name)]
    return _existing([path for path in paths if not _PATTERN.search(path.name) and is_plan_file(path)])


# Where several kinds lie in one project, the later one counts.
_PREFERENCE = (PlanKind.V4, PlanKind.STORIES, PlanKind.TICKETS, PlanKind.TRACKER)


def _best(found: list[Path], known: list[Path]) -> Path:
    """The newest with a development_status; what only the search found comes after the known places.

    A sprint-status of another schema comes before a project that has no such file.
    """

    def rank(path: Path) -> tuple[bool, bool, int]:
        kind = kind_of(path)
        tracker = kind is PlanKind.TRACKER
        return (tracker and _BLOCK.search(_head(path)) is not None, path in known, _PREFERENCE.index(kind))

    top = max(map(rank, found))
    equals = [path for path in found if rank(path) == top]
    newest = max(_age(path) for path in equals)
    # The first of those of one age, which is the order of KNOWN_FOLDERS.
    return next(path for path in equals if _age(path) >= newest - SAME_AGE_S)


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _head(path: Path) -> bytes:
    return read_or_empty(path, MAX_BYTES)


def _nothing_found(folders: list[Path]) -> str:
    above = (
        ("", " and the folder above it")[len(folders) - 1]
        if len(folders) < 3
        else f" and the {len(folders) - 1} folders above it"
    )
    places = ", ".join(f"{folder}/" for folder in KNOWN_FOLDERS[:3])
    return (
        f"No sprint-status.yaml was found in {folders[0]}{above} (looked at BMAD's config files, {places} and "
        f"{len(KNOWN_FOLDERS) - 3} other usual places, then below the folder, also for tickets.toml and stories.yaml): "
        f"{_what_to_do(folders[0])}"
    )


def _what_to_do(folder: Path) -> str:
    """Sprint planning is advised only where the BMAD that is installed has such a command."""
    named = "name the project's folder or the setting `tracker`, or try --demo."
    if (folder / "_bmad/method").is_dir():
        return (
            "set core.active_initiative in _bmad/custom/config.user.toml, name a tickets.toml with the setting"
            " `tracker`, or try --demo."
        )
    if (folder / ".bmad-core").is_dir():
        return f"write a story in {V4_STORIES} with BMAD's story manager, {named}"
    return f"run BMAD's sprint planning first, {named}" if _has_sprint_planning(folder) else named


def _has_sprint_planning(folder: Path) -> bool:
    """Whether a BMAD of version 6 is there: its module, its output, or the command itself."""
    names = ("_bmad/bmm", ".bmad/bmm", "bmad/bmm", "_bmad-output", ".bmad-ephemeral", _PLANNING_SKILL)
    return any((folder / name).is_dir() for name in names)
