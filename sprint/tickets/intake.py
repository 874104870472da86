"""New loose tickets: a leaf file in the backlog, or an idea in the inbox, which the project's own tool never reads.

Nothing that is there is written over, and writing the same text again changes nothing.
"""

import re
import unicodedata
from enum import StrEnum
from pathlib import Path

from base.files import create_file
from base.regular import read_or_empty
from sprint.deferred import DeferredFinding
from sprint.edit import Refused
from sprint.model import PlanKind
from sprint.project import Project, inside
from sprint.tickets.find import SLUG_CHARS
from sprint.tickets.leaves import MAX_FILE_BYTES
from sprint.tickets.mark import quoted
from sprint.tickets.views import BACKLOG

TITLE_CHARS = 120
NAMES = 50  # that are tried for one slug


class Intake(StrEnum):
    """Where a loose ticket goes, below the output folder."""

    BACKLOG = BACKLOG
    INBOX = "inbox"


def keep_finding(project: Project, finding: DeferredFinding, story: str, place: Intake) -> Path:
    """Write a finding as a loose ticket; its path. Raises Refused, OSError."""
    if project.kind is not PlanKind.TICKETS:
        raise Refused("Only a project with tickets has a backlog and an inbox; note the finding where you plan.")
    folder = project.tracker.parent.parent / place.value
    if not inside(folder, project.root):
        raise Refused(f"The folder {folder} lies outside the project.")
    folder.mkdir(parents=True, exist_ok=True)
    text = _text(finding, story, place).encode()
    stem = f"story-{_slug(finding.summary)}" if place is Intake.BACKLOG else _slug(finding.summary)
    for number in range(1, NAMES):
        path = folder / f"{stem}{f'-{number}' if number > 1 else ''}.md"
        try:
            create_file(path, text)
        except FileExistsError:
            if read_or_empty(path, MAX_FILE_BYTES) != text:
                continue
        return path
    raise Refused(f"{folder} has too many files called {stem}.")


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:SLUG_CHARS].strip("-") or "untitled"


def _text(finding: DeferredFinding, story: str, place: Intake) -> str:
    title = _title(finding.summary)
    head = f"---\ntype: story\ntitle: {quoted(title)}\n---\n\n" if place is Intake.BACKLOG else ""
    parts = [f"# {title}", "## Description", finding.summary]
    parts += [f"Evidence: {finding.evidence}"] if finding.evidence else []
    parts += [f"Location: {finding.location}"] if finding.location else []
    parts += [f"Severity: {finding.severity}"] if finding.severity else []
    parts += [f"Put off by the build of {story}."]
    return head + "\n\n".join(parts) + "\n"


def _title(summary: str) -> str:
    """The first sentence, cut at a word where it is long."""
    first = re.split(r"(?<=[.!?])\s", summary, maxsplit=1)[0].rstrip(".")
    return first if len(first) <= TITLE_CHARS else first[:TITLE_CHARS].rsplit(" ", 1)[0]
