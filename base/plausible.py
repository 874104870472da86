"""Plausibility checks of the numbers that an agent claims: times, costs, counts, hashes.

The rules are pure functions. An impossible claim is replaced by the value that applies without it, with one sentence
for the log. Adapters and the run use these rules and have no others.
"""

from __future__ import annotations

import datetime
import math
import re
from dataclasses import dataclass
from typing import Any, Final

LIMIT_BACKOFF_S: Final = (60.0, 300.0, 900.0, 1800.0)  # waits for a usage limit without a plausible reset time
LONGEST_WAIT_S: Final = 8 * 86_400.0  # the longest window of a subscription is a week; one day of slack
USED_MAX: Final = 1.5  # of a usage window: more is a percentage, or a mistake
COUNT_MAX: Final = 10**15  # tokens, turns or lines; more is a mistake of the program
COST_MAX_USD: Final = 100_000.0  # per command
_MILLISECONDS_FROM: Final = 10**11  # as seconds this is the year 5138, as milliseconds 1973
_MICROSECONDS_FROM: Final = 10**14
_HASH: Final = re.compile(r"[0-9a-f]{4,64}")


@dataclass(frozen=True, slots=True)
class Wait:
    """The end of a wait for a limit, in seconds since the epoch, and the reason why it is not the claimed one."""

    until: float
    doubt: str | None = None


def limit_wait(claimed: float | None, now: float, waits_before: int) -> Wait:
    """Return when to try again after a usage limit.

    `claimed` is the reset time from the agent in seconds since the epoch, None if it gave none; `waits_before` counts
    the waits of this command so far. A wait is at least the next step of the backoff, so that a reset time in the past
    does not make a tight loop of paid calls, and at most eight days.
    """
    step = LIMIT_BACKOFF_S[min(waits_before, len(LIMIT_BACKOFF_S) - 1)]
    if claimed is None:
        return Wait(now + step)
    if not math.isfinite(claimed) or claimed - now > LONGEST_WAIT_S:
        return Wait(now + step, f"the reset time is more than 8 days ahead, which is not plausible; {_waiting(step)}")
    if claimed <= now:
        return Wait(now + step, f"the reset time has passed, but the limit still applies; {_waiting(step)}")
    if claimed - now < step:
        return Wait(now + step, f"the reset time is {claimed - now:.0f} s away; {_waiting(step)}")
    return Wait(claimed)


def _waiting(seconds: float) -> str:
    return f"waiting {seconds:.0f} s" if seconds < 120 else f"waiting {seconds / 60:.0f} min"


def epoch_seconds(value: Any) -> float | None:
    """Return a point in time as seconds since the epoch; None for anything else.

    Accepted are numbers (also as text) of seconds, milliseconds or microseconds, distinguished by their size, and
    ISO 8601 texts; one without a time zone is UTC.
    """
    if isinstance(value, str):
        return _from_text(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float):  # bool is a subclass of int
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    if not math.isfinite(number) or number < 0:
        return None
    if number >= _MICROSECONDS_FROM:
        return number / 1_000_000
    return number / 1000 if number >= _MILLISECONDS_FROM else number


def _from_text(text: str) -> float | None:
    if re.fullmatch(r"\d{1,20}(?:\.\d{1,9})?", text):
        return epoch_seconds(float(text))
    try:
        when = datetime.datetime.fromisoformat(text)
        return (when if when.tzinfo else when.replace(tzinfo=datetime.UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def used_fraction(value: Any) -> float | None:
    """Return the used part of a usage window from 0 to 1; None for what is no share of anything.

    A little more than everything is reported where a window may be overdrawn, and counts as everything.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= USED_MAX:
        return None
    return min(float(value), 1.0)


def reset_time(claimed: float | None, now: float) -> float | None:
    """Return when a usage window opens again (seconds); None where the claim is past or more than eight days ahead."""
    if claimed is None or not math.isfinite(claimed) or not now < claimed <= now + LONGEST_WAIT_S:
        return None
    return claimed


def cost_usd(value: Any) -> float | None:
    """Return a plausible cost in US dollars; None for one that is negative, not finite or too large."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= COST_MAX_USD else None


def cost_doubt(value: Any) -> str | None:
    """Return the reason why a reported cost is ignored; None for a plausible one and where none was reported."""
    if value is None or cost_usd(value) is not None:
        return None
    return f"the agent reports a cost of {str(value)[:40]} dollars, which is not plausible and is ignored"


def count(value: Any) -> int:
    """Return a plausible number of tokens, turns or lines; 0 for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < COUNT_MAX:
        return 0
    return int(value)


def commit_hash(text: str) -> str | None:
    """Return a full or abbreviated commit hash in lower case; None for any other text."""
    found = text.strip("`'\" ").lower()
    return found if _HASH.fullmatch(found) else None
