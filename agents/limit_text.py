"""When a limit ends, by the words in which a program says so. Pure functions; the tests hold every sentence seen.

| program | sentence |
|---|---|
| Codex | `try again in 2 hours 30 minutes`, `try again at 8:58 AM`, `try again at Dec 2nd, 2026 8:58 AM` |
| Claude Code | `resets 5pm`, `resets 3:30am (Europe/Berlin)`, `resets Mar 17, 2030, 5:46pm (UTC)` |
| Gemini | `Please retry in 40.1s`, `Please retry in 5h12m3.4s` |

A time of day without a zone is this machine's, and the next one to come; a date without a year is the next such date.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo
from typing import Final as Constant
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

READ_CHARS: Constant = 4000  # of an error text; some carry a whole response body
JUST_NOW: Constant = timedelta(minutes=2)  # a time so little ago is the one that is meant: minutes are rounded

_WAIT: Constant = re.compile(r"(?:try again|retry|resets) in ([\w ,.]+)", re.IGNORECASE)
_PARTS: Constant = re.compile(
    r"(\d+(?:\.\d+)?)\s*(d|h|ms|m|s)(?:ay|our|r|in(?:ute)?|ec(?:ond)?)?s?(?![a-z])", re.IGNORECASE
)
_SECONDS: Constant = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_AT: Constant = re.compile(
    r"(?:try again at|retry at|resets(?: at)?)\s+"
    r"(?:(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+"
    r"(?:(?P<year>\d{4}),?\s+)?(?:at\s+)?)?"
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?(?::\d{2})?\s*(?P<half>[ap])?\.?m?\.?"
    r"(?:\s*\((?P<zone>[\w/+-]+)\))?",
    re.IGNORECASE,
)
_MONTHS: Constant = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def reset_in(message: str, now: float) -> float | None:
    """Epoch seconds of the time that a message names, None where it names none; `now` is epoch seconds."""
    text = message[:READ_CHARS].replace("\u202f", " ")  # the narrow space before AM and PM
    wait = wait_in(text)
    return _moment_in(text, now) if wait is None else now + wait


def wait_in(message: str) -> float | None:
    """The seconds of "try again in 2 hours 30 minutes", None where no duration is named."""
    found = _WAIT.search(message[:READ_CHARS])
    parts = _PARTS.findall(found[1]) if found else []
    return sum(float(count) * _SECONDS[unit.lower()] for count, unit in parts) if parts else None


def _moment_in(text: str, now: float) -> float | None:
    found = _AT.search(text)
    if found is None:
        return None
    zone = _zone(found["zone"])
    today = datetime.fromtimestamp(now, zone)  # without a zone: this machine's own time, as `timestamp` reads it
    hour = int(found["hour"])
    if found["half"]:
        hour = hour % 12 + (12 if found["half"].lower() == "p" else 0)
    try:
        moment = today.replace(hour=hour, minute=int(found["minute"] or 0), second=0, microsecond=0)
        moment = _dated(moment, found["month"], found["day"], found["year"], today)
    except ValueError:  # no such date or hour
        return None
    return moment.timestamp()


def _dated(moment: datetime, month: str | None, day: str | None, year: str | None, today: datetime) -> datetime:
    if month is None or day is None:
        return moment if moment > today - JUST_NOW else moment + timedelta(days=1)
    moment = moment.replace(month=_MONTHS.index(month.lower()) + 1, day=int(day), year=int(year or today.year))
    passed = year is None and moment < today - JUST_NOW
    return moment.replace(year=moment.year + 1) if passed else moment


def _zone(name: str | None) -> tzinfo | None:
    try:
        return None if name is None else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):  # an abbreviation, or a system without zone data: ours is closest
        return None
