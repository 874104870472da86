"""The transcript of a call: its raw stream as entries for display (texts, tool calls, denials, retries, the end).

Reads the recording in chunks, plain or compressed, while it grows or after. Memory is bounded whatever the stream
holds: texts are cut, and of a very long run the beginning and the end are kept. Synchronous: run it in a thread.
"""

from __future__ import annotations

import gzip
import zlib
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from io import BufferedReader
from itertools import chain
from pathlib import Path

from agents import json_values
from agents.adapter import Parser
from agents.edits import FileEdit, file_edit
from agents.lines import LineSplitter, Oversize
from agents.records import (
    Denied,
    Failure,
    Final,
    LimitSeen,
    MessageTaken,
    Noise,
    Note,
    Question,
    Record,
    Retry,
    Started,
    Text,
    ToolCall,
    ToolResult,
)
from agents.registry import adapter_for
from agents.spec import OutcomeKind
from agents.text import one_line

CHUNK_BYTES = 256 * 1024  # read at once
TEXT_CHARS = 32 * 1024  # of one text that is shown; the raw stream has the rest
RESULT_CHARS = 2 * 1024  # of a tool's result; the page shows it folded, with its full size
FIRST_ENTRIES, LAST_ENTRIES = 200, 1800  # kept of a longer run
OPEN_CALLS = 1000  # tool calls that wait for their answer
SNIFF_LINES = 20  # looked at to recognise an agent

LINE_BASED = frozenset(("text", "gemini"))  # their texts come line by line


class EntryKind(StrEnum):
    """The kind of an entry."""

    STARTED = "started"
    TEXT = "text"
    TOOL = "tool"
    DENIED = "denied"
    QUESTION = "question"
    MESSAGE = "message"
    RETRY = "retry"
    ERROR = "error"
    NOTE = "note"
    NOISE = "noise"
    FINAL = "final"


@dataclass(slots=True)
class TranscriptEntry:
    """One line of a transcript, with what unfolds below it.

    `text` is the line itself (whole for what was said). For a tool `ok` is None until it has answered, `result` is the
    beginning of the answer and `size` its full length in characters. `subagent` is the call that started it, if any.
    `edits` is what a tool changes in files.
    """

    kind: EntryKind
    text: str
    ok: bool | None = None
    result: str = ""
    size: int = 0
    subagent: str | None = None
    edits: tuple[FileEdit, ...] = ()


def read_transcript(path: Path, kind: str | None = None, cwd: Path | None = None) -> list[TranscriptEntry]:
    """The entries of the recording at `path` (or at `path` with .gz), of an agent of this kind or of one recognised by
    its first lines. Paths below `cwd` are shown relative to it. Raises FileNotFoundError; what is damaged is shown."""
    lines = _lines(path)
    if kind is None:
        head = [line for _, line in zip(range(SNIFF_LINES), lines, strict=False)]
        kind, lines = sniff(line for line in head if isinstance(line, bytes)), chain(head, lines)
    page = Page(merge=kind in LINE_BASED)
    parser = adapter_for(kind).parser(None if cwd is None else str(cwd))
    for record in _records(lines, parser):
        page.add(record)
    return page.entries()


def recorded(path: Path, kind: str, cwd: Path) -> Iterator[Record]:
    """The records of the recording at `path` (or at `path` with .gz) of an agent of this kind. Raises OSError."""
    return _records(_lines(path), adapter_for(kind).parser(str(cwd)))


def steady(count: int) -> int:
    """How many of so many entries keep their places while the run continues: all, until its middle is left out."""
    return count if count <= FIRST_ENTRIES + LAST_ENTRIES else FIRST_ENTRIES


def sniff(lines: Iterable[bytes]) -> str:
    """The kind of agent that prints such lines; "text" for what is none of them."""
    for line in lines:
        for value in json_values.read_line(line, lambda _: False).objects:
            if value.get("jsonrpc") == "2.0" or isinstance(value.get("sent"), dict):
                return "acp"
            kind = str(value.get("type"))
            if kind.startswith(("thread.", "turn.", "item.")):
                return "codex"
            if "sessionID" in value:
                return "opencode"
            if "timestamp" in value and "uuid" not in value:
                return "gemini"
            if "qwen_code_version" in value:
                return "qwen"
            if "session_id" in value:
                return "claude"
    return "text"


def _lines(path: Path) -> Iterator[bytes | Oversize]:
    splitter = LineSplitter()
    with ExitStack() as stack:
        file = stack.enter_context(open_recording(path))
        try:
            while chunk := file.read1(CHUNK_BYTES):  # what can be had, also before a damaged place
                yield from splitter.feed(chunk)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            yield Oversize(f"The recording is damaged from here on: {error}".encode(), 0)
        yield from splitter.close()


def open_recording(path: Path) -> BufferedReader | gzip.GzipFile:
    """The plain file while the agent runs, the archive afterwards; the change between the two may come at any time."""
    if path.suffix != ".gz":
        try:
            return open(path, "rb")
        except FileNotFoundError:
            path = path.with_name(path.name + ".gz")
    return gzip.GzipFile(path, "rb")


def _records(lines: Iterable[bytes | Oversize], parser: Parser) -> Iterator[Record]:
    for line in lines:
        if isinstance(line, Oversize):
            yield json_values.noise(line.head, line.size)
        else:
            yield from parser.feed(line)
    yield from parser.close()


class Page:
    """The entries so far: the first ones, the last ones, and how many fell out between them."""

    def __init__(self, merge: bool) -> None:
        self._merge = merge
        self._first: list[TranscriptEntry] = []
        self._last: deque[TranscriptEntry] = deque()
        self._omitted = 0
        self._calls: OrderedDict[str, TranscriptEntry] = OrderedDict()
        self._previous: TranscriptEntry | None = None

    def add(self, record: Record) -> None:
        if isinstance(record, ToolResult):
            self._answer(record)
        elif (entry := _entry(record)) is not None and not self._merged(entry):
            self._append(entry)
            if isinstance(record, ToolCall):
                self._calls[record.id] = entry
                if len(self._calls) > OPEN_CALLS:
                    self._forget(self._calls.popitem(last=False)[1])

    def entries(self) -> list[TranscriptEntry]:
        gap = [TranscriptEntry(EntryKind.NOTE, f"{self._omitted} entries are left out here.")] if self._omitted else []
        return [*self._first, *gap, *self._last]

    def _forget(self, entry: TranscriptEntry) -> None:
        """A call whose answer is waited for no more."""

    def _append(self, entry: TranscriptEntry) -> None:
        self._previous = entry
        if len(self._first) < FIRST_ENTRIES:
            self._first.append(entry)
            return
        self._last.append(entry)
        if len(self._last) > LAST_ENTRIES:
            self._last.popleft()
            self._omitted += 1

    def _merged(self, entry: TranscriptEntry) -> bool:
        previous = self._previous
        if not self._merge or previous is None or not previous.kind is entry.kind is EntryKind.TEXT:
            return False
        if len(previous.text) + len(entry.text) > TEXT_CHARS:
            return False
        previous.text += "\n" + entry.text
        return True

    def _answer(self, record: ToolResult) -> None:
        entry = self._calls.pop(record.id, None)
        if entry is None:
            entry = TranscriptEntry(EntryKind.TOOL, "(a call that was not shown)", subagent=record.subagent)
            self._append(entry)
        entry.ok, entry.result = record.ok, _cut(record.text, RESULT_CHARS)
        entry.size = max(record.size, len(record.text))
        if record.edits:
            entry.edits = _edits(record)


def _entry(record: Record) -> TranscriptEntry | None:
    match record:
        case Text():
            return TranscriptEntry(
                EntryKind.TEXT, _cut(record.text, TEXT_CHARS), subagent=record.subagent, size=len(record.text)
            )
        case ToolCall():
            return TranscriptEntry(EntryKind.TOOL, record.summary, subagent=record.subagent, edits=_edits(record))
        case Started():
            return TranscriptEntry(
                EntryKind.STARTED, " · ".join(part for part in (record.model, record.session_id) if part)
            )
        case Denied():
            return TranscriptEntry(
                EntryKind.DENIED, f"{record.tool}: {record.message}" if record.message else record.tool
            )
        case Retry():
            return TranscriptEntry(EntryKind.RETRY, _retry(record))
        case Final():
            return _final(record)
        case _:
            return _remark(record)


def _remark(record: Record) -> TranscriptEntry | None:
    match record:
        case Question(text=text):
            return TranscriptEntry(EntryKind.QUESTION, text)
        case MessageTaken(text=text):
            return TranscriptEntry(EntryKind.MESSAGE, _cut(text, TEXT_CHARS), size=len(text))
        case Failure(message=message):
            return TranscriptEntry(EntryKind.ERROR, message)
        case Note(text=text):
            return TranscriptEntry(EntryKind.NOTE, text)
        case Noise():
            return TranscriptEntry(EntryKind.NOISE, one_line(record.text), size=record.size)
        case LimitSeen(rejected=True):
            return TranscriptEntry(
                EntryKind.ERROR, f"The usage limit is reached ({record.window or 'window not named'})."
            )
    return None


def _edits(record: ToolCall | ToolResult) -> tuple[FileEdit, ...]:
    return tuple(file_edit(edit) for edit in record.edits)


def _retry(record: Retry) -> str:
    status = f" {record.status}" if record.status else ""
    attempt = f", attempt {record.attempt}" + (f" of {record.max_attempts}" if record.max_attempts else "")
    delay = f", in {record.delay_s:.1f} s" if record.delay_s else ""
    return f"Trying again: {record.error}{status}{attempt if record.attempt else ''}{delay}"


def _final(record: Final) -> TranscriptEntry:
    parts = [record.reason or record.kind.value]
    if record.turns:
        parts.append(f"{record.turns} turn{'s' if record.turns > 1 else ''}")
    if record.cost_usd:
        parts.append(f"${record.cost_usd:.4f}")
    return TranscriptEntry(EntryKind.FINAL, " · ".join(parts), ok=record.kind is OutcomeKind.SUCCESS)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + "…"
