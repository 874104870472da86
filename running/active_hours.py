"""The hours in which commands start: outside of them the run waits for the next opening.

The hours are a state that is compared with the clock before every command, as a budget is. The operator's Resume opens
them until they would have opened by themselves.
"""

from __future__ import annotations

from base.clock_times import Windows
from running.waits import Pausable
from running.workspace import Workspace

HOURS = "hours"  # the reason of the pause


class ActiveHours:
    """The active hours of one batch, by the setting as it is now."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._open_until = 0.0  # by the operator

    def opens_at(self) -> float | None:
        """Return when the next command may start (seconds since the epoch); None for now."""
        text, now = self._workspace.settings().active_hours, self._workspace.clock()
        windows = None if text is None else Windows.parse(text)
        if windows is None or now < self._open_until:
            return None
        return windows.opens_at(now)

    def look(self, gate: Pausable) -> None:
        """Let the gate wait for the opening outside of the hours."""
        opening = self.opens_at()
        if opening is not None:
            gate.pause(HOURS, opening)

    def open(self) -> None:
        """Let commands start until the hours would have opened."""
        self._open_until = self.opens_at() or self._open_until
