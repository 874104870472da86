"""`last_updated` in its own spelling: a date stays a date, an offset stays that offset.

Eleven spellings are in use. One that is not recognised is left alone.
"""

import re
from datetime import UTC, datetime, timedelta, timezone

_ISO = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:(?P<gap>[T ])(?P<time>\d\d:\d\d(?P<seconds>:\d\d(?P<fraction>\.\d{1,9})?)?)"
    r"(?P<space> ?)(?P<zone>Z|[+-]\d\d(?P<colon>:?)\d\d)?)?$"
)
_AMERICAN = re.compile(r"\d\d-\d\d-\d{4}(?P<time> \d\d:\d\d)?$")


def restamp(old: str, now: datetime) -> str | None:
    """The moment `now` (aware) in the spelling of `old`; None if that is not one that is known."""
    # The form that BMAD documents since 6.11, in local time without a zone.
    if american := _AMERICAN.match(old):
        return now.astimezone().strftime("%m-%d-%Y %H:%M" if american["time"] else "%m-%d-%Y")
    found = _ISO.match(old)
    return _iso(found, now) if found else None


def _iso(found: re.Match[str], now: datetime) -> str:
    moment = now.astimezone(_zone(found["zone"]))
    text = moment.strftime("%Y-%m-%d")
    if not found["time"]:
        return text
    text += found["gap"] + moment.strftime("%H:%M")
    if found["seconds"]:
        text += moment.strftime(":%S")
    if fraction := found["fraction"]:
        # The old value may have nine digits; a datetime has six.
        text += "." + f"{moment.microsecond:06d}000"[: len(fraction) - 1]
    return text + found["space"] + (found["zone"] or "")


def _zone(text: str | None) -> timezone | None:
    """None is the local time of this machine."""
    if text is None:
        return None
    if text == "Z":
        return UTC
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    # `timezone()` raises ValueError for an offset of a day or more.
    if offset >= timedelta(hours=24):
        return UTC
    return timezone(-offset if text[0] == "-" else offset)
