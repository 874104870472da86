"""Which kind of plan a file is, and the plans that a project's own configuration names."""

import re
from dataclasses import dataclass
from pathlib import Path

from base.regular import read_or_empty
from sprint import walk
from sprint.document import MAX_BYTES, Mapping, Sequence, decode, parse
from sprint.model import PlanKind
from sprint.tickets.frontmatter import TreeError
from sprint.tickets.layers import read_layers
from sprint.tickets.lists import TICKETS_FILE, parse_list

STORIES_FILE = "stories.yaml"
V4_CONFIG = ".bmad-core/core-config.yaml"
V4_STORIES = "docs/stories"
MAX_CONFIG_BYTES = 256 * 1024

_V4_STORY = re.compile(r"(?:story[-_.])?\d+\.\d+[\w.-]*\.md$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Plans:
    """The plan that the user's configuration names, and further ones of the newer and older kinds."""

    active: Path | None = None
    others: tuple[Path, ...] = ()


def kind_of(path: Path) -> PlanKind:
    """The kind of the plan at `path`, by its name alone."""
    if path.name == TICKETS_FILE:
        return PlanKind.TICKETS
    if path.name == STORIES_FILE:
        return PlanKind.STORIES
    # A BMAD 4 project without a configuration is represented by its folder of stories.
    if path.is_dir() or path.as_posix().endswith(V4_CONFIG):
        return PlanKind.V4
    return PlanKind.TRACKER


def is_plan_file(path: Path) -> bool:
    """Whether a file that was found by its name is a plan; an epic's own tickets are a part of one only."""
    if path.name == TICKETS_FILE:
        return is_initiative(path)
    return path.name != STORIES_FILE or is_story_list(path)


def is_initiative(path: Path) -> bool:
    """Whether a tickets.toml is that of an initiative, with or without epics."""
    if walk.is_file(path.parent.parent / TICKETS_FILE) and path.parent.name.startswith("epic-"):
        return False
    try:
        found = parse_list(read_or_empty(path, MAX_BYTES), path.name)
    except TreeError:
        # Broken, but an initiative by its place: shown with the reason rather than passed over.
        return any(path.parent.glob(f"epic-*/{TICKETS_FILE}"))
    return bool(found.epics or found.entries) or any(path.parent.glob(f"epic-*/{TICKETS_FILE}"))


def is_story_list(path: Path) -> bool:
    """Whether a stories.yaml is a list of stories."""
    root = parse(decode(read_or_empty(path, MAX_BYTES))).root
    items = root.items if isinstance(root, Sequence) else []
    return bool(items) and all(isinstance(item, Mapping) and item.text("id") for item in items)


def found_plans(root: Path) -> Plans:
    """The active initiative of a project, and its BMAD 4 stories."""
    return Plans(_active(root), tuple(_v4(root)))


def _active(root: Path) -> Path | None:
    if not (root / "_bmad").is_dir():
        return None
    try:
        initiative = read_layers(root).initiative
    except TreeError:
        return None
    if initiative is None or not walk.is_file(initiative / TICKETS_FILE):
        return None
    return (initiative / TICKETS_FILE).resolve()


def stories_folder(root: Path) -> Path:
    """Where BMAD 4 keeps its stories."""
    config = parse(decode(read_or_empty(root / V4_CONFIG, MAX_CONFIG_BYTES))).root
    named = config.text("devStoryLocation") if isinstance(config, Mapping) else ""
    return root / (named or V4_STORIES)


def _v4(root: Path) -> list[Path]:
    """The configuration of a BMAD 4 project, or its folder of stories; [] where there are none."""
    folder = stories_folder(root)
    if walk.is_file(root / V4_CONFIG):
        return [(root / V4_CONFIG).resolve()]
    found = any(_V4_STORY.match(entry.name) for entry in walk.files(folder, 0))
    return [folder.resolve()] if found else []
