"""Marking through the project's own `tickets.py`, where it is there.

Starts no process: the caller passes one that does. The answer is checked, and so is what changed on
the disk, since the program neither locks nor replaces all at once, and answers 0 also for a plan
whose status it could not change.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from sprint.tickets.find import Found
from sprint.tickets.frontmatter import TreeError
from sprint.tickets.layers import TicketConfig
from sprint.tickets.leaves import Stamp, stamps
from sprint.tickets.mark import Mark

SCRIPT = "_bmad/method/scripts/tickets.py"
# Exit codes of the program; a usage error is 2 as well.
MALFORMED, FORBIDDEN = 1, 2


@dataclass(frozen=True, slots=True)
class Finished:
    """What a process left."""

    code: int
    stdout: bytes
    stderr: bytes


class Answer(msgspec.Struct, frozen=True):
    """What `mark` prints."""

    plan: str
    created: bool
    status: str
    assignee: str = ""
    blocked_at: str = ""
    blocked_reason: str = ""


class _Failure(msgspec.Struct, frozen=True):
    error: str = ""


Run = Callable[[list[str], Path], Finished]


def script_of(config: TicketConfig) -> Path | None:
    """The project's own program, None where it is not installed."""
    path = config.root / SCRIPT
    return path if path.is_file() else None


def mark_argv(config: TicketConfig, found: Found, change: Mark, python: str = sys.executable) -> list[str]:
    """The command line that marks a ticket. The folder precedes the reference, so that no other one matches."""
    argv = [python, str(config.root / SCRIPT), "--project-root", str(config.root)]
    argv += ["mark", str(found.folder.path), str(found.ticket.handle), change.status]
    if change.assignee is not None:
        argv += ["--assignee", change.assignee]
    return argv if change.blocked is None else [*argv, "--blocked", change.blocked]


def mark_officially(config: TicketConfig, found: Found, change: Mark, run: Run) -> Answer:
    """Marks by the project's own program and checks what it did. Raises TreeError with the reason."""
    before = _files(found)
    finished = run(mark_argv(config, found, change), config.root)
    answer = parse_answer(finished, change)
    if Path(answer.plan).resolve() != found.plan.resolve():
        raise TreeError(f"tickets.py marked {answer.plan}, not {found.plan}")
    others = (before ^ _files(found)) - {stamp for stamp in before | _files(found) if stamp.path == str(found.plan)}
    if others:
        names = ", ".join(sorted({stamp.name for stamp in others}))
        raise TreeError(f"tickets.py changed more than the plan: {names}")
    return answer


def _files(found: Found) -> frozenset[Stamp]:
    return frozenset(stamp for folder in found.scope.tree.folders for stamp in stamps(str(folder.path)))


def parse_answer(finished: Finished, change: Mark) -> Answer:
    """The answer of a process that marked. Raises TreeError for a failure, and for a status that did not change."""
    if finished.code != 0:
        raise TreeError(f"tickets.py ended with {finished.code}: {_reason(finished.stderr)}")
    try:
        answer = msgspec.json.decode(finished.stdout, type=Answer)
    except msgspec.DecodeError as error:
        raise TreeError(f"tickets.py printed no answer that is understood: {error}") from error
    if answer.status != change.status:
        raise TreeError(f"the plan still says {answer.status!r} after it was marked {change.status!r}")
    return answer


def _reason(stderr: bytes) -> str:
    try:
        return msgspec.json.decode(stderr, type=_Failure).error
    except msgspec.DecodeError:
        lines = stderr.decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "no reason was given"
