"""The classification of error messages, for agents that report errors only as text.

Only ever given the text of an error record, never what a model or a tool said: "returning 429" in a program under
development is no rate limit.
"""

from __future__ import annotations

import re
from typing import Final as Constant

from agents.limit_text import reset_in, wait_in
from agents.records import LimitSeen
from agents.spec import OutcomeKind

_STATUS: Constant = re.compile(r"(?:status|code|API Error|HTTP)\W{0,4}(?:code\W{0,3})?([45]\d\d)\b", re.IGNORECASE)
_USAGE_LIMIT: Constant = re.compile(r"usage limit|limit reached for your plan", re.IGNORECASE)
_MODEL: Constant = re.compile(
    r"(?:unknown|invalid|no such|unsupported) model|model[_ ]not[_ ]found|issue with the selected model"
    r"|404 not found: model|knows no such model"
    r"|models?/?:?\W{0,2}\S{1,80}(?: model)? (?:is |was |could )?"
    r"(?:not (?:found|supported|be found|available)|does(?: not|n't) exist|may not exist)",
    re.IGNORECASE,
)
_BILLING: Constant = re.compile(
    r"billing|credit balance|insufficient[_ ](?:quota|balance|credit|funds)|quota exceeded|payment required"
    r"|exceeded your current quota",
    re.IGNORECASE,
)
_AUTH: Constant = re.compile(
    r"api[ _]key|unauthori[sz]ed|unauthenticated|authentication|missing environment variable|not logged in"
    r"|log ?in again",
    re.IGNORECASE,
)
_LIMIT: Constant = re.compile(r"max(?:imum)? (?:session )?turns|turn limit|budget|max(?:imum)? output", re.IGNORECASE)
_TRANSIENT: Constant = re.compile(
    r"rate limit|overloaded|at capacity|high demand|disconnected|timed? ?out|connection|network|temporar"
    r"|exceeded retry limit|resource.exhausted|unavailable|internal server error",
    re.IGNORECASE,
)
READ_CHARS = 4000  # of an error text; some carry a whole response body


def kind_of(message: str, status: int | None = None) -> OutcomeKind:
    """The kind of failure, by the HTTP status where one is known or named, else by the words."""
    text = message[:READ_CHARS]
    status = status or status_in(text)
    if _USAGE_LIMIT.search(text):
        return OutcomeKind.USAGE_LIMIT
    if is_about_model(text) or status == 404:  # a wrong name or a wrong address: no story is to blame
        return OutcomeKind.COULD_NOT_START
    if is_about_billing(text) and wait_in(text) is not None:  # a quota that fills up again by itself
        return OutcomeKind.USAGE_LIMIT
    if status in (401, 402, 403) or _AUTH.search(text) or is_about_billing(text):
        return OutcomeKind.AUTH
    if _LIMIT.search(text):
        return OutcomeKind.LIMIT
    if status in (408, 429) or (status or 0) >= 500 or (status is None and _TRANSIENT.search(text)):
        return OutcomeKind.TRANSIENT
    return OutcomeKind.FAILED


def is_about_model(message: str) -> bool:
    """Whether an error says that there is no such model, or none that may be used."""
    return _MODEL.search(message[:READ_CHARS]) is not None


def is_about_billing(message: str) -> bool:
    """Whether an error says that there is no money left; a new login would not help."""
    return _BILLING.search(message[:READ_CHARS]) is not None


def limit_seen(message: str, now: float) -> LimitSeen | None:
    """The used-up window that an error text reports, with the time at which it ends where one is named."""
    if kind_of(message) is not OutcomeKind.USAGE_LIMIT:
        return None
    return LimitSeen(True, reset_in(message, now))


def status_in(message: str) -> int | None:
    """The HTTP status that an error text names."""
    found = _STATUS.search(message[:READ_CHARS])
    return int(found[1]) if found else None
