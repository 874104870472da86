"""Reading a tracker: any bytes become a model with a list of problems, never an exception.

Pure: `analyse` takes the bytes apart, `sprint_of` makes the model of it.
"""

import hashlib
import itertools
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from sprint.document import MAX_BYTES, Document, Mapping, Node, Scalar, Source, decode, parse
from sprint.keys import Grammar, Key, grammar_of, natural
from sprint.model import (
    EDITABLE_SHAPES,
    Entry,
    EpicEntry,
    ExtraEntry,
    Problem,
    RetroEntry,
    Shape,
    Sprint,
    StoryEntry,
)
from sprint.scanner import scan
from sprint.shapes import Raw, Table, read_shape
from sprint.status import Kind, Status, canonical

# Comments carry state in some projects, up to 9,000 characters on a line; a board shows the start.
COMMENT_CHARS = 300
# More faults of the same kind add no information.
MAX_PROBLEMS = 50

# Contents that are kept taken apart: a change of status reads, edits and proves the same two.
KEPT = 2

# The head of a tracker; BMAD's own has some forty lines.
HEAD_LINES = 60

# "DERIVED VIEW", "do not edit": what the file says when it is written from somewhere else.
_FOREIGN = re.compile(
    r"derived view|do not edit|generated (?:from|by) (?!sprint|bmad)\w+.*(?:truth|export|sync)", re.IGNORECASE
)
MERGE_MARKER = re.compile(r"^(?:<{7}|>{7})(?: .*)?$", re.MULTILINE)
_REMARK = re.compile(r"[ \t]+#+[ \t]*(.*)")
_EDITABLE_STYLES = ("", "'", '"')


@dataclass(frozen=True, slots=True)
class Analysis:
    """A tracker's bytes taken apart. `broken` means that it is no tracker, or that the line scanner had to read it."""

    data: bytes
    source: Source
    document: Document
    table: Table
    problems: tuple[Problem, ...]
    broken: bool

    @property
    def sound(self) -> bool:
        """Whether the file may be edited as far as its content goes."""
        return not (self.broken or self.document.several) and self.table.shape in EDITABLE_SHAPES

    def editable(self, raw: Raw) -> bool:
        """Whether this entry's value can be replaced by a token on the same line."""
        token = raw.token
        if token is None or not token.bare or token.style not in _EDITABLE_STYLES or not token.text:
            return False
        return not re.search(r"[\r\n\x85\u2028\u2029]", self.source.text[token.start : token.end])


@lru_cache(maxsize=KEPT)
def analyse(data: bytes) -> Analysis:
    """Takes any bytes apart."""
    if len(data) > MAX_BYTES:
        size = f"The file has {len(data):,} bytes; more than {MAX_BYTES:,} are not read."
        return Analysis(data, decode(b""), Document(None), Table(Shape.NONE, []), (Problem(None, size),), True)
    source = decode(data)
    document = parse(source)
    conflict = MERGE_MARKER.search(source.text)
    unread = document.problem is not None or conflict is not None
    table = scan(source) if unread else read_shape(document.root)
    problems: list[Problem] = []
    if conflict:
        line = source.line(conflict.start())
        problems.append(Problem(line, "The file holds the marks of a merge conflict; resolve it."))
    elif document.problem:
        problems.append(document.problem)
    problems += _content_problems(source, document, table)
    broken = unread or table.shape is Shape.NONE
    return Analysis(data, source, document, table, _bounded(problems), broken)


def sprint_of(analysis: Analysis, writable: bool = True) -> Sprint:
    """The model of an analysis; `writable` says whether the place of the file allows writing."""
    raws = unique(analysis.table.raws)
    counts = Counter(raw.key for raw in analysis.table.raws)
    grammar = grammar_of(tuple(raw.key for raw in raws))
    entries: list[Entry] = []
    epic = ""
    for position, raw in enumerate(raws):
        key = _classified(grammar, raw)
        epic = key.epic if key.kind is not Kind.OTHER else epic
        editable = analysis.sound and counts[raw.key] == 1 and analysis.editable(raw)
        entries.append(_entry(analysis.source, raw, key, epic, position, editable))
    root = analysis.document.root
    return assemble(
        entries,
        Sprint(
            problems=analysis.problems,
            shape=analysis.table.shape,
            sha256=hashlib.sha256(analysis.data).hexdigest(),
            writable=writable and analysis.sound,
            name=_text(root, "project", "project_name"),
            story_location=_text(root, "story_location"),
            broken=analysis.broken,
            foreign=_maker(analysis.source),
        ),
    )


@lru_cache(maxsize=KEPT)
def model_of(data: bytes, writable: bool) -> Sprint:
    """The model of a tracker's bytes."""
    return sprint_of(analyse(data), writable)


def _maker(source: Source) -> str:
    """The line of the head that says that another program makes this file, "" where none does."""
    head = itertools.takewhile(lambda line: not line.strip() or line.startswith("#"), source.lines()[:HEAD_LINES])
    found = next((line for line in head if _FOREIGN.search(line)), "")
    return found.strip("# \t\r\n")[:COMMENT_CHARS]


def unique(raws: Iterable[Raw]) -> list[Raw]:
    """One raw per key, at the place of the first and with the value of the last, as YAML loaders do."""
    return list({raw.key: raw for raw in raws}.values())


def _classified(grammar: Grammar, raw: Raw) -> Key:
    if raw.kind is None:
        return grammar.classify(raw.key)
    if raw.kind is Kind.EPIC:
        return Key(Kind.EPIC, raw.epic or raw.key)
    key = grammar.classify(raw.key.replace(".", "-"))
    if key.kind is Kind.STORY and raw.epic in ("", key.epic):
        return key
    return Key(Kind.STORY, raw.epic, key.number or raw.key)


def _entry(source: Source, raw: Raw, key: Key, epic: str, position: int, editable: bool) -> Entry:
    status = canonical(raw.status, key.kind)
    fields = (
        raw.key,
        epic,
        status,
        raw.status,
        source.line(raw.at),
        _comment(source, raw.token),
        position,
        raw.title,
        editable and status is not Status.UNKNOWN,
    )
    if key.kind is Kind.STORY:
        return StoryEntry(*fields, key.number)
    return _CLASSES[key.kind](*fields)


_CLASSES: dict[Kind, type[Entry]] = {Kind.EPIC: EpicEntry, Kind.RETRO: RetroEntry, Kind.OTHER: ExtraEntry}


def assemble(entries: list[Entry], empty: Sprint) -> Sprint:
    """`empty` with the entries in it, each kind in its order."""
    stories = [entry for entry in entries if isinstance(entry, StoryEntry)]
    epics = [entry for entry in entries if isinstance(entry, EpicEntry)]
    rank = epic_ranks(entry.epic for entry in entries)
    return replace(
        empty,
        epics=tuple(sorted(epics, key=lambda epic: rank[epic.epic])),
        stories=tuple(sorted(stories, key=lambda story: (rank[story.epic], natural(story.number)))),
        retros=tuple(entry for entry in entries if isinstance(entry, RetroEntry)),
        extras=tuple(entry for entry in entries if isinstance(entry, ExtraEntry)),
    )


def epic_ranks(ids: Iterable[str]) -> dict[str, int]:
    """The place of each epic: by number, then those without a number as they appear."""
    seen = list(dict.fromkeys(ids))
    numbered = [epic for epic in seen if natural(epic)[0][0] == 0]
    others = [epic for epic in seen if natural(epic)[0][0] != 0]
    return {epic: place for place, epic in enumerate([*sorted(numbered, key=natural), *others])}


def _comment(source: Source, token: Scalar | None) -> str:
    if token is None:
        return ""
    found = _REMARK.match(source.text, token.end, source.line_end(token.end))
    text = found[1].rstrip() if found else ""
    return text if len(text) <= COMMENT_CHARS else text[: COMMENT_CHARS - 1] + "…"


def _text(root: Node | None, *names: str) -> str:
    return root.text(*names) if isinstance(root, Mapping) else ""


def _content_problems(source: Source, document: Document, table: Table) -> list[Problem]:
    problems = []
    if document.several:
        problems.append(Problem(None, "The file holds several YAML documents; only the first is read."))
    if document.problem is None and table.shape is Shape.NONE:
        problems.append(Problem(None, _unknown_content(document.root)))
    elif document.problem is None and table.shape not in EDITABLE_SHAPES:
        message = f"Files of this schema ({table.shape}) are shown and never written, so nothing can be run."
        problems.append(Problem(None, message))
    lines: dict[str, list[int]] = {}
    for raw in table.raws:
        lines.setdefault(raw.key, []).append(source.line(raw.at))
    for key, at in lines.items():
        if len(at) > 1:
            places = ", ".join(map(str, at))
            message = f"The key {key!r} occurs {len(at)} times (lines {places}); the last one counts."
            problems.append(Problem(at[-1], message))
    return problems


def _unknown_content(root: Node | None) -> str:
    if root is None:
        return "The file is empty."
    if isinstance(root, Scalar):
        return f"The file holds only the text {root.text[:100]!r}; a symbolic link may have been checked out as text."
    return "The file has no development_status block and no other schema that is known."


def _bounded(problems: list[Problem]) -> tuple[Problem, ...]:
    if len(problems) <= MAX_PROBLEMS:
        return tuple(problems)
    rest = len(problems) - MAX_PROBLEMS + 1
    return (*problems[: MAX_PROBLEMS - 1], Problem(None, f"There are {rest} more problems of this kind."))
