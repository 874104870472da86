"""Bytes to text to a tree of YAML nodes with their positions.

Everything is a string (`3_4` stays `3_4`, `on` stays `on`), duplicate keys are kept and recorded,
aliases are never followed and nesting is bounded, so no input can make this slow, deep or large.
Whatever the bytes are, the answer is a document or a problem with a line, never an exception.
"""

import bisect
import codecs
import re
from dataclasses import dataclass
from typing import Any

import msgspec
import yaml

from sprint.model import Problem

try:
    from yaml import CBaseLoader as _Loader
except ImportError:  # PyYAML was built without libyaml: the same events, some thirty times slower
    from yaml import BaseLoader as _Loader  # type: ignore[assignment]

# The largest real tracker seen has 873 kB; a file over 2 MB is something else.
MAX_BYTES = 2 * 1024 * 1024
# Real trackers nest up to 6 levels. libyaml needs quadratic time for thousands of open brackets.
MAX_DEPTH = 64
TOO_DEEP = f"more than {MAX_DEPTH} levels of nesting"
LIBYAML_TOO_DEEP = "exceeded maximum nesting depth"

_BREAK = re.compile(r"\r\n|\n|\r")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Scalar(msgspec.Struct, frozen=True, gc=False):
    """A value, where its token starts and ends in the text, and its quote (`'`, `"`, `|`, `>` or "")."""

    text: str
    start: int
    end: int
    style: str = ""
    bare: bool = True  # no anchor, no tag, no alias


class Mapping(msgspec.Struct, frozen=True, gc=False):
    """Pairs in file order, duplicates included."""

    pairs: list[tuple[Scalar, "Node"]]
    start: int

    def get(self, *names: str) -> "Node | None":
        """The value of the first of `names` that is present; of duplicates the last, as YAML loaders do."""
        for name in names:
            for key, value in reversed(self.pairs):
                if key.text == name:
                    return value
        return None

    def text(self, *names: str) -> str:
        """The scalar under the first of `names` that holds a non-empty one, else ""."""
        for name in names:
            value = self.get(name)
            if isinstance(value, Scalar) and value.text:
                return value.text
        return ""


class Sequence(msgspec.Struct, frozen=True, gc=False):
    """Items in file order."""

    items: list["Node"]
    start: int


Node = Scalar | Mapping | Sequence


@dataclass(frozen=True, slots=True)
class Source:
    """A file's bytes taken apart: without a problem, `bom + text` encoded again are exactly the bytes."""

    bom: bytes
    text: str
    starts: list[int]
    problem: Problem | None = None

    def line(self, index: int) -> int:
        """The line, counted from 1, that holds the character at `index`."""
        return bisect.bisect_right(self.starts, index)

    def line_end(self, index: int) -> int:
        """Where the line that holds `index` ends, its line break not included."""
        line = self.line(index)
        end = self.starts[line] if line < len(self.starts) else len(self.text)
        while end > index and self.text[end - 1] in "\r\n":
            end -= 1
        return end

    def lines(self) -> list[str]:
        """The lines, each with its line break."""
        ends = [*self.starts[1:], len(self.text)]
        return [self.text[start:end] for start, end in zip(self.starts, ends, strict=True)]

    def encode(self, text: str) -> bytes:
        """`text` as this file's bytes."""
        return self.bom + text.encode()


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed text. `root` is None if it is empty or broken; `duplicates` are (key, index) of repeated keys."""

    root: Node | None
    duplicates: tuple[tuple[str, int], ...] = ()
    several: bool = False
    problem: Problem | None = None


def decode(data: bytes) -> Source:
    """Any bytes as text that can be encoded again; what is not UTF-8 is replaced and named in `problem`."""
    if data.startswith(_UTF16):
        text = data.decode("utf-16", "replace")
        return Source(b"", text, _line_starts(text), Problem(None, "The file is UTF-16; save it as UTF-8."))
    bom = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    try:
        text = data[len(bom) :].decode()
    except UnicodeDecodeError as error:
        line = len(_line_starts(data[: len(bom) + error.start].decode("utf-8", "replace")))
        text = data[len(bom) :].decode("utf-8", "replace")
        return Source(bom, text, _line_starts(text), Problem(line, "The file holds bytes that are not UTF-8."))
    return Source(bom, text, _line_starts(text))


def parse(source: Source) -> Document:
    """Return the node tree of a text, or the problem that prevents parsing."""
    if source.problem:
        return Document(None, problem=source.problem)
    composer = _Composer()
    try:
        composer.run(_Loader(source.text))
    except yaml.MarkedYAMLError as error:
        return Document(None, problem=_marked(error, source))
    except (yaml.YAMLError, _TooDeepError) as error:
        return Document(None, problem=_unmarked(error, source))
    return Document(composer.root, tuple(composer.duplicates), composer.documents > 1)


def _line_starts(text: str) -> list[int]:
    return [0, *(found.end() for found in _BREAK.finditer(text))]


def _marked(error: yaml.MarkedYAMLError, source: Source) -> Problem:
    mark = error.problem_mark or error.context_mark
    line = min(mark.line + 1, len(source.starts)) if mark else None
    # libyaml as of PyYAML 6.0.4 has a limit of its own, far above MAX_DEPTH, and reaches it first where it scans ahead.
    reason = TOO_DEEP if error.problem == LIBYAML_TOO_DEEP else error.problem or error.context or "syntax error"
    return Problem(line, f"The YAML cannot be parsed: {reason}.")


def _unmarked(error: Exception, source: Source) -> Problem:
    position = getattr(error, "position", None)
    line = source.line(position) if isinstance(position, int) else None
    reason = getattr(error, "reason", None) or str(error) or "syntax error"
    return Problem(line, f"The YAML cannot be parsed: {reason}.")


class _TooDeepError(Exception):
    """More than MAX_DEPTH nested collections."""


class _Open(msgspec.Struct, gc=False):
    """A collection whose end has not been seen."""

    mapping: bool
    start: int
    children: list[Node]


class _Composer:
    """Builds the tree from parser events, without recursion."""

    def __init__(self) -> None:
        self.duplicates: list[tuple[str, int]] = []
        self.documents = 0
        self._anchors: set[str | None] = set()
        self._roots: list[Node] = []
        self._stack: list[_Open] = []
        self._children = self._roots  # of the innermost open collection

    @property
    def root(self) -> Node | None:
        """The first document's root."""
        return self._roots[0] if self._roots else None

    def run(self, loader: Any) -> None:
        """Takes all events. Scalars, nine of ten events, are taken without a further call."""
        try:
            while (event := loader.get_event()) is not None:
                if type(event) is yaml.ScalarEvent:
                    bare = event.anchor is None and event.tag is None
                    if not bare:
                        self._anchors.add(event.anchor)
                    start, end = event.start_mark.index, event.end_mark.index  # type: ignore[union-attr]
                    self._children.append(Scalar(event.value, start, end, event.style or "", bare))
                else:
                    self._take(event)
        finally:
            loader.dispose()

    def _take(self, event: Any) -> None:
        kind = type(event)
        if kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            self._anchors.add(event.anchor)
            self._push(kind is yaml.MappingStartEvent, event.start_mark.index)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._pop()
        elif kind is yaml.AliasEvent:
            if event.anchor not in self._anchors:
                raise yaml.composer.ComposerError(
                    problem=f"undefined alias {event.anchor!r}", problem_mark=event.start_mark
                )
            start, end = event.start_mark.index, event.end_mark.index
            self._children.append(Scalar(f"*{event.anchor}", start, end, bare=False))
        elif kind is yaml.DocumentStartEvent:
            self.documents += 1
            self._anchors = set()

    def _push(self, mapping: bool, start: int) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise _TooDeepError(TOO_DEEP)
        self._stack.append(_Open(mapping, start, []))
        self._children = self._stack[-1].children

    def _pop(self) -> None:
        node = self._close(self._stack.pop())
        self._children = self._stack[-1].children if self._stack else self._roots
        self._children.append(node)

    def _close(self, opened: _Open) -> Node:
        if not opened.mapping:
            return Sequence(opened.children, opened.start)
        keys = [key if isinstance(key, Scalar) else _odd_key(key) for key in opened.children[::2]]
        if len({key.text for key in keys}) < len(keys):
            self._record_duplicates(keys)
        return Mapping(list(zip(keys, opened.children[1::2], strict=True)), opened.start)

    def _record_duplicates(self, keys: list[Scalar]) -> None:
        seen: set[str] = set()
        for key in keys:
            if key.text in seen:
                self.duplicates.append((key.text, key.start))
            seen.add(key.text)


def _odd_key(node: Node) -> Scalar:
    """A key that is a collection: legal YAML, never a tracker key."""
    return Scalar("{…}", node.start, node.start, bare=False)
