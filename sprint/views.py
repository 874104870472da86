"""What the page gets: exactly the JSON of `GET /api/sprint`, as typed values."""

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


class EpicInfo(msgspec.Struct, frozen=True):
    """`key` is "" for an epic that only its stories name; `retrospective` is a raw status."""

    id: str
    key: str
    title: str
    status: str
    raw_status: str
    retrospective: str | None
    stories: list[str]


class TaskCount(msgspec.Struct, frozen=True):
    """Boxes of the story's best file."""

    done: int = 0
    total: int = 0


class Drift(msgspec.Struct, frozen=True):
    """What the story file says where that is not what the tracker says; the tracker counts."""

    file_status: str


class StoryInfo(msgspec.Struct, frozen=True):
    """A story with what its file and the plan say; `files` are relative to the root, best first."""

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


class OtherInfo(msgspec.Struct, frozen=True):
    """A key that is no epic, story or retrospective."""

    key: str
    raw_status: str
    line: int | None


class Overview(msgspec.Struct, frozen=True):
    """Exactly the JSON of GET /api/sprint. Epics and stories are in numeric order."""

    project: ProjectInfo
    problems: list[ProblemInfo]
    epics: list[EpicInfo]
    stories: list[StoryInfo]
    other: list[OtherInfo]
