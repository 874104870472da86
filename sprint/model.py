"""What a tracker says, in one shape for every schema found in the field.

Values only. Raw text is kept beside its meaning, so that nothing a project says is hidden.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from sprint.keys import normal
from sprint.status import RUNNABLE, Status


class SprintError(Exception):
    """Base of the errors of this package; `str()` of one is a sentence for the operator."""


class Shape(StrEnum):
    """The schema of a tracker. Only `flat` and `nested` are ever written to."""

    FLAT = "flat"
    NESTED = "nested"
    GROUPED = "grouped"
    SPRINTS = "sprints"
    EPICS = "epics"
    STORIES = "stories"
    SPECS = "specs"
    TICKETS = "tickets"
    NONE = "none"


EDITABLE_SHAPES = frozenset({Shape.FLAT, Shape.NESTED})


@dataclass(frozen=True, slots=True)
class Problem:
    """Something the operator should know about a file; `line` counts from 1."""

    line: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of the tracker. `position` counts keys in file order from 0, `line` lines from 1."""

    key: str
    epic: str
    status: Status
    raw_status: str
    line: int | None
    comment: str = ""
    position: int = 0
    title: str = ""
    editable: bool = False


@dataclass(frozen=True, slots=True)
class EpicEntry(Entry):
    """An epic; its id is `epic`."""


@dataclass(frozen=True, slots=True)
class StoryEntry(Entry):
    """A story; `number` is its place within the epic, such as `1`, `2b` or `td-1`.

    `path` is the absolute path of its file where the tracker itself is made of such files.
    """

    number: str = ""
    path: str = ""

    @property
    def runnable(self) -> bool:
        """Whether a run can start from its status, and could write the next one."""
        return self.editable and self.status in RUNNABLE


@dataclass(frozen=True, slots=True)
class RetroEntry(Entry):
    """A retrospective of the epic `epic`."""


@dataclass(frozen=True, slots=True)
class ExtraEntry(Entry):
    """A key that is none of the others; `epic` is the last one seen above it, "" at the top."""


@dataclass(frozen=True, slots=True)
class Sprint:
    """A tracker as read. Epics and stories are in numeric order, retros and extras in file order."""

    epics: tuple[EpicEntry, ...] = ()
    stories: tuple[StoryEntry, ...] = ()
    retros: tuple[RetroEntry, ...] = ()
    extras: tuple[ExtraEntry, ...] = ()
    problems: tuple[Problem, ...] = ()
    shape: Shape = Shape.NONE
    sha256: str = ""
    writable: bool = False
    name: str = ""
    story_location: str = ""
    broken: bool = field(default=False)

    def entries(self) -> Iterator[Entry]:
        """Every key once, in file order."""
        everything: tuple[Entry, ...] = (*self.epics, *self.stories, *self.retros, *self.extras)
        return iter(sorted(everything, key=lambda entry: entry.position))

    def entry(self, key: str) -> Entry | None:
        """The entry of exactly this key."""
        return next((entry for entry in self.entries() if entry.key == key), None)

    def story(self, key: str) -> StoryEntry | None:
        """A story by exact key, else by epic and number if exactly one has them (`1-1` is never `1-10`)."""
        for story in self.stories:
            if story.key == key:
                return story
        start = normal(key)
        same = [story for story in self.stories if _names(start, f"{normal(story.epic)}-{story.number}")]
        return same[0] if len(same) == 1 else None


def _names(key: str, number: str) -> bool:
    return key == number or key.startswith(number + "-")
