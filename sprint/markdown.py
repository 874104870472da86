"""Just enough Markdown: lines, code fences, headings, sections, lists, and YAML frontmatter.

Line based on purpose: story files are written by many hands, and a half-finished one must still
show what it has. Any bytes give a document.
"""

import bisect
import re
from dataclasses import dataclass, field
from pathlib import Path

from base.regular import read_regular
from sprint.document import Mapping, Scalar, Sequence, decode, parse
from sprint.model import Problem

# Real story files have up to some hundred kilobytes; what comes after this is not looked at.
MAX_BYTES = 1024 * 1024
# The longest frontmatter seen has some forty lines; without an end it is a horizontal rule.
MAX_FRONTMATTER_LINES = 200
# A heading is a line on a page.
MAX_HEADING_CHARS = 500

_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*)$")
_FENCE = re.compile(r"[ \t>]*(`{3,}|~{3,})(.*)$")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_PAIR = re.compile(r"([A-Za-z_][\w-]*):(?:[ \t]+(.*))?$")
_EMPHASIS = re.compile(r"\*\*|`")
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()]*\)")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text. `number` counts from 1; code is what is in a fence or opens it."""

    number: int
    text: str
    code: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """`level` is 1 for `#`; `at` the index of its line in the document's lines."""

    level: int
    title: str
    at: int


def _at(heading: Heading) -> int:
    return heading.at


@dataclass(frozen=True, slots=True)
class Markdown:
    """A text taken apart. `front` holds the scalars of the frontmatter, `front_lists` its lists of scalars."""

    lines: list[Line]
    headings: list[Heading]
    front: dict[str, str] = field(default_factory=dict)
    front_lists: dict[str, tuple[str, ...]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def body(self, heading: Heading, *, whole: bool = True) -> list[Line]:
        """The lines below a heading: with its sub-sections, or only to the next heading of any level."""
        after = bisect.bisect_right(self.headings, heading.at, key=_at)
        for place in range(after, len(self.headings)):
            other = self.headings[place]
            if not whole or other.level <= heading.level:
                return self.lines[heading.at + 1 : other.at]
        return self.lines[heading.at + 1 :]

    def find(self, pattern: re.Pattern[str]) -> Heading | None:
        """The first heading below the title whose title matches."""
        return next((item for item in self.headings if item.level > 1 and pattern.match(item.title)), None)

    def section(self, pattern: re.Pattern[str]) -> list[Line]:
        """The body of the first heading that matches, [] if there is none."""
        heading = self.find(pattern)
        return self.body(heading) if heading else []


def read_markdown(path: Path) -> Markdown:
    """A file's text taken apart. Raises OSError."""
    return split(read_regular(path, MAX_BYTES))


def split(data: bytes) -> Markdown:
    """Any bytes taken apart."""
    text = decode(data).text
    raw = _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), text).splitlines()
    front, start, end = _frontmatter(raw)
    lines: list[Line] = []
    headings: list[Heading] = []
    fence = ""
    for number, line in enumerate(raw, 1):
        if start <= number <= end:
            continue
        fence, code = _fenced(line, fence)
        if not code and (found := _HEADING.match(line)):
            headings.append(Heading(len(found[1]), _heading_text(found[2]), len(lines)))
        lines.append(Line(number, line, code))
    return Markdown(lines, headings, front.values, front.lists, front.problems)


def _heading_text(text: str) -> str:
    """Without a closing `##`, which only counts behind a blank: `C#` is a language."""
    text = text.strip()[:MAX_HEADING_CHARS]
    bare = text.rstrip("#")
    return bare.rstrip() if not bare or bare[-1].isspace() else text


def _fenced(line: str, fence: str) -> tuple[str, bool]:
    """The open fence after this line ("" for none), and whether the line is code."""
    found = _FENCE.match(line)
    if found is None:
        return fence, bool(fence)
    if not fence:
        return found[1], True
    closes = found[1].startswith(fence) and not found[2].strip()
    return ("" if closes else fence), True


@dataclass(frozen=True, slots=True)
class _Front:
    values: dict[str, str] = field(default_factory=dict)
    lists: dict[str, tuple[str, ...]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def _frontmatter(raw: list[str]) -> tuple[_Front, int, int]:
    """Values, first and last line number (0, -1 if there is none). It may also be below the title."""
    start = next((index for index, line in enumerate(raw) if line.strip()), len(raw))
    if start < len(raw) and raw[start].startswith("# "):
        start = next((index for index in range(start + 1, len(raw)) if raw[index].strip()), len(raw))
    if start + 1 >= len(raw) or raw[start].rstrip() != "---" or not _PAIR.match(raw[start + 1]):
        return _Front(), 0, -1
    for end in range(start + 1, min(len(raw), start + MAX_FRONTMATTER_LINES)):
        if raw[end].rstrip() == "---":
            return _values(raw[start + 1 : end], start + 2), start + 1, end + 1
    return _Front(), 0, -1


def _values(lines: list[str], first: int) -> _Front:
    document = parse(decode("\n".join(lines).encode()))
    if isinstance(document.root, Mapping):
        pairs = document.root.pairs
        values = {key.text: value.text for key, value in pairs if isinstance(value, Scalar)}
        lists = {key.text: _texts(value) for key, value in pairs if isinstance(value, Sequence)}
        return _Front(values, lists)
    found = [match for line in lines if (match := _PAIR.match(line))]
    problem = Problem(first, "The frontmatter is not valid YAML; it was read line by line.")
    return _Front({match[1]: (match[2] or "").strip().strip("'\"") for match in found}, problems=(problem,))


def _texts(node: Sequence) -> tuple[str, ...]:
    return tuple(item.text for item in node.items if isinstance(item, Scalar))


def plain_text(text: str) -> str:
    """Text without emphasis, code marks and link targets, on one line."""
    return " ".join(_EMPHASIS.sub("", _LINK.sub(r"\1", text)).split())


def joined(lines: list[Line]) -> str:
    """The text of lines, without blank lines around it."""
    return "\n".join(line.text.rstrip() for line in lines).strip("\n")
