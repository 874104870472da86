"""Days as people type them."""

from __future__ import annotations

from datetime import date

from perch.errors import PerchError


def parse_day(text: str, today: date) -> date:
    """The day that `text` means, seen from `today`. Raises PerchError for anything else, and for the future."""
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise PerchError(f"{text!r} is not a day; write it as {today.isoformat()}") from None
    if day > today:
        raise PerchError(f"{day} has not come yet")
    return day
