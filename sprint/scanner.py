"""The line scanner: what can still be read of a tracker whose YAML is broken.

It looks for one `key: value` a line inside the `development_status` block and steps over what it
does not understand (merge markers, prose, block scalars). Its answer is shown, never written to.
"""

import re

from sprint.document import Scalar, Source
from sprint.model import Shape
from sprint.shapes import BLOCK, Raw, Table

_HEADER = re.compile(rf"^[\"']?{BLOCK}[\"']?[ \t]*:", re.MULTILINE)
_LINE = re.compile(r"(?P<indent>[ \t]*)(?P<quote>[\"']?)(?P<key>[\w.+-]+)(?P=quote)[ \t]*:(?:[ \t]+(?P<value>.*))?$")
_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#.*")
_BLOCK_SCALAR = re.compile(r"[|>][+-]?\d?$")


def scan(source: Source) -> Table:
    """The entries of the block, in file order; none if there is no block."""
    header = _HEADER.search(source.text)
    if header is None:
        return Table(Shape.NONE, [])
    scanner = _Scanner()
    for number in range(source.line(header.start()), len(source.starts)):
        start = source.starts[number]
        if not scanner.take(source.text[start : source.line_end(start)], start):
            break
    return Table(Shape.FLAT, scanner.raws)


class _Scanner:
    """Takes lines until the block ends."""

    def __init__(self) -> None:
        self.raws: list[Raw] = []
        self._indent: int | None = None  # of the first entry
        self._prose: int | None = None  # indent of a key whose block scalar is being skipped
        self._open = False  # the last entry had no value of its own: deeper lines are its properties

    def take(self, line: str, start: int) -> bool:
        """False when the line ends the block: a key at column 0 that opens something of its own."""
        found = _LINE.match(line)
        if found is None or line.lstrip().startswith("#"):
            return True
        indent = len(found["indent"])
        if indent == 0:
            return _has_value(found)
        if self._prose is not None and indent > self._prose:
            return True
        self._prose = None
        self._entry(found, indent, start)
        return True

    def _entry(self, found: re.Match[str], indent: int, start: int) -> None:
        value = _COMMENT.sub("", found["value"] or "").strip()
        if _BLOCK_SCALAR.match(value):
            self._prose, value = indent, ""
        if self._indent is None:
            self._indent = indent
        if indent > self._indent and self._open:
            self._property(found, value, start)
            return
        self.raws.append(_raw(found["key"], found, value, start))
        self._open = not value

    def _property(self, found: re.Match[str], value: str, start: int) -> None:
        if found["key"] == "status" and value:
            self.raws[-1] = _raw(self.raws[-1].key, found, value, start)


def _has_value(found: re.Match[str]) -> bool:
    """Whether a line at column 0 holds all of its value: then indented lines below it are still the block's."""
    value = _COMMENT.sub("", found["value"] or "").strip()
    return bool(value) and not _BLOCK_SCALAR.match(value)


def _raw(key: str, found: re.Match[str], value: str, start: int) -> Raw:
    at = start + found.start("key")
    begin = start + found.start("value") if value else at
    return Raw(key, value.strip("'\""), at, Scalar(value, begin, begin + len(value), bare=False))
