"""Two schemas in which the status of a story stands in the story's own file. Only read, never written.

stories.yaml   a list of {id, title, …} in execution order; statuses in `stories/<id>-*.md`
tickets.toml   [[epic]] in an initiative's folder and [[entry]] in each `epic-<slug>/`; statuses in
               the frontmatter of the plans there, joined by `ticket: <id>`
"""

import hashlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sprint import walk
from sprint.document import MAX_BYTES, Mapping, Sequence, decode, parse
from sprint.keys import Grammar
from sprint.markdown import read_markdown
from sprint.model import EpicEntry, Problem, Shape, Sprint, StoryEntry
from sprint.status import Kind, Status, canonical
from sprint.story import read_story

STORIES_FILE = "stories.yaml"
TICKETS_FILE = "tickets.toml"

# How a ticket's plan is shown on a board; a story without a plan has not been begun.
_PLAN_STATUS = {
    **dict.fromkeys(("", "draft", "ready-for-dev"), Status.BACKLOG),
    **dict.fromkeys(("in-progress", "blocked"), Status.IN_PROGRESS),
    **dict.fromkeys(("in-review", "built"), Status.REVIEW),
    "done": Status.DONE,
    "dropped": Status.PARKED,
}


@dataclass(frozen=True, slots=True)
class _Plan:
    """A plan file and the status in its frontmatter."""

    path: Path
    status: str


def is_plan(path: Path) -> bool:
    """Whether a file of one of the two names is what it seems to be; an epic's own tickets are a part only."""
    if path.name == TICKETS_FILE:
        return not walk.is_file(path.parent.parent / TICKETS_FILE) and bool(_tables(path, "epic"))
    root = parse(decode(_bytes(path))).root
    items = root.items if isinstance(root, Sequence) else []
    return bool(items) and all(isinstance(item, Mapping) and item.text("id") for item in items)


def read_plan(path: Path) -> Sprint:
    """The sprint of a stories.yaml or an initiative's tickets.toml. Never raises for what is on the disk."""
    if path.name == TICKETS_FILE:
        epics, stories = _tickets(path)
        shape = Shape.TICKETS
    else:
        epics, stories, shape = [], list(_listed(path)), Shape.SPECS
    note = Problem(None, f"Projects with a {path.name} are only read: their status stands in each story's file.")
    state = hashlib.sha256(repr((epics, stories)).encode("utf-8", "replace")).hexdigest()
    return Sprint(tuple(epics), tuple(stories), problems=(note,), shape=shape, sha256=state, broken=not stories)


def _listed(path: Path) -> Iterator[StoryEntry]:
    source = decode(_bytes(path))
    root = parse(source).root
    items = [item for item in (root.items if isinstance(root, Sequence) else []) if isinstance(item, Mapping)]
    grammar = Grammar(())
    files = [Path(entry.path) for entry in walk.files(path.parent / "stories", 0) if entry.name.endswith(".md")]
    for position, item in enumerate(items):
        ident = item.text("id")
        key = grammar.classify(ident.replace(".", "-"))
        epic, number = (key.epic, key.number) if key.kind is Kind.STORY else ("", ident)
        file = next((file for file in files if file.stem == ident or file.stem.startswith(f"{ident}-")), None)
        raw = read_story(file).raw_status if file else "backlog"
        line, title = source.line(item.start), item.text("title")
        shown = str(file) if file else ""
        yield StoryEntry(ident, epic, canonical(raw), raw, line, "", position, title, number=number, path=shown)


def _tickets(path: Path) -> tuple[list[EpicEntry], list[StoryEntry]]:
    epics: list[EpicEntry] = []
    stories: list[StoryEntry] = []
    for table in _tables(path, "epic"):
        ident, folder = _text(table, "id"), path.parent / f"epic-{_text(table, 'slug')}"
        found = list(_entries(folder, ident, len(epics) + len(stories) + 1))
        status = _together([story.status for story in found])
        place = len(epics) + len(stories)
        epics.append(EpicEntry(f"epic-{ident}", ident, status, "", None, "", place, _text(table, "title")))
        stories += found
    return epics, stories


def _entries(folder: Path, epic: str, position: int) -> Iterator[StoryEntry]:
    plans = dict(_plans(folder))
    for place, table in enumerate(_tables(folder / TICKETS_FILE, "entry"), position):
        number = _text(table, "id")
        plan = plans.get(number)
        raw = plan.status if plan else ""
        status = _PLAN_STATUS.get(raw, Status.UNKNOWN)
        shown = str(plan.path) if plan else ""
        title = _text(table, "title")
        yield StoryEntry(f"{epic}.{number}", epic, status, raw, None, "", place, title, number=number, path=shown)


def _plans(folder: Path) -> Iterator[tuple[str, _Plan]]:
    for entry in walk.files(folder, 0):
        if entry.name.endswith("-plan.md"):
            try:
                front = read_markdown(Path(entry.path)).front
            except OSError:
                continue
            yield front.get("ticket", ""), _Plan(Path(entry.path), front.get("status", ""))


def _together(statuses: list[Status]) -> Status:
    """An epic's status, which tickets do not have: that of its stories."""
    kept = {status for status in statuses if status is not Status.PARKED}
    if len(kept) == 1 and kept <= {Status.BACKLOG, Status.DONE}:
        return kept.pop()
    return Status.IN_PROGRESS if kept else Status.BACKLOG


def _tables(path: Path, name: str) -> list[dict[str, object]]:
    try:
        found = tomllib.loads(_bytes(path).decode("utf-8", "replace")).get(name)
    except (tomllib.TOMLDecodeError, RecursionError):
        return []
    return [table for table in found if isinstance(table, dict)] if isinstance(found, list) else []


def _text(table: dict[str, object], name: str) -> str:
    value = table.get(name, "")
    return str(value) if isinstance(value, str | int | float) else ""


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES)
    except OSError:
        return b""
