"""The names and lengths of usage windows, and shares of them in the form of a setting."""

from __future__ import annotations

import re
from typing import Final

UNNAMED: Final = "limit"  # a window of which only is known that it is used up
SHORTEST_S: Final = 5 * 3600.0  # the length of a window whose name does not say it
NAME_CHARS: Final = 40
EVERY: Final = ""  # the key of the share of all windows without one of their own
_UNITS: Final = {"min": 60.0, "h": 3600.0, "d": 86_400.0, "week": 604_800.0}
_KNOWN: Final = {"five_hour": "5 h", "seven_day": "week", "7 d": "week", "10080 min": "week", "300 min": "5 h"}
_LENGTH: Final = re.compile(r"(?:(\d{1,4}) )?(min|h|d|week)\b")
_SHARE: Final = re.compile(r"(?:([^:,]+):)?\s*(\d{1,2}(?:\.\d+)?)\s*%?")


def shares_of(value: float | str | None) -> dict[str, float] | None:
    """Return the shares of a setting such as 30 or "5 h: 30, week: 10"; None where it is none. Nothing: no shares."""
    if value is None:
        return {}
    found: dict[str, float] = {}
    for part in str(value).split(","):
        match = _SHARE.fullmatch(part.strip())
        name = EVERY if match is None or match[1] is None else window_name(match[1].strip())
        if match is None or name in found or not 0 < float(match[2]) < 100:
            return None
        found[name] = float(match[2]) / 100
    return found


def window_name(raw: str | None) -> str:
    """Return the name of a window: "5 h", "week", "week, opus"; what programs call it otherwise, within bounds."""
    text = " ".join((raw or "").split())
    if not text:
        return UNNAMED
    if text.startswith("seven_day_"):
        return f"week, {text.removeprefix('seven_day_')}"[:NAME_CHARS]
    return _KNOWN.get(text, text.replace("_", " ")[:NAME_CHARS])


def length_s(name: str) -> float:
    """Return the length of a window in seconds, by its name."""
    match = _LENGTH.match(name)
    return SHORTEST_S if match is None else int(match[1] or 1) * _UNITS[match[2]]
