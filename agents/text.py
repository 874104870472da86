"""Short, printable sentences from the output of programs."""

from __future__ import annotations

import re

LINE_CHARS = 160  # one line of a log
REASON_CHARS = 300  # of a program's own words inside our sentence
SENTENCE_CHARS = 600  # of a whole reason
HELP_LINES = 20  # more lines on stderr are a help text, whose beginning has the reason

_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_CHATTER = re.compile(
    r"Reading (?:additional input|prompt) from stdin|\[STARTUP\]|Warning: Basic terminal|Ripgrep (?:is )?not available"
    r"|YOLO mode is enabled|Warning: running headless with --yolo|Loaded cached credentials",
    re.IGNORECASE,
)
_COMPLAINT = re.compile(r"(?:\w*error|\w*exception|unknown|invalid|fatal|failed|panic)\b", re.IGNORECASE)

_LOST_SESSION = re.compile(
    r"no (?:conversation|session|thread|rollout)s? (?:was |were )?found"
    r"|(?:session|conversation|thread)\b[^.]{0,80}\b(?:not found|does not exist|could not be resumed)",
    re.IGNORECASE,
)


def is_session_lost(reason: str) -> bool:
    """Whether a resumed call failed because the agent does not know its session any more."""
    return _LOST_SESSION.search(reason) is not None


def one_line(text: str, limit: int = LINE_CHARS) -> str:
    """`text` on one line, white space folded, control characters gone, cut at `limit` with an ellipsis."""
    plain = _ESCAPES.sub("", text[: limit * 8])
    folded = _CONTROLS.sub("", " ".join(plain.split()))
    return folded if len(folded) <= limit else folded[: limit - 1] + "…"


def first_line(text: str, limit: int = LINE_CHARS) -> str:
    """Return the first non-empty line of `text`, cut at `limit` characters."""
    head = text[: limit * 8].strip().split("\n", 1)[0]
    return one_line(head, limit)


def line_about(text: str, words: re.Pattern[str]) -> str:
    """The first line that holds one of the words, "" where there is none."""
    return next((one_line(line, REASON_CHARS) for line in text.splitlines() if words.search(line)), "")


def last_words(stderr: str) -> str:
    """The line of stderr that says why: the last one that begins like a complaint, else the last (or of a long help
    text the first). What programs print in good runs, too, is no reason."""
    lines = [line for raw in stderr.splitlines() if (line := one_line(raw, REASON_CHARS))]
    lines = [line for line in lines if not _CHATTER.match(line)]
    if not lines:
        return ""
    found = [index for index, line in enumerate(lines) if _COMPLAINT.match(line)]
    index = found[-1] if found else len(lines) - 1 if len(lines) <= HELP_LINES else 0
    return " ".join(lines[index : index + 2]) if lines[index].endswith(":") else lines[index]


def sentence(text: str) -> str:
    """`text` on one line, beginning with a capital and ending with a full stop."""
    folded = one_line(text, SENTENCE_CHARS)
    return folded[:1].upper() + folded[1:] + ("" if folded.endswith((".", "…", "!", "?")) else ".")


def duration(seconds: float) -> str:
    """ "15 min" or "0.5 s"."""
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:g} s"
