"""The content of a tracker, in one form for every known schema.

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
    FILES = "files"
    NONE = "none"


class PlanKind(StrEnum):
    """What a project plans with: the presence of files and keys decides, never a version.

    `none`: nothing yet, but it has epics of which a plan can be made.
    """

    TRACKER = "tracker"
    STORIES = "stories"
    TICKETS = "tickets"
    V4 = "v4"
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
class EpicGate:
    """Whether an epic is closed for those that wait for it: only its own file's `done` opens a gate.

    finished, missing: keys of its stories. holds: ids of the epics and keys of the stories that
    wait. waits_for: ids and keys that hold this epic itself. retrospective: whether one was written.
    """

    closed: bool = False
    finished: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    waits_for: tuple[str, ...] = ()
    retrospective: bool = False


@dataclass(frozen=True, slots=True)
class EpicEntry(Entry):
    """An epic; its id is `epic`. `gate` is None where the plan's kind has no such thing."""

    gate: EpicGate | None = None


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a plan says about when and how a story may run; empty where its kind says nothing.

    ref: what a build calls it, such as `1.2`. alias: the key it had before a migration. after: what
    it needs, as keys of stories and ids of epics; waiting_for: what of that is not there yet.
    hold: why a run must not start it by itself, a sentence, "" if it may. plan_checkpoint,
    done_checkpoint: a person looks before the work, after it. prompt: appended to what a build gets.
    """

    ref: str = ""
    alias: str = ""
    after: tuple[str, ...] = ()
    waiting_for: tuple[str, ...] = ()
    hold: str = ""
    plan_checkpoint: bool = False
    done_checkpoint: bool = False
    hitl: bool = False
    risk: str = ""
    refine: bool = False
    unknown: str = ""
    assignee: str = ""
    blocked_reason: str = ""
    prompt: str = ""
    verify: str = ""


@dataclass(frozen=True, slots=True)
class StoryEntry(Entry):
    """A story; `number` is its place within the epic, such as `1`, `2b` or `td-1`.

    `paths` are the absolute paths of its files, best first, where the plan itself says which they
    are; `description` likewise.
    """

    number: str = ""
    paths: tuple[str, ...] = ()
    description: str = ""
    conditions: Conditions = Conditions()

    @property
    def names(self) -> tuple[str, ...]:
        """The keys under which it is recorded: the one before a migration first, its own last."""
        alias = self.conditions.alias
        return (alias, self.key) if alias and alias != self.key else (self.key,)

    @property
    def runnable(self) -> bool:
        """Whether a run can start from its status, and could write the next one."""
        return self.editable and self.status in RUNNABLE

    @property
    def startable(self) -> bool:
        """Whether a run may start it now: nothing it waits for, and no person it needs."""
        return self.runnable and not self.conditions.waiting_for and not self.conditions.hold


@dataclass(frozen=True, slots=True)
class RetroEntry(Entry):
    """A retrospective of the epic `epic`."""


@dataclass(frozen=True, slots=True)
class ExtraEntry(Entry):
    """A key that is none of the others; `epic` is the last one seen above it, "" at the top."""


@dataclass(frozen=True, slots=True)
class Sprint:
    """A plan as read. A tracker's epics and stories are in numeric order, those of other kinds in build order;

    retros and extras are in file order. `position` of an entry is its place in the file. foreign: the
    name of the program that says it makes the tracker, "" for none. store: the service that keeps the
    tickets, of which this is a copy that is run from after a sync and never written; "" for none.
    """

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
    kind: PlanKind = PlanKind.TRACKER
    foreign: str = ""
    store: str = ""

    def entries(self) -> Iterator[Entry]:
        """Every key once, in file order."""
        everything: tuple[Entry, ...] = (*self.epics, *self.stories, *self.retros, *self.extras)
        return iter(sorted(everything, key=lambda entry: entry.position))

    @property
    def leftovers(self) -> frozenset[str]:
        """The keys of open stories whose epic is done: run only when named."""
        # BMAD 6 sets an epic to done by hand, often with stories that were never meant to be finished.
        done = {epic.epic for epic in self.epics if epic.status is Status.DONE}
        return frozenset(story.key for story in self.stories if story.epic in done and story.status in RUNNABLE)

    def entry(self, key: str) -> Entry | None:
        """The entry of exactly this key."""
        return next((entry for entry in self.entries() if entry.key == key), None)

    def story(self, key: str) -> StoryEntry | None:
        """A story by exact key, else by epic and number if exactly one has them (`1-1` is never `1-10`)."""
        for story in self.stories:
            if story.key == key:
                return story
        # BMAD's migration to version 7 renames every story; runs recorded before it have the old key.
        known = [story for story in self.stories if story.conditions.alias == key]
        if len(known) == 1:
            return known[0]
        start = normal(key)
        same = [story for story in self.stories if _names(start, f"{normal(story.epic)}-{story.number}")]
        return same[0] if len(same) == 1 else None


def _names(key: str, number: str) -> bool:
    return key == number or key.startswith(number + "-")
