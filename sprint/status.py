"""The status vocabulary: what BMAD's many spellings mean.

Owns the canonical statuses and the mapping from any text found in a tracker or a story file to
one of them. A text that is not understood becomes `unknown`: shown as it is, never run, never
rewritten.
"""

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache


class Status(StrEnum):
    """The status of a story, an epic or a retrospective."""

    BACKLOG = "backlog"
    READY_FOR_DEV = "ready-for-dev"
    IN_PROGRESS = "in-progress"
    REVIEW = "review"
    DONE = "done"
    BLOCKED = "blocked"
    PARKED = "parked"
    UNKNOWN = "unknown"


class Kind(StrEnum):
    """The kind of a key of the tracker."""

    EPIC = "epic"
    STORY = "story"
    RETRO = "retro"
    OTHER = "other"


RUNNABLE = frozenset({Status.BACKLOG, Status.READY_FOR_DEV, Status.IN_PROGRESS, Status.REVIEW})

# What may be written: the words every BMAD version reads, and `blocked`.
WRITABLE = RUNNABLE | {Status.DONE, Status.BLOCKED}

# What plans and stories of unattended builds say; `built` beside `in-review` where a build ended so.
BUILD_WORDS = {
    Status.BACKLOG: "draft",
    Status.READY_FOR_DEV: "ready-for-dev",
    Status.IN_PROGRESS: "in-progress",
    Status.REVIEW: "in-review",
    Status.DONE: "done",
    Status.BLOCKED: "blocked",
}

_SPELLINGS: dict[Status, str] = {
    Status.BACKLOG: "backlog not-started todo to-do pending planned optional",
    Status.READY_FOR_DEV: "ready-for-dev drafted draft approved",
    Status.IN_PROGRESS: "in-progress inprogress wip active",
    Status.REVIEW: "review ready-for-review in-review code-review dev-complete built",
    Status.DONE: "done complete completed deployed closed",
    Status.BLOCKED: "blocked on-hold awaiting-operator",
    Status.PARKED: "deferred skipped split merged absorbed moved deprecated superseded cancelled canceled "
    "descoped future parked dropped",
}
_ALIASES = {word: status for status, words in _SPELLINGS.items() for word in words.split()}
_EPIC_ALIASES = {"contexted": Status.IN_PROGRESS}

# `moved-to-12.8`, `future-backlog`, `blocked-credentials`: the first word says it, the rest where to or why.
_PARKED_FAMILY = re.compile(r"(?:deferred|split|merged|absorbed|moved|superseded|future)-")
_BLOCKED_FAMILY = re.compile(r"blocked-")

# An opening parenthesis, an en or em dash, a comment: a remark follows.
_CUT = re.compile(r"\(|[\u2013\u2014]|\s#")
# A status is a word or a few; what is longer is prose, and looking at more of it is wasted time.
_STATUS_CHARS = 200


@lru_cache(maxsize=1024)
def canonical(raw: str, kind: Kind = Kind.STORY) -> Status:
    """The canonical status of a raw text such as `Done ✅`, `"ready_for_dev"` or `moved-to-12.8`."""
    word = status_word(raw)
    if kind is Kind.EPIC and word in _EPIC_ALIASES:
        return _EPIC_ALIASES[word]
    if _PARKED_FAMILY.match(word):
        return Status.PARKED
    if _BLOCKED_FAMILY.match(word):
        return Status.BLOCKED
    return _ALIASES.get(word, Status.UNKNOWN)


def status_word(raw: str) -> str:
    """The status in BMAD's own style: lower case, words joined by `-`, remarks and emoji cut off."""
    text = _without_emoji(raw[:_STATUS_CHARS].strip().strip("'\"`*").strip())
    text = _CUT.split(text, maxsplit=1)[0]
    return re.sub(r"[\s_]+", "-", text.strip().strip("'\"`*.").lower())


def _without_emoji(text: str) -> str:
    """Drops emoji at the start, and everything from the first one behind a word."""
    kept = 0
    while kept < len(text) and (_is_emoji(text[kept]) or text[kept].isspace()):
        kept += 1
    for end in range(kept, len(text)):
        if _is_emoji(text[end]):
            return text[kept:end]
    return text[kept:]


def _is_emoji(char: str) -> bool:
    return char > "\x7f" and (unicodedata.category(char) in ("So", "Sk", "Cf") or char == "\ufe0f")
