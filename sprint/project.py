"""The project on disk as a value, and its folders: stories, planning, output.

Where the configuration names a folder that is not there, or one that nothing uses any more, the folder in use counts.
"""

from dataclasses import dataclass
from pathlib import Path

from base.regular import read_or_empty
from sprint import walk
from sprint.config import ARTIFACT_KEYS, Config, expand, read_config
from sprint.document import MAX_BYTES, Mapping, decode, parse
from sprint.initiatives import read_initiatives
from sprint.kindof import kind_of, stories_folder
from sprint.model import PlanKind


@dataclass(frozen=True, slots=True)
class Project:
    """A project on disk. All paths are absolute; `tracker` and `candidates` have their links resolved.

    artifacts: the folder in which story files are created. planning: the folder of epics and PRD.
    output: the folder of project-context.md. kind: what `tracker` is: a tracker, a stories.yaml, the
    tickets.toml of an initiative, or BMAD 4's configuration (its folder of stories where it has none).
    """

    root: Path
    tracker: Path
    candidates: tuple[Path, ...]
    artifacts: Path
    planning: Path | None
    output: Path
    name: str
    story_location: Path | None = None
    kind: PlanKind = PlanKind.TRACKER


def inside(path: Path, root: Path) -> bool:
    """Whether `path`, its links resolved, lies below `root`."""
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # a loop of links
        return False


def project_of(root: Path, tracker: Path, candidates: tuple[Path, ...]) -> Project:
    """The project at `root` with this plan; `candidates` are others that it was chosen from."""
    config = read_config(root)
    kind = kind_of(tracker)
    document = parse(decode(read_or_empty(tracker, MAX_BYTES))).root if kind is PlanKind.TRACKER else None
    meta = document if isinstance(document, Mapping) else Mapping([], 0)
    stories = _folder(expand(meta.text("story_location"), root, config.values))
    if stories and _is_stale(stories, tracker, meta, config):
        stories = None
    return Project(
        root=root,
        tracker=tracker,
        candidates=_rivals(kind, root, candidates),
        artifacts=_places.get(kind, _artifacts)(root, tracker, stories, config),
        planning=planning_folder(root, config),
        output=_output(root, tracker, config),
        name=config.values.get("project_name") or meta.text("project", "project_name") or root.name or "project",
        story_location=stories,
        kind=kind,
    )


def _rivals(kind: PlanKind, root: Path, candidates: tuple[Path, ...]) -> tuple[Path, ...]:
    """The other plans; not the initiatives beside the one in use, which is a choice and no doubt."""
    if kind is not PlanKind.TICKETS or not any(kind_of(path) is kind for path in candidates):
        return candidates
    initiatives = {initiative.tickets for initiative in read_initiatives(root).every}
    return tuple(path for path in candidates if path not in initiatives)


def _folder(path: Path | None) -> Path | None:
    return path if path is not None and walk.is_folder(path) else None


def _is_stale(stories: Path, tracker: Path, meta: Mapping, config: Config) -> bool:
    """Whether a `story_location` is one that nothing uses any more: the tracker's stories lie elsewhere."""
    entries = meta.get("development_status")
    keys = [key.text for key, _ in entries.pairs] if isinstance(entries, Mapping) else []
    others = [tracker.parent, *(config.path(key) for key in ARTIFACT_KEYS)]
    return not _holds(stories, keys) and any(_holds(other, keys) for other in others if other)


def _holds(folder: Path, keys: list[str]) -> bool:
    return any(walk.is_file(folder / f"{key}.md") for key in keys)


def _artifacts(root: Path, tracker: Path, stories: Path | None, config: Config) -> Path:
    if stories and inside(stories, root):
        return stories
    beside = tracker.parent
    if any(beside.glob("stories/*.md")):
        return beside / "stories"
    configured = next((path for key in ARTIFACT_KEYS if (path := _folder(config.path(key)))), None)
    if configured and inside(configured, root) and (beside == root or not inside(beside, root)):
        return configured
    return beside if inside(beside, root) else root


def _beside(root: Path, tracker: Path, stories: Path | None, config: Config) -> Path:
    """The folder of a plan whose stories lie with it."""
    return tracker.parent


def _v4_stories(root: Path, tracker: Path, stories: Path | None, config: Config) -> Path:
    return _folder(stories_folder(root)) or root


def _spec_stories(root: Path, tracker: Path, stories: Path | None, config: Config) -> Path:
    return _folder(tracker.parent / "stories") or tracker.parent


_places = {PlanKind.TICKETS: _beside, PlanKind.STORIES: _spec_stories, PlanKind.V4: _v4_stories}


def planning_folder(root: Path, config: Config) -> Path | None:
    """The folder of epics and PRD: the configured one, else the first of the usual ones that is there."""
    output = config.path("output_folder")
    places = (
        config.path("planning_artifacts"),
        output / "planning-artifacts" if output else None,
        root / "_bmad-output/planning-artifacts",
        root / "docs/planning-artifacts",
        root / "docs",
    )
    return next((path for place in places if (path := _folder(place))), None)


def _output(root: Path, tracker: Path, config: Config) -> Path:
    configured = _folder(config.path("output_folder"))
    if configured:
        return configured
    for name in ("_bmad-output", "docs"):
        if tracker.is_relative_to(root / name):
            return root / name
    return root if tracker.parent == root else tracker.parent
