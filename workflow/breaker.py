"""The comparison of failures: two stories in a row that fail for the same reason share a cause outside of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

COMPARED_CHARS: Final = 4000  # of a reason: the end of a check's output, where the failure is reported
_VOLATILE: Final = re.compile(
    r"\b[0-9a-f]{7,64}\b"  # hashes
    r"|(?:[\w.~@-]*/)+[\w.@+-]*"  # paths
    r"|\b\d+[a-z]?-\d+[a-z]?(?:-[\w-]+)?\b"  # keys of stories
    r"|\b[\w-]+\.(?:py|js|ts|go|rs|rb|java|md|ya?ml|json|toml)\b"  # names of files
    r"|\d+(?:[.,]\d+)*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class EndedStory:
    """A story of the batch that is done or blocked; `reason` is that of a blocked one."""

    key: str
    blocked: bool
    reason: str


def normalised(reason: str) -> str:
    """Return a reason without what differs between two occurrences: numbers, keys, paths, hashes, white space."""
    return " ".join(_VOLATILE.sub("#", reason[-COMPARED_CHARS:]).lower().split())


def same_reason_before(ended: Iterable[EndedStory], reason: str) -> list[str]:
    """Return the stories that were blocked for the same reason with no success since; `ended` is newest first."""
    wanted, found = normalised(reason), []
    for story in ended:
        if not story.blocked or normalised(story.reason) != wanted:
            break
        found.append(story.key)
    return found[::-1]
