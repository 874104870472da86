"""The views of the sprint: exactly the JSON of `GET /api/sprint`, as typed values."""

import msgspec


class ProjectInfo(msgspec.Struct, frozen=True):
    """Paths as text; `tracker` and `candidates` relative to `root` where they lie in it."""

    name: str
    root: str
    tracker: str
    candidates: list[str]
    writable: bool


class ProblemInfo(msgspec.Struct, frozen=True):
    """`line` counts from 1."""

    line: int | None
    message: str


class GateInfo(msgspec.Struct, frozen=True):
    """Whether an epic is closed for those that wait for it, and what it takes; keys of stories, ids of epics."""

    closed: bool
    finished: list[str]
    missing: list[str]
    holds: list[str]
    waits_for: list[str]
    retrospective: bool


class EpicInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """`key` is "" for an epic that only its stories name; `retrospective` is a raw status.

    `gate` is absent where the kind of plan has no gates.
    """

    id: str
    key: str
    title: str
    status: str
    raw_status: str
    retrospective: str | None
    stories: list[str]
    gate: GateInfo | None = None


class TaskCount(msgspec.Struct, frozen=True):
    """Boxes of the story's best file."""

    done: int = 0
    total: int = 0


class Drift(msgspec.Struct, frozen=True):
    """A status in the story file that differs from the tracker's; the tracker counts."""

    file_status: str


# Defaults are omitted: in a tracker of a thousand stories they would be most of the answer.
class StoryConditions(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What the plan says about when and how a story runs; what it does not say is absent.

    `after` and `waiting_for` hold keys of stories and ids of epics. `hold` says why a run does not start it by itself;
    `skipped` is the reason for which the operator has put it aside. `leftover`: open, but of an epic that is done.
    followup_review_recommended, warnings: what the story's build says of its own work.
    """

    ref: str = ""
    after: list[str] = []
    waiting_for: list[str] = []
    hold: str = ""
    plan_checkpoint: bool = False
    done_checkpoint: bool = False
    hitl: bool = False
    risk: str = ""
    assignee: str = ""
    blocked_reason: str = ""
    leftover: bool = False
    skipped: str = ""
    followup_review_recommended: bool = False
    warnings: list[str] = []


class StoryInfo(StoryConditions, frozen=True, omit_defaults=True, kw_only=True):
    """A story with what its file and the plan say; `files` are relative to the root, best first.

    `delivery` says where its finished work is on its way, which the plan does not say. `alias`: the key before a
    migration.
    """

    key: str
    epic: str
    title: str
    description: str
    status: str
    raw_status: str
    runnable: bool
    tasks: TaskCount
    file: str | None
    files: list[str]
    drift: Drift | None
    line: int | None
    comment: str
    alias: str = ""
    delivery: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The keys under which it is recorded: the one before a migration first, its own last."""
        return (self.alias, self.key) if self.alias and self.alias != self.key else (self.key,)


class OtherInfo(msgspec.Struct, frozen=True):
    """A key that is no epic, story or retrospective."""

    key: str
    raw_status: str
    line: int | None


class Overview(msgspec.Struct, frozen=True):
    """Exactly the JSON of GET /api/sprint. A tracker's epics and stories are in numeric order."""

    project: ProjectInfo
    problems: list[ProblemInfo]
    epics: list[EpicInfo]
    stories: list[StoryInfo]
    other: list[OtherInfo]
    kind: str = "tracker"


class SprintProblems(msgspec.Struct, frozen=True):
    """Exactly the JSON of GET /api/sprint/problems. `startable`: stories that a run may start now."""

    kind: str
    broken: bool
    problems: list[ProblemInfo]
    not_understood: list[str]
    startable: int
