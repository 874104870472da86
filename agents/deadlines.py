"""When a running agent must be ended for its silence, its length, or for staying after its end; and how patiently.

Pure arithmetic on a monotonic clock in seconds, which does not run while the machine sleeps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from agents.adapter import Cause
from agents.text import duration


@dataclass(frozen=True, slots=True)
class Graces:
    """Seconds given before the next, harder step."""

    step_s: float = 5.0  # after each signal: the agent ends its own children (measured: 1.5 s)
    linger_s: float = 10.0  # after a final record: exit hooks and uploads of a good run take less
    eof_s: float = 3.0  # after the exit: what is left in the pipe; an orphan may hold it open
    sweep_s: float = 2.0  # for orphans between SIGTERM and SIGKILL
    archive_s: float = 0.25  # before a recording is compressed: the next agent is started first


GRACES = Graces()


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point in time, and the consequence of reaching it."""

    at: float
    cause: Cause
    detail: str = ""


@dataclass(slots=True)
class Deadlines:
    """The time limits of one call. `progress`, `finish` and `resume` are called for events of the stream."""

    began: float
    timeout_s: float
    silence_s: float
    linger_s: float
    last_progress: float = 0.0
    finished: float | None = None
    held: float | None = None

    def __post_init__(self) -> None:
        self.last_progress = self.began

    def restart(self, now: float) -> None:
        """The process is there only now."""
        self.began = self.last_progress = now

    def progress(self, now: float) -> None:
        """The agent has done something."""
        self.last_progress = now

    def hold(self, now: float) -> None:
        """A person is asked: no limit runs until `release`."""
        self.held = now

    def release(self, now: float) -> None:
        """The limits run on; the time between counts for none of them."""
        if self.held is not None:
            self.began += now - self.held
            self.last_progress, self.held = now, None

    def finish(self, now: float) -> None:
        """Start the limit for the exit after the final record."""
        self.finished = now

    def resume(self) -> None:
        """Cancel that limit: the agent has started another turn."""
        self.finished = None

    def next(self) -> Deadline:
        """The first limit that will be reached if nothing happens."""
        if self.finished is not None:
            return Deadline(self.finished + self.linger_s, Cause.LINGER)
        if self.held is not None:
            return Deadline(math.inf, Cause.TIMEOUT)
        end, silent = self.began + self.timeout_s, self.last_progress + self.silence_s
        if end <= silent:
            return Deadline(end, Cause.TIMEOUT, f"No end after {duration(self.timeout_s)}.")
        return Deadline(silent, Cause.SILENCE, f"No output for {duration(self.silence_s)}.")
