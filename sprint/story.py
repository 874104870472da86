"""Reading a story file or a spec: everything the board and the dossier show of it.

Promises a `StoryDocument` for any file; what is missing is empty, what is odd is in `problems`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sprint import prose
from sprint.markdown import Line, Markdown, joined, plain_text, read_markdown
from sprint.model import Problem
from sprint.prose import Task
from sprint.status import Status
from sprint.storystatus import find_status

# Of one file; they are words such as `oversized`.
MAX_WARNINGS = 20
MAX_WARNING_CHARS = 200

_NUMBERED_TITLE = re.compile(
    r"(?:(?:user\s+)?story|spec)?\s*#?\s*[\w]+(?:[.-][\w]+)*\s*(?::|[\u2013\u2014]|\s-\s)\s*(?=\S)", re.IGNORECASE
)
_STORY_NUMBER = re.compile(r"(?:(?:user\s+)?story\b|\d)", re.IGNORECASE)
_NUMBER_ONLY = re.compile(r"story\s+[\w.-]+$", re.IGNORECASE)
_STATEMENT = re.compile(r"(?:user\s+)?story(?:\s+(?:statement|description))?$|intent$", re.IGNORECASE)
_CRITERIA = re.compile(r"acceptance\s+criteria", re.IGNORECASE)
_TASKS = re.compile(
    r"(?:tasks?\b|.*\bsubtasks|implementation\s+tasks|review\s+(?:findings|follow)|.*follow-ups)", re.IGNORECASE
)
_FILES = re.compile(r"(?:file\s+list|files?\s+(?:changed|modified|created))", re.IGNORECASE)
_CHANGES = re.compile(r"(?:spec\s+)?change\s*log", re.IGNORECASE)
_REVIEW = re.compile(r"(?:senior\s+developer\s+review|review\s+|code\s+review|qa\s+results)", re.IGNORECASE)
_SPEC_TASKS = re.compile(r"tasks\s*(?:&|and)\s*acceptance", re.IGNORECASE)
_EXECUTION = re.compile(r"execution", re.IGNORECASE)
_LABEL = re.compile(r"\s*\*\*([^*]+?):?\*\*:?\s*$")
# What a spec says when its steps have been carried out.
_EXECUTED = frozenset({Status.REVIEW, Status.DONE})
_ABOUT = re.compile(r"(?:description|summary|overview|context|background|problem|goal|intent)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the text below it, sub-sections included."""

    level: int
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class BuildNotes:
    """What a build says of its own work: a further review is advised, and what was odd about the task."""

    followup_review_recommended: bool = False
    warnings: tuple[str, ...] = ()


NO_NOTES = BuildNotes()


@dataclass(frozen=True, slots=True)
class StoryDocument:
    """A story file as read.

    title: without its number. statement: the As-a-I-want text. raw_status, status: of the file, ""
    and None if it has none. criteria: Markdown, one text each. file_list, change_log: an entry
    each. review: sections with findings. description: one short plain paragraph, "" if nothing
    suits. problems: with lines from 1. build: of the file that a build has written.
    """

    title: str = ""
    statement: str = ""
    status: Status | None = None
    raw_status: str = ""
    criteria: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ()
    file_list: tuple[str, ...] = ()
    change_log: tuple[str, ...] = ()
    review: tuple[Section, ...] = ()
    sections: tuple[Section, ...] = ()
    description: str = ""
    problems: tuple[Problem, ...] = ()
    build: BuildNotes = NO_NOTES

    @property
    def tasks_done(self) -> int:
        """How many boxes are ticked: a hint, since done stories often have open ones."""
        return sum(task.done for task in self.tasks)


def read_story(path: Path) -> StoryDocument:
    """The story file at `path`. Never raises for what is on the disk."""
    try:
        return story_of(read_markdown(path))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return StoryDocument(problems=(Problem(None, f"The file cannot be read: {reason}."),))


def story_of(page: Markdown) -> StoryDocument:
    """The story of a document that has been split into its parts."""
    status = find_status(page)
    statement = prose.statement(page.section(_STATEMENT))
    # BMAD's specs have a bold label where its story files have a heading.
    criteria = prose.criteria(page, page.find(_CRITERIA)) or prose.criteria_of(_labelled(page, _CRITERIA))
    sections = tuple(_sections(page, 2))
    return StoryDocument(
        title=_title(page),
        statement=statement,
        status=status.status,
        raw_status=status.raw,
        criteria=criteria,
        tasks=_tasks(page) or _steps(page, executed=status.status in _EXECUTED),
        file_list=prose.paths(page.section(_FILES)),
        change_log=prose.entries(page.section(_CHANGES)),
        review=tuple(section for section in _sections(page, 3) if _REVIEW.match(section.title)),
        sections=sections,
        description=prose.sentence(statement) or prose.first_paragraph(page.section(_ABOUT)) or _first(criteria),
        problems=page.problems + status.problems,
        build=_build_notes(page),
    )


def build_notes(documents: Iterable[StoryDocument]) -> BuildNotes:
    """The notes of the first of a story's files that has some; files are best first, so of the newest build."""
    return next((document.build for document in documents if document.build != NO_NOTES), NO_NOTES)


def _build_notes(page: Markdown) -> BuildNotes:
    single = page.front.get("warnings", "").strip()
    listed = page.front_lists.get("warnings", (single,))
    warnings = (" ".join(text.split())[:MAX_WARNING_CHARS] for text in listed)
    advised = page.front.get("followup_review_recommended", "").strip().lower() == "true"
    return BuildNotes(advised, tuple(text for text in warnings if text)[:MAX_WARNINGS])


def clean_title(text: str) -> str:
    """A heading without `Story 1.2:`, emphasis, points and emoji at its ends; "" if that is all of it."""
    text = plain_text(text)
    if _NUMBER_ONLY.match(text):
        return ""
    found = _NUMBERED_TITLE.match(text)
    # The pattern also fits `Login: first steps`; only a number or the word Story makes it a prefix.
    if found and _STORY_NUMBER.match(text):
        text = text[found.end() :]
    return prose.trimmed(text)


def _title(page: Markdown) -> str:
    heading = next((item for item in page.headings if item.level == 1), None)
    if heading:
        return clean_title(heading.title)
    return clean_title(page.front.get("title", ""))


def _tasks(page: Markdown) -> tuple[Task, ...]:
    """The boxes of the task and review sections; all boxes of a file that has no such section."""
    chosen: dict[int, Line] = {}
    for heading in page.headings:
        if heading.level > 1 and _TASKS.match(heading.title):
            chosen.update((line.number, line) for line in page.body(heading))
    ordered = [chosen[number] for number in sorted(chosen)]
    return prose.tasks(ordered) or prose.tasks(page.lines)


def _labelled(page: Markdown, wanted: re.Pattern[str]) -> list[Line]:
    """What follows a bold label such as `**Acceptance Criteria:**` in a spec's section of tasks, to the next label."""
    body = page.section(_SPEC_TASKS)
    labels = [(place, found) for place, line in enumerate(body) if (found := _LABEL.match(line.text))]
    for number, (place, found) in enumerate(labels, 1):
        if wanted.match(found[1]):
            return body[place + 1 : labels[number][0] if number < len(labels) else len(body)]
    return []


def _steps(page: Markdown, *, executed: bool) -> tuple[Task, ...]:
    """The plain bullets of a spec's execution, which an unattended build never ticks: its status says it."""
    return tuple(Task(text, executed, 0) for text in prose.entries(_labelled(page, _EXECUTION)))


def _sections(page: Markdown, deepest: int) -> list[Section]:
    return [
        Section(heading.level, heading.title, joined(page.body(heading)))
        for heading in page.headings
        if 2 <= heading.level <= deepest
    ]


def _first(criteria: tuple[str, ...]) -> str:
    return prose.shortened(plain_text(criteria[0])) if criteria else ""
