"""A BMAD 4 project as the one model of all plans: its epics' headings and its story files."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from base.regular import read_or_empty
from sprint import walk
from sprint.document import Mapping, decode, parse
from sprint.epics import EpicDoc, merged, read_epic_file
from sprint.keys import Grammar, natural, normal
from sprint.kindof import MAX_CONFIG_BYTES, V4_CONFIG, stories_folder
from sprint.model import Conditions, EpicEntry, PlanKind, Problem, Shape, Sprint, StoryEntry
from sprint.notes import is_note
from sprint.status import Kind, Status
from sprint.story import read_story
from sprint.storystatus import file_status

_LEAD = re.compile(r"(?:story|us)[-_.](?=\d)", re.IGNORECASE)
# `01.02.login.md` is story 1.2.
_ZEROS = re.compile(r"^0+(?=\d)")
_DEPTH = 2


@dataclass(frozen=True, slots=True)
class Places:
    """Where a BMAD 4 project keeps its stories and epics; absolute."""

    stories: Path
    epics: tuple[Path, ...]


def places_of(root: Path) -> Places:
    """The folders that the configuration names, or the usual ones."""
    document = parse(decode(read_or_empty(root / V4_CONFIG, MAX_CONFIG_BYTES))).root
    config = document if isinstance(document, Mapping) else Mapping([], 0)
    prd = config.get("prd")
    sharded = prd.text("prdShardedLocation") if isinstance(prd, Mapping) else ""
    single = prd.text("prdFile") if isinstance(prd, Mapping) else ""
    epics = [root / (sharded or "docs/prd"), root / "docs/epics"]
    epics += [root / (single or "docs/prd.md")]
    return Places(stories_folder(root), tuple(epics))


def story_paths(folder: Path) -> dict[tuple[str, str], list[Path]]:
    """The story files of a folder by epic and number."""
    # Without a tracker there are no epic keys by which `1-5-1` could be read as story 1 of epic 1.5.
    grammar = Grammar(())
    found: dict[tuple[str, str], list[Path]] = {}
    for entry in walk.files(folder, _DEPTH):
        stem = entry.name.removesuffix(".md").removesuffix(".story")
        if not entry.name.endswith(".md") or not entry.is_file() or is_note(stem):
            continue
        key = grammar.classify(normal(_LEAD.sub("", stem)))
        if key.kind is Kind.STORY:
            found.setdefault((_plain(key.epic), _plain(key.number)), []).append(Path(entry.path))
    return found


def _plain(number: str) -> str:
    return _ZEROS.sub("", number)


def planned_epics(places: Places) -> dict[str, EpicDoc]:
    """The epics of the sharded or the single requirements document."""
    files: list[Path] = []
    for place in places.epics:
        files += [place] if walk.is_file(place) else []
        files += [Path(entry.path) for entry in walk.files(place, 0) if entry.name.endswith(".md")]
    return merged(read_epic_file(path) for path in files)


def read_v4(root: Path) -> Sprint:
    """The plan of a BMAD 4 project. Never raises for what is on the disk."""
    places = places_of(root)
    epics, files = planned_epics(places), story_paths(places.stories)
    numbers = {(epic, number) for epic, doc in epics.items() for number in doc.stories}
    order = sorted({*numbers, *files}, key=lambda pair: (natural(pair[0]), natural(pair[1])))
    stories = [_story(place, pair, epics, files.get(pair, [])) for place, pair in enumerate(order)]
    names = list(dict.fromkeys(epic for epic, _ in order))
    entries = [_epic(epic, epics.get(epic), stories, len(order) + place) for place, epic in enumerate(names)]
    # No single file holds the plan, so its version is that of what was read.
    state = hashlib.sha256(repr((entries, stories)).encode("utf-8", "replace")).hexdigest()
    return Sprint(
        tuple(entries),
        tuple(stories),
        problems=tuple(_problems(stories)),
        shape=Shape.FILES,
        sha256=state,
        writable=True,
        broken=not stories,
        kind=PlanKind.V4,
    )


def _problems(stories: Iterable[StoryEntry]) -> Iterable[Problem]:
    for story in stories:
        if len(story.paths) > 1:
            names = ", ".join(Path(path).name for path in story.paths)
            yield Problem(None, f"Several files belong to the story {story.key}: {names}. Leave one.")


def _story(position: int, pair: tuple[str, str], epics: dict[str, EpicDoc], paths: list[Path]) -> StoryEntry:
    epic, number = pair
    doc = epics.get(epic)
    plan = doc.stories.get(number) if doc else None
    raw = read_story(paths[0]).raw_status if len(paths) == 1 else ""
    return StoryEntry(
        key=f"{epic}.{number}",
        epic=epic,
        status=_status(paths, raw),
        raw_status=raw,
        line=None,
        position=position,
        title=plan.title if plan else "",
        # A story without a file may be run: its first command writes the file, and the status with it.
        editable=len(paths) < 2 and (not paths or bool(raw)),
        number=number,
        paths=tuple(map(str, sorted(paths))),
        conditions=Conditions(ref=f"{epic}.{number}"),
    )


def _status(paths: list[Path], raw: str) -> Status:
    """`Draft` waits for its approval: like a story without a file it has not begun."""
    if len(paths) > 1 or (paths and not raw):
        return Status.UNKNOWN
    return Status.BACKLOG if raw.strip().lower() in ("", "draft") else file_status(raw)


def _epic(epic: str, doc: EpicDoc | None, stories: list[StoryEntry], position: int) -> EpicEntry:
    own = {story.status for story in stories if story.epic == epic} - {Status.PARKED}
    same = own.pop() if len(own) == 1 else None
    # BMAD 4 records no status of an epic.
    status = same if same in (Status.BACKLOG, Status.DONE) else Status.IN_PROGRESS
    title = doc.title if doc else ""
    return EpicEntry(f"epic-{epic}", epic, status, "", None, "", position, title)
