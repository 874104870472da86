"""The status in a story's own file, changed in place: one word on one line, every other byte kept."""

import re
from functools import partial
from pathlib import Path

from base.files import atomic_write
from base.regular import read_regular
from sprint.document import Source, decode
from sprint.edit import Refused
from sprint.lock import LockTimeout, locked
from sprint.markdown import MAX_BYTES, split
from sprint.storystatus import FileStatus, find_status

_FRONT = re.compile(r"status[ \t]*:", re.IGNORECASE)


def edited(data: bytes, word: str) -> bytes:
    """A story file with another status word. Raises Refused where there is no single place for it."""
    found = find_status(split(data))
    if not found.raw:
        raise Refused("The story's file says no status; there is no place to write one.")
    if found.problems:
        raise Refused(found.problems[0].message)
    source = decode(data)
    lines = source.text.splitlines(keepends=True)
    place = _front_line(lines) if found.line is None else _value_line(lines, found.line - 1, found.raw)
    lines[place] = _replaced(lines[place], found.raw, word)
    result = source.encode("".join(lines))
    _prove(source, result, found, word)
    return result


def _front_line(lines: list[str]) -> int:
    places = [place for place, line in enumerate(lines[: _front_end(lines)]) if _FRONT.match(line)]
    if len(places) != 1:
        raise Refused("The file's frontmatter does not hold one line `status:`.")
    return places[0]


def _front_end(lines: list[str]) -> int:
    fences = [place for place, line in enumerate(lines) if line.rstrip() == "---"]
    return fences[1] if len(fences) > 1 else 0


def _value_line(lines: list[str], start: int, raw: str) -> int:
    """The line itself, or the first one with text below a heading."""
    if raw in lines[start]:
        return start
    below = next((place for place in range(start + 1, len(lines)) if lines[place].strip()), start)
    if raw not in lines[below]:
        raise Refused("The place of the status in the file is not clear.")
    return below


def _replaced(line: str, raw: str, word: str) -> str:
    """The line with the first `raw` behind the word `status` replaced, or the first at all."""
    label = re.search(r"status\W", line, re.IGNORECASE)
    at = line.find(raw, label.end() - 1 if label else 0)
    if at < 0:
        raise Refused("The place of the status in the file is not clear.")
    return line[:at] + word + line[at + len(raw) :]


def _prove(source: Source, result: bytes, found: FileStatus, word: str) -> None:
    """Raises Refused unless one line is different and the file now says the word."""
    before, after = source.text.splitlines(), decode(result).text.splitlines()
    differ = sum(old != new for old, new in zip(before, after, strict=False))
    now = find_status(split(result))
    if len(before) != len(after) or differ > 1 or now.raw != word or now.line != found.line:
        raise Refused("The edit would change more than the status; nothing was written.")


def write_file_status(path: Path, word: str) -> None:
    """Changes the file on disk. Raises Refused, OSError."""
    try:
        with locked(path):
            # One byte more than is allowed distinguishes a larger file from one of exactly that size.
            before = read_regular(path, MAX_BYTES + 1)
            if len(before) > MAX_BYTES:
                raise Refused(f"{path.name} is too large to be edited.")
            atomic_write(path, edited(before, word), before_replacing=partial(_check_unchanged, path, before))
    except LockTimeout:
        raise Refused("Another program is writing the story's file and does not finish.") from None


def _check_unchanged(path: Path, before: bytes) -> None:
    if read_regular(path, MAX_BYTES + 1) != before:
        raise Refused(f"{path.name} was changed by another program meanwhile; nothing was written.")
