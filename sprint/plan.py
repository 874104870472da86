"""One plan, whatever its kind: read into the same model, written back to the files of the project.

A kind is one reader and one writer. What it cannot do is refused with a sentence.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from sprint import write as tracker_file
from sprint.edit import Conflict, Refused, StatusEdit
from sprint.filestatus import write_file_status
from sprint.model import PlanKind, Sprint, StoryEntry
from sprint.project import Project, inside
from sprint.reader import Reader, read_tracker
from sprint.status import BUILD_WORDS, WRITABLE, Status
from sprint.stories.list import read_story_list
from sprint.tickets.memory import TreeReader
from sprint.tickets.writer import close_ticket_epic, set_ticket_status
from sprint.v4.reader import read_v4
from sprint.write import do_nothing


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """A status that is to be set: see `set_status`."""

    key: str
    new: str
    expected: str | None
    expected_sha: str | None
    reason: str | None
    now: datetime
    before_writing: Callable[[], None]


class PlanBackend(ABC):
    """A reader and a writer of one kind of plan."""

    @abstractmethod
    def read(self, project: Project) -> Sprint:
        """The plan as it is. Never raises for what is on the disk."""

    @abstractmethod
    def set_status(self, project: Project, request: StatusRequest) -> StatusEdit:
        """Sets the status of a story. Raises Refused, Conflict; nothing is written then."""

    def close_epic(self, project: Project, epic: str, *, finished: bool) -> StatusEdit:
        """Writes that an epic is done. Raises Refused."""
        raise Refused("Epics of this kind of plan have no gate; their status is set like a story's.")


class TrackerBackend(PlanBackend):
    """sprint-status.yaml of BMAD 6."""

    def read(self, project: Project) -> Sprint:
        return read_tracker(project)

    def set_status(self, project: Project, request: StatusRequest) -> StatusEdit:
        # Its generator would overwrite the status the next time it runs.
        if maker := read_tracker(project).foreign:
            raise Refused(f"Another program makes this file ({maker!r}): change the status there.")
        sha = request.expected_sha
        return tracker_file.set_status(
            project,
            request.key,
            request.new,
            request.expected,
            expected_sha=sha,
            now=request.now,
            before_writing=request.before_writing,
        )


class TicketsBackend(PlanBackend):
    """A ticket tree of BMAD 7."""

    def __init__(self) -> None:
        self._reader = TreeReader()

    def read(self, project: Project) -> Sprint:
        return self._reader.read(project.tracker.parent)

    def set_status(self, project: Project, request: StatusRequest) -> StatusEdit:
        _check_sha(self, project, request)
        return set_ticket_status(project, request.key, request.new, request.expected, request.reason, request.now)

    def close_epic(self, project: Project, epic: str, *, finished: bool) -> StatusEdit:
        return close_ticket_epic(project, epic, self.read(project), finished=finished)


class FilesBackend(PlanBackend):
    """Plans whose statuses are in the stories' own files; `words` are the spellings of those files."""

    words: ClassVar[dict[Status, str]]

    def set_status(self, project: Project, request: StatusRequest) -> StatusEdit:
        _check_sha(self, project, request)
        if request.new not in {status.value for status in WRITABLE}:
            raise Refused(f"{request.new!r} is not a status that may be written.")
        new = Status(request.new)
        story = next((story for story in self.read(project).stories if story.key == request.key), None)
        if story is None:
            raise Refused(f"There is no story {request.key!r}.")
        # Callers have seen one of two spellings: pages show the file's, the run uses the canonical one.
        if request.expected is not None and request.expected not in (story.raw_status, story.status):
            raise Conflict(story.raw_status or story.status)
        if story.status is new:
            return StatusEdit(new, new, changed=False)
        path = _only_file(project, story)
        try:
            write_file_status(path, self.words[new])
        except OSError as error:
            raise Refused(f"{path.name} cannot be written: {error.strerror or error}") from error
        return StatusEdit(story.status, new, changed=True)


class StoriesBackend(FilesBackend):
    """A spec folder with its stories.yaml, BMAD 6.10 to 6.12."""

    words: ClassVar = BUILD_WORDS

    def read(self, project: Project) -> Sprint:
        return read_story_list(project.tracker)


class V4Backend(FilesBackend):
    """BMAD 4: story files without a tracker."""

    words: ClassVar = {
        Status.BACKLOG: "Draft",
        Status.READY_FOR_DEV: "Approved",
        Status.IN_PROGRESS: "InProgress",
        Status.REVIEW: "Review",
        Status.DONE: "Done",
        Status.BLOCKED: "Blocked",
    }

    def read(self, project: Project) -> Sprint:
        return read_v4(project.root)


class NoBackend(PlanBackend):
    """A project that has epics and no plan yet."""

    def read(self, project: Project) -> Sprint:
        return Sprint(kind=PlanKind.NONE)

    def set_status(self, project: Project, request: StatusRequest) -> StatusEdit:
        raise Refused("The project has no plan yet, so no story has a status.")


def _check_sha(backend: PlanBackend, project: Project, request: StatusRequest) -> None:
    if request.expected_sha is not None and (found := backend.read(project).sha256) != request.expected_sha:
        raise Conflict(found, "The plan has changed since it was read.")


def _only_file(project: Project, story: StoryEntry) -> Path:
    if not story.paths:
        raise Refused(f"The story {story.key} has no file yet, and its status is kept there.")
    if len(story.paths) > 1 or not story.editable:
        raise Refused(f"The status of {story.key} is not in one file.")
    path = Path(story.paths[0])
    if not inside(path, project.root):
        raise Refused(f"The story's file lies outside the project, at {path}.")
    # Resolved, because the write replaces the file: a symbolic link would become a copy.
    return path.resolve()


BACKENDS: dict[PlanKind, PlanBackend] = {
    PlanKind.TRACKER: TrackerBackend(),
    PlanKind.STORIES: StoriesBackend(),
    PlanKind.TICKETS: TicketsBackend(),
    PlanKind.V4: V4Backend(),
    PlanKind.NONE: NoBackend(),
}
# Not the tracker reader's own: this one remembers the last good plan of every kind.
_memory = Reader()


def read(project: Project) -> Sprint:
    """The plan of a project; while it is broken, completed by what was last read well.

    Never raises for what is on the disk.
    """
    return _memory.after(project.tracker, BACKENDS[project.kind].read(project))


def set_status(
    project: Project,
    key: str,
    new: str,
    expected: str | None = None,
    *,
    expected_sha: str | None = None,
    reason: str | None = None,
    now: datetime | None = None,
    before_writing: Callable[[], None] = do_nothing,
) -> StatusEdit:
    """Sets the status of `key`, an exact key of the plan; blocks for milliseconds.

    In a tracker also lifts the story's epic from backlog to in-progress and renews `last_updated`
    where it exists. Nothing is written if the status is already there. Never asks whether the change
    is an advance: that is the caller's to decide.

    expected: the status the caller has seen, raw or canonical. expected_sha: `Sprint.sha256` of what
    it has read. reason: why a story is blocked, where its file has a place for it. now: aware, for
    tests. before_writing: called before the plan is changed, and when all else is done where that is
    a tracker; what it raises is raised, and nothing is written. Raises Refused (with the reason),
    Conflict (with what was found).
    """
    if project.kind is not PlanKind.TRACKER:
        before_writing()
    request = StatusRequest(key, new, expected, expected_sha, reason, now or datetime.now(UTC), before_writing)
    return BACKENDS[project.kind].set_status(project, request)


def close_epic(project: Project, epic: str, *, finished: bool = True) -> StatusEdit:
    """Opens the gate behind an epic: its own file says done. Only ever on an operator's word.

    finished: refuse while a ticket of it is open. Raises Refused.
    """
    return BACKENDS[project.kind].close_epic(project, epic, finished=finished)
