"""The usage windows of an account, and the share of them that a run leaves to people.

Times are seconds since the epoch. A window counts until it is reset; one whose reset is not known, for its length.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from base.clock_times import Windows
from base.usage_windows import EVERY, length_s

ROUNDING: Final = 1e-9  # 1 - 0.3 is a little less than 0.7


@dataclass(frozen=True, slots=True)
class UsageWindow:
    """A usage window as it was reported at a time; `resets_at` None where that is not known."""

    name: str
    used: float
    resets_at: float | None
    at: float

    def ends_at(self) -> float:
        """Return when what is known of it counts no more."""
        return self.at + length_s(self.name) if self.resets_at is None else self.resets_at


@dataclass(frozen=True, slots=True)
class Hold:
    """A window at its reserve: until when it holds, and the share that is left to people."""

    window: UsageWindow
    reserve: float
    until: float

    def __str__(self) -> str:
        return f"{self.window.used:.0%} of the {self.window.name} window is used, and {self.reserve:.0%} is reserved"


@dataclass(frozen=True, slots=True)
class Reserve:
    """The shares that are reserved, by the names of windows, and the hours in which they are; None: always."""

    shares: Mapping[str, float]
    hours: Windows | None = None

    def holds(self, windows: Iterable[UsageWindow], now: float) -> Hold | None:
        """Return the window that holds longest, None where none is at its reserve now."""
        if self.hours is not None and not self.hours.are_open(now):
            return None
        closes = None if self.hours is None else self.hours.closes_at(now)
        found = []
        for window in windows:
            share = self.share_of(window.name)
            if share > 0 and now < window.ends_at() and window.used >= 1 - share - ROUNDING:
                until = window.ends_at() if closes is None else min(closes, window.ends_at())
                found.append(Hold(window, share, until))
        return max(found, key=lambda hold: hold.until, default=None)

    def share_of(self, name: str) -> float:
        """Return the share of a window; that of the week also counts for the week of one model."""
        general = name.partition(",")[0]
        return next((self.shares[key] for key in (name, general, EVERY) if key in self.shares), 0.0)
