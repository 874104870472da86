"""The classification of error messages, for agents that report errors only as text.

Only ever given the text of an error record, never what a model or a tool said: "returning 429" in a program under
development is no rate limit.
"""

from __future__ import annotations

import re
from typing import Final as Constant

from agents.spec import OutcomeKind

_STATUS: Constant = re.compile(r"(?:status|code|API Error|HTTP)\W{0,4}(?:code\W{0,3})?([45]\d\d)\b", re.IGNORECASE)
_USAGE_LIMIT: Constant = re.compile(r"usage limit|limit reached for your plan", re.IGNORECASE)
_AUTH: Constant = re.compile(
    r"api key|unauthori[sz]ed|unauthenticated|authentication|missing environment variable|not logged in|log ?in again"
    r"|billing|credit balance|quota exceeded|insufficient_quota",
    re.IGNORECASE,
)
_LIMIT: Constant = re.compile(r"max(?:imum)? (?:session )?turns|turn limit|budget|max(?:imum)? output", re.IGNORECASE)
_TRANSIENT: Constant = re.compile(
    r"rate limit|overloaded|at capacity|high demand|disconnected|timed? ?out|connection|network|temporar"
    r"|exceeded retry limit|resource.exhausted|unavailable|internal server error",
    re.IGNORECASE,
)
_WAIT: Constant = re.compile(r"try again in ([\w ,]+)", re.IGNORECASE)
_PARTS: Constant = re.compile(r"(\d+)\s*(day|hour|minute|second)", re.IGNORECASE)
_SECONDS: Constant = {"day": 86400, "hour": 3600, "minute": 60, "second": 1}
READ_CHARS = 4000  # of an error text; some carry a whole response body


def kind_of(message: str, status: int | None = None) -> OutcomeKind:
    """The kind of failure, by the HTTP status where one is known or named, else by the words."""
    text = message[:READ_CHARS]
    status = status or status_in(text)
    if _USAGE_LIMIT.search(text):
        return OutcomeKind.USAGE_LIMIT
    if status in (401, 402, 403) or _AUTH.search(text):
        return OutcomeKind.AUTH
    if _LIMIT.search(text):
        return OutcomeKind.LIMIT
    if status in (408, 429) or (status or 0) >= 500 or (status is None and _TRANSIENT.search(text)):
        return OutcomeKind.TRANSIENT
    return OutcomeKind.FAILED


def status_in(message: str) -> int | None:
    """The HTTP status that an error text names."""
    found = _STATUS.search(message[:READ_CHARS])
    return int(found[1]) if found else None


def wait_in(message: str) -> float | None:
    """The seconds of "try again in 2 hours 30 minutes", None where no time is named."""
    found = _WAIT.search(message[:READ_CHARS])
    parts = _PARTS.findall(found[1]) if found else []
    return float(sum(int(count) * _SECONDS[unit.lower()] for count, unit in parts)) if parts else None
