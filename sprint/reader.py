"""Reading a project's tracker from disk, with a memory.

Remembers the last good model of each file, so that a file an agent has just broken does not empty
the board, and the latest bytes, so that an unchanged file is not parsed again.
"""

import os
import threading
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from base.regular import read_regular
from sprint.document import MAX_BYTES
from sprint.model import Problem, Sprint
from sprint.project import Project, inside
from sprint.status import RUNNABLE
from sprint.tracker import assemble, model_of

# Trackers that are remembered; a server looks at one or two.
REMEMBERED = 16
# Keys that are not understood and named in one sentence.
NAMED = 5

V = TypeVar("V")


class Reader:
    """May be used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._good: OrderedDict[Path, Sprint] = OrderedDict()
        self._latest: OrderedDict[Path, tuple[bytes, bool, Sprint]] = OrderedDict()
        self._permitted: set[tuple[Path, str]] = set()

    def read(self, project: Project) -> Sprint:
        """The tracker as it is now."""
        try:
            data = read_bounded(project.tracker)
        except OSError as error:
            problem = Problem(None, f"The file cannot be read: {error.strerror or type(error).__name__}.")
            return Sprint(problems=(problem,), broken=True)
        writable = may_write(project)
        with self._lock:
            latest = self._latest.get(project.tracker)
        if latest and latest[0] == data and latest[1] == writable:
            return latest[2]
        sprint = noted(self._allowed(project.tracker, model_of(data, writable)))
        if not writable:
            sprint = replace(sprint, problems=(*sprint.problems, _why_not(project)))
        with self._lock:
            _remember(self._latest, project.tracker, (data, writable, sprint))
        return sprint

    def permit(self, tracker: Path, maker: str) -> None:
        """Take a tracker for one of ours, though it has the line `maker` that names another program."""
        with self._lock:
            self._permitted.add((tracker, maker))
            self._latest.pop(tracker, None)

    def _allowed(self, tracker: Path, sprint: Sprint) -> Sprint:
        permitted = bool(sprint.foreign) and (tracker, sprint.foreign) in self._permitted
        return replace(sprint, foreign="") if permitted else sprint

    def after(self, path: Path, sprint: Sprint) -> Sprint:
        """The plan itself, or for a broken one what was last read well beside what it still says."""
        with self._lock:
            if not sprint.broken:
                _remember(self._good, path, sprint)
                return sprint
            last = self._good.get(path)
        return completed(sprint, last) if last else sprint


def noted(sprint: Sprint) -> Sprint:
    """The sprint with what the operator should know of it: keys that mean nothing, and who else writes the file."""
    notes = []
    if sprint.foreign:
        notes.append(Problem(None, f"Another program makes this file ({sprint.foreign!r}); it is only read."))
    if unknown := [extra for extra in sprint.extras if extra.status in RUNNABLE]:
        names = ", ".join(extra.key for extra in unknown[:NAMED])
        more = f" and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
        counted = "1 open key is" if len(unknown) == 1 else f"{len(unknown)} open keys are"
        message = f"{counted} no epic, story or retrospective that is understood, and never run: {names}{more}."
        notes.append(Problem(unknown[0].line, message))
    if not notes:
        return sprint
    return replace(sprint, problems=(*sprint.problems, *notes), writable=sprint.writable and not sprint.foreign)


def _remember(shelf: OrderedDict[Path, V], path: Path, value: V) -> None:
    shelf[path] = value
    shelf.move_to_end(path)
    while len(shelf) > REMEMBERED:
        shelf.popitem(last=False)


def completed(salvaged: Sprint, last: Sprint) -> Sprint:
    """A broken file's entries, and from the last good model those that the scanner could not find."""
    found = {entry.key: entry for entry in salvaged.entries()}
    old = {entry.key: replace(entry, editable=False, line=None) for entry in last.entries()}
    lost = len(old.keys() - found.keys())
    if not lost:
        return salvaged
    merged = [replace(entry, position=place) for place, entry in enumerate({**old, **found}.values())]
    note = Problem(None, f"{lost} entries are shown as last read, because the file is broken.")
    kept = replace(salvaged, problems=(*salvaged.problems, note), name=last.name, story_location=last.story_location)
    return assemble(merged, kept)


def read_bounded(path: Path) -> bytes:
    """A file's bytes, at most one more than MAX_BYTES. Raises OSError."""
    return read_regular(path, MAX_BYTES + 1)


def may_write(project: Project) -> bool:
    """Whether the tracker lies in the project and this process may replace it."""
    real = project.tracker.resolve()
    return inside(real, project.root) and os.access(real, os.W_OK) and os.access(real.parent, os.W_OK)


def _why_not(project: Project) -> Problem:
    if not inside(project.tracker, project.root):
        return Problem(None, f"The file lies outside the project, at {project.tracker}, and is only read.")
    return Problem(None, "This user may not write the file or its folder; it is only read.")


_reader = Reader()


def permit_writing(project: Project, maker: str) -> None:
    """Let the tracker of a project be written, on an operator's word, as long as it names this maker."""
    _reader.permit(project.tracker, maker)


def read_tracker(project: Project) -> Sprint:
    """The tracker of a project. Never raises for what is on the disk."""
    return _reader.read(project)
