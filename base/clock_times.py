"""Times of the local clock: the next time it shows an hour and minute, and windows in which work is allowed.

Local is the zone of this machine. A time that a change of the clock skips is moved behind it; one that comes twice
counts both times.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_WINDOW: Final = re.compile(r"([0-9][0-9]:[0-9][0-9])\s*-\s*([0-9][0-9]:[0-9][0-9])")
OPENINGS_MOST: Final = 2000  # that are looked at; years, with one or two a day
CHANGE_S: Final = 900.0  # clocks are changed at a quarter of an hour, everywhere
DAY_S: Final = 86_400.0
DAYS_AHEAD: Final = 3  # looked at for the next moment; a change of the clock skips a time on one day at most


def clock_time(text: str) -> time | None:
    """Return a time of the day from "HH:MM"; None for anything else."""
    found = _TIME.fullmatch(text.strip())
    return None if found is None else time(int(found[1]), int(found[2]))


def next_time(wanted: time, now: float) -> float:
    """Return the next moment after `now` at which the local clock shows a time, both in seconds since the epoch."""
    return min(moment for moment in _moments(wanted, now) if moment > now)


def _moments(wanted: time, now: float) -> list[float]:
    first = date.fromtimestamp(now) - timedelta(days=1)
    days = (first + timedelta(days=ahead) for ahead in range(DAYS_AHEAD + 1))
    return [datetime.combine(day, wanted.replace(fold=fold)).timestamp() for day in days for fold in (0, 1)]


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of the day as begin and end; one whose end is not after its begin lasts over midnight."""

    windows: tuple[tuple[time, time], ...]

    @classmethod
    def parse(cls, text: str) -> Windows | None:
        """Return the windows of a text such as "22:00-07:00, 12:00-13:00"; None where it is none."""
        found = []
        for part in text.split(","):
            match = _WINDOW.fullmatch(part.strip())
            begin, end = (None, None) if match is None else (clock_time(match[1]), clock_time(match[2]))
            if begin is None or end is None or begin == end:
                return None
            found.append((begin, end))
        return cls(tuple(found))

    def are_open(self, now: float) -> bool:
        shown = datetime.fromtimestamp(now).time()
        return any(
            begin <= shown < end if begin < end else shown >= begin or shown < end for begin, end in self.windows
        )

    def opens_at(self, now: float) -> float | None:
        """Return the next moment at which a window is open; None while one is."""
        if self.are_open(now):
            return None
        moments = (moment for begin, _ in self.windows for moment in _moments(begin, now))
        # A short window that lies in the hour which a change of the clock skips is not open on that day.
        return min(moment for moment in moments if moment > now and self.are_open(moment))

    def closes_at(self, now: float) -> float | None:
        """Return the next moment at which no window is open; None while none is, and where one always is."""
        if not self.are_open(now):
            return None
        ends = [moment for _, end in self.windows for moment in _moments(end, now)]
        # A change of the clock may skip the end of a window: it is then closed from the change on.
        first = (math.floor(now / CHANGE_S) + 1) * CHANGE_S
        changes = (first + step * CHANGE_S for step in range(int(DAY_S / CHANGE_S)))
        closing = [moment for moment in (*ends, *changes) if moment > now and not self.are_open(moment)]
        return min(closing, default=None)

    def after_open(self, now: float, seconds: float) -> float:
        """Return the moment at which windows will have been open for so many seconds since `now`."""
        for _ in range(OPENINGS_MOST):
            now = self.opens_at(now) or now
            closing = self.closes_at(now)
            if closing is None or now + seconds <= closing:
                break
            seconds -= closing - now
            now = closing
        return now + seconds
