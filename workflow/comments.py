"""The operator's comments on what was sent back, one by one, and the answers of the review that looks at each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from workflow.closing import spoken_lines

WORDS_MAX: Final = 500  # characters of an answer that are kept

_PLACE: Final = re.compile(r"\S+:[1-9]\d{0,8}: ")
_ANSWER: Final = re.compile(
    r"[\s\-*+#]*(?:comment\s+)?(\d{1,3})\s*[:.)]\s*[*_`\[]*(ANSWERED|OPEN)\b[*_`\]]*[\s:.,\-\u2013\u2014]*(.*)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class CommentAnswer:
    """What a review says of one comment: whether it was dealt with, and how; no words where it says nothing of it."""

    comment: str
    answered: bool
    words: str = ""


def split_comments(text: str | None) -> tuple[str, ...]:
    """Return the comments of a text: the part about the whole, then each that names a place, with its further lines."""
    parts: list[list[str]] = [[]]
    for line in (text or "").split("\n"):
        if _PLACE.match(line):
            parts.append([])
        parts[-1].append(line)
    return tuple(comment for part in parts if (comment := "\n".join(part).strip()))


def numbered(comments: Sequence[str]) -> str:
    return "\n".join(f"{number}. {comment}" for number, comment in enumerate(comments, start=1))


def read_answers(reply: str, comments: Sequence[str]) -> tuple[CommentAnswer, ...]:
    """Return the answer to each comment; of several to one the last counts."""
    found = {}
    for line in spoken_lines(reply):
        if (match := _ANSWER.fullmatch(line.rstrip())) is not None:
            found[int(match[1])] = (match[2].upper() == "ANSWERED", match[3].strip()[:WORDS_MAX])
    return tuple(
        CommentAnswer(comment, *found.get(number, (False, ""))) for number, comment in enumerate(comments, start=1)
    )
