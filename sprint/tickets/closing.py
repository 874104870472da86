"""Closing an epic: the one word in its own file that opens the gates behind it.

No command of the official program writes it, and an operator has to mean it. Every other byte stays.
"""

import re

from sprint.edit import Refused
from sprint.tickets.frontmatter import Front, decoded, parse_front
from sprint.tickets.tree import EPIC_STATUSES

DONE = "done"

_STATUS = re.compile(r"^(status[ \t]*:[ \t]*)([^\s#]*)(?=[ \t]*(?:\r?$|[ \t]#))", re.MULTILINE)
_CLOSE = re.compile(r"^---\r?$", re.MULTILINE)


def closed_bytes(data: bytes) -> bytes:
    """An epic's file with the status `done`. Raises Refused where that is not one plain word to change."""
    try:
        before = parse_front(decoded(data), strict=True)
        text = data.decode()
    except UnicodeDecodeError:
        raise Refused("The epic's file is not UTF-8.") from None
    if before is None or not before.closed:
        raise Refused("The epic's file has no frontmatter to write its status in.")
    if before.text("status") not in ("", *EPIC_STATUSES):
        raise Refused(f"The epic's status {before.text('status')!r} is not one that is understood.")
    start, end = _block(text)
    changed = _with_status(text, start, end)
    after = parse_front(decoded(changed.encode()), strict=True)
    if after is None or not _only_status(before, after):
        raise Refused("The edit would change more than the status; nothing was written.")
    return changed.encode()


def _block(text: str) -> tuple[int, int]:
    """Where the lines of the frontmatter begin and end."""
    fences = [found.start() for found in _CLOSE.finditer(text.removeprefix("\ufeff"))]
    # Places are those of the whole text, since a byte-order mark is written back.
    shift = len(text) - len(text.removeprefix("\ufeff"))
    return text.index("\n", fences[0] + shift) + 1, fences[1] + shift


def _with_status(text: str, start: int, end: int) -> str:
    block = text[start:end]
    found = list(_STATUS.finditer(block))
    if len(found) > 1:
        raise Refused("The epic's file has several lines `status:`; remove all but one.")
    if found:
        place, end_of = start + found[0].start(2), start + found[0].end(2)
        # `status:` without a value has no blank behind it.
        gap = " " if text[place - 1] == ":" else ""
        return text[:place] + gap + DONE + text[end_of:]
    newline = "\r\n" if text[:start].endswith("\r\n") else "\n"
    return f"{text[:end]}status: {DONE}{newline}{text[end:]}"


def _only_status(before: Front, after: Front) -> bool:
    wanted = {**before.values, "status": DONE}
    return after.values == wanted and after.body == before.body
