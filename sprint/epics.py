"""Epics and stories as planned: epics.md, or one file per epic.

Joined to the tracker by number, since titles change after planning. An epic named twice (in the
epic list and with its stories) is one.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from sprint import prose, walk
from sprint.keys import normal
from sprint.listing import StoryFile, listed_file
from sprint.markdown import Heading, Line, Markdown, plain_text, read_markdown
from sprint.project import Project

# Planning folders hold some dozens of files; epics lie at their top or one folder below.
_DEPTH = 2
_FOLDERS = 200

_EPIC = re.compile(
    r"\W*epic\s+(?P<id>[a-z]{0,2}\d+[a-z]?(?:[.-]\d+)*[a-z]?)\b\s*[:.\u2013\u2014|-]*\s*(?P<title>.*)", re.IGNORECASE
)
_STORY = re.compile(
    r"\W*(?:user\s+)?story\s+#?(?P<epic>[a-z]{0,2}\d+[a-z]?(?:[.-]\d+)*[a-z]?)[.-](?P<number>\d+[a-z]?|[a-z]{1,4}-?\d+)\b"
    r"\s*[:.\u2013\u2014|-]*\s*(?P<title>.*)",
    re.IGNORECASE,
)
_BARE_STORY = re.compile(
    r"(?P<epic>\d+[a-z]?)\.(?P<number>\d+[a-z]?)\s*(?:[:\u2013\u2014]|-\s)\s*(?P<title>.+)", re.IGNORECASE
)
_EPIC_FILE = re.compile(r"(?:^|.*[-_ ])epics?(?:[-_ .].*)?\.md$", re.IGNORECASE)
_NAMED_EPICS = re.compile(r"epics?[-_. ]?(?:\d.*)?\.?md$", re.IGNORECASE)
_NOT_EPICS = re.compile(r"retro|context|tech-spec|validation|report|checklist|proposal|summary", re.IGNORECASE)
# What is meant as the heading of an epic or a story: the word, and a number or a title behind a colon.
_MEANT = re.compile(r"\W*(?:epic|(?:user\s+)?story)\b(?:.*\d|\s*[:\u2013\u2014-])", re.IGNORECASE)
_GOAL = re.compile(r"\W*(?:epic\s+)?(?:goal|objective|outcome)s?[*_ ]*:[*_ ]*(.*)", re.IGNORECASE)
_CRITERIA = re.compile(r"[*_#\s]*acceptance\s+criteria", re.IGNORECASE)
_OTHER_PART = re.compile(r"\s*\*\*[^*]+:?\*\*:?\s*$")


@dataclass(frozen=True, slots=True)
class StoryPlan:
    """A story as planned: plain title, As-a-I-want statement, criteria as Markdown."""

    title: str
    statement: str = ""
    criteria: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EpicDoc:
    """An epic as planned; `stories` by number such as `1` or `2b`. `headed`: a heading says that it is the epic."""

    title: str
    goal: str = ""
    stories: dict[str, StoryPlan] = field(default_factory=dict)
    headed: bool = field(default=False, compare=False)


def read_epics(project: Project) -> dict[str, EpicDoc]:
    """All planned epics by normal id (`1`, `2a`, `1-5`). Never raises for what is on the disk."""
    return merged(read_epic_file(Path(file.path)) for file in list_epic_files(project))


def list_epic_files(project: Project) -> list[StoryFile]:
    """The files that may hold epics: epics.md first, then those of the planning folder."""
    seen: dict[str, StoryFile] = {}
    for folder in _folders(project):
        for entry in walk.files(folder, _DEPTH, _FOLDERS):
            if _may_hold_epics(entry) and entry.path not in seen and (file := listed_file(entry, project.root)):
                seen[entry.path] = file
    # `sorted` is stable, so the other files keep the order of their folders.
    return sorted(seen.values(), key=lambda file: os.path.basename(file.path) != "epics.md")


def merged(parts: "Iterator[dict[str, EpicDoc]]") -> dict[str, EpicDoc]:
    """Several files as one: the first title counts, gaps are filled from later files."""
    epics: dict[str, EpicDoc] = {}
    for part in parts:
        for ident, epic in part.items():
            known = epics.get(ident)
            epics[ident] = _filled(known, epic) if known else epic
    return epics


def epics_of(page: Markdown) -> dict[str, EpicDoc]:
    """The epics of one document."""
    epics: dict[str, EpicDoc] = {}
    for heading in page.headings:
        if story := _story(heading):
            known = epics.setdefault(normal(story["epic"]), EpicDoc(""))
            _fill(known.stories, story["number"].lower(), _plan(story["title"], page.body(heading)))
        elif heading.level <= 4 and (found := _EPIC.fullmatch(heading.title)):
            ident = normal(found["id"])
            title, goal = prose.trimmed(plain_text(found["title"])), _goal(page.body(heading, whole=False))
            epic = EpicDoc(title, goal, headed=True)
            epics[ident] = _filled(epics[ident], epic) if ident in epics else epic
    return epics


def odd_headings(page: Markdown) -> list[tuple[int, str]]:
    """Line and text of the headings that are meant as an epic or a story and are not understood as one."""
    return [
        (page.lines[heading.at].number, heading.title)
        for heading in page.headings
        if heading.level > 1 and _MEANT.match(heading.title) and not _is_understood(heading)
    ]


def _is_understood(heading: Heading) -> bool:
    return _story(heading) is not None or (heading.level <= 4 and _EPIC.fullmatch(heading.title) is not None)


def _story(heading: Heading) -> re.Match[str] | None:
    # The title of a story's own file, which defines nothing for the epic.
    if heading.level == 1:
        return None
    return _STORY.fullmatch(heading.title) or _BARE_STORY.fullmatch(heading.title)


def read_epic_file(path: Path) -> dict[str, EpicDoc]:
    """The epics of one file; {} if it cannot be read.

    A document that speaks of stories without being about their epic defines none of them.
    """
    try:
        epics = epics_of(read_markdown(path))
    except OSError:
        return {}
    if _NAMED_EPICS.match(path.name):
        return epics
    return {ident: epic for ident, epic in epics.items() if epic.headed}


def _fill(stories: dict[str, StoryPlan], number: str, plan: StoryPlan) -> None:
    """Puts a plan in its place; of two the first counts, its gaps filled from the second."""
    have = stories.get(number)
    if have:
        plan = replace(have, statement=have.statement or plan.statement, criteria=have.criteria or plan.criteria)
    stories[number] = plan


def _filled(known: EpicDoc, other: EpicDoc) -> EpicDoc:
    stories = dict(known.stories)
    for number, plan in other.stories.items():
        _fill(stories, number, plan)
    headed = known.headed or other.headed
    return EpicDoc(known.title or other.title, known.goal or other.goal, stories, headed)


def _plan(title: str, body: list[Line]) -> StoryPlan:
    at = next((index for index, line in enumerate(body) if _CRITERIA.match(line.text)), len(body))
    after = body[at + 1 :]
    end = next((index for index, line in enumerate(after) if _OTHER_PART.match(line.text)), len(after))
    return StoryPlan(prose.trimmed(plain_text(title)), prose.statement(body[:at]), prose.criteria_of(after[:end]))


def _goal(body: list[Line]) -> str:
    for index, line in enumerate(body):
        if found := _GOAL.match(line.text):
            return plain_text(found[1]) or prose.first_paragraph(body[index + 1 :])
    return prose.first_paragraph(body)


def _may_hold_epics(entry: "os.DirEntry[str]") -> bool:
    if not entry.name.endswith(".md") or _NOT_EPICS.search(entry.name):
        return False
    folder = os.path.basename(os.path.dirname(entry.path))
    return _EPIC_FILE.match(entry.name) is not None or _EPIC_FILE.match(f"{folder}.md") is not None


def _folders(project: Project) -> list[Path]:
    # The root itself would bring in every document of the project.
    places = [project.planning, project.output, project.root / "docs", project.tracker.parent]
    return list(dict.fromkeys(place for place in places if place and place != project.root and walk.is_folder(place)))
