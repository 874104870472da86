"""The search: the newest events and entries of transcripts in which everything is found that was asked for."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import islice
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import msgspec

from events import envelope
from running.search.excerpt import make_excerpt
from running.search.hits import LAST, Hit, Search
from running.search.indexer import EVENTS_AT_ONCE, SearchIndexer
from running.search.query import Term
from running.search.views import EVENT, TRANSCRIPT, SearchBacklog, SearchResult, SearchResults
from running.workspace import Workspace
from store.commands import Command, get_command
from store.log import StoredEvent, get_events_between
from store.search import rebuild_index

log = logging.getLogger("sprint_runner.search")
COUNT_MAX: Final = 1_000  # results that are counted
FILL_S: Final = 2.0  # that a page of results may take; what is older is on the next one
COUNT_S: Final = 0.5  # that counting the others may take
AT_ONCE: Final = 2  # searches: the readers of the database serve other requests as well
NO_INDEX: Final = (
    "this SQLite has no full-text index (FTS5 with its trigram tokenizer, from 3.34 on), so there is no search"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is searched for, in which kinds, of which story and command; events before a `seq`; after a position."""

    terms: Sequence[Term]
    kinds: Sequence[str] = (EVENT, TRANSCRIPT)
    story: str | None = None
    command: str | None = None
    before: int = LAST
    after: After | None = None
    limit: int = 50


class After(NamedTuple):
    """Where a search is continued: after the event with this `seq`, and after this place in the transcripts."""

    seq: int = LAST
    block: int = LAST
    entry: int = LAST

    @classmethod
    def parse(cls, text: str) -> After | None:
        """Return the position of a text, None for another text."""
        parts = text.split(".")
        if len(parts) != len(cls._fields) or not all(part.isascii() and part.isdigit() for part in parts):
            return None
        return cls(*(min(int(part[:20]), LAST) for part in parts))

    def __str__(self) -> str:
        return ".".join(map(str, self))


class IndexDamaged(RuntimeError):
    """The search cannot be made now; the message says why."""


class Finder:
    """Searches for the clients of one server."""

    def __init__(self, workspace: Workspace, indexer: SearchIndexer | None) -> None:
        self._workspace = workspace
        self._indexer = indexer
        self._turn = asyncio.Semaphore(AT_ONCE)

    @property
    def problem(self) -> str | None:
        """Why there is no search, None while there is one."""
        if self._indexer is None or self._indexer.is_ready:
            return None
        return NO_INDEX if self._indexer.problem is not None else "the search is being prepared: try again in a moment"

    async def find(self, wanted: Wanted) -> SearchResults:
        """Return a page of results."""
        database, mask = self._workspace.database, self._workspace.masker.text
        waiting = {} if self._indexer is None else self._indexer.waiting
        async with self._turn:
            try:
                return await database.read(find, wanted, waiting, mask, await self._backlog())
            except sqlite3.DatabaseError as error:
                if self._indexer is None:
                    raise
                log.error("the index of the search cannot be read (%s): it is made anew", error)
                await database.write_alone(rebuild_index)
                self._indexer.wake()
                raise IndexDamaged("the index of the search was damaged and is being made anew") from None

    async def _backlog(self) -> SearchBacklog | None:
        if self._indexer is None:
            return None
        events, transcripts = await self._indexer.backlog()
        # The newest events are found without the index.
        left = max(0, events - EVENTS_AT_ONCE)
        return SearchBacklog(events=left, transcripts=transcripts) if left or transcripts else None


def find(
    connection: sqlite3.Connection,
    wanted: Wanted,
    waiting: Mapping[int, tuple[int, Sequence[str]]],
    mask: Callable[[str], str],
    backlog: SearchBacklog | None,
) -> SearchResults:
    """Return a page of results over one connection, with the number of all where the search begins."""
    connection.execute("SAVEPOINT search")  # one snapshot: what the indexer takes in meanwhile would be found twice
    try:
        return _find(connection, wanted, waiting, mask, backlog)
    finally:
        connection.execute("RELEASE search")


def _find(
    connection: sqlite3.Connection,
    wanted: Wanted,
    waiting: Mapping[int, tuple[int, Sequence[str]]],
    mask: Callable[[str], str],
    backlog: SearchBacklog | None,
) -> SearchResults:
    search = Search(connection, wanted.terms, mask, time.monotonic() + FILL_S)
    after = wanted.after or After()
    source = _Sources(connection, wanted)
    streams: list[Iterator[_Found]] = []
    if EVENT in wanted.kinds:
        streams.append(source.events(search.events(min(wanted.before, after.seq))))
    if TRANSCRIPT in wanted.kinds:
        streams.append(source.transcripts(search.transcripts((after.block, after.entry), waiting)))
    found = merge(*streams, key=lambda one: -one.at)
    page = list(islice(found, wanted.limit))
    late = time.monotonic() > search.until
    count, more = (None, False) if wanted.after is not None else _count(found, len(page), late)
    return SearchResults(
        results=[source.result(one) for one in page],
        count=count,
        more=more,
        after=str(_position(page, after)) if len(page) == wanted.limit or (late and page) else None,
        backlog=backlog,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """A hit with the row that it belongs to."""

    hit: Hit
    row: StoredEvent | Command

    @property
    def at(self) -> int:
        return self.row.timestamp if isinstance(self.row, StoredEvent) else self.row.started_at


def _count(found: Iterator[_Found], page: int, late: bool) -> tuple[int, bool]:
    """Return how many there are, and whether there may be more: counting has its bounds."""
    count, until = page, time.monotonic() + COUNT_S
    for _ in () if late else found:
        count += 1
        if count >= COUNT_MAX or time.monotonic() > until:
            return count, True
    return count, late


def _position(page: Sequence[_Found], after: After) -> After:
    for one in page:
        hit = one.hit
        after = (
            after._replace(seq=hit.number)
            if isinstance(one.row, StoredEvent)
            else After(after.seq, hit.block, hit.number)
        )
    return after


@dataclass(slots=True)
class _Sources:
    """The rows that hits belong to, and what is wanted of them."""

    connection: sqlite3.Connection
    wanted: Wanted
    _commands: dict[int, Command | None] = field(default_factory=dict)

    def events(self, hits: Iterator[Hit]) -> Iterator[_Found]:
        for hit in hits:
            row = get_events_between(self.connection, hit.number, hit.number)
            if row and self._is_wanted_event(row[0]):
                yield _Found(hit, row[0])

    def transcripts(self, hits: Iterator[Hit]) -> Iterator[_Found]:
        for hit in hits:
            command = self._command(hit.source)
            if command is not None and self._is_wanted(_keys(command), command.command):
                yield _Found(hit, command)

    def _command(self, id_: int) -> Command | None:
        if id_ not in self._commands:
            self._commands[id_] = get_command(self.connection, id_)
        return self._commands[id_]

    def _is_wanted_event(self, row: StoredEvent) -> bool:
        if self.wanted.story is None and self.wanted.command is None:
            return True
        payload = msgspec.json.decode(row.payload)
        keys = [row.story_key, *(payload.get("story_keys") or ())]
        return self._is_wanted(keys, payload.get("command"))

    def _is_wanted(self, keys: Sequence[Any], command: object) -> bool:
        wanted = self.wanted
        named = isinstance(command, str) and (command == wanted.command or _base(command) == wanted.command)
        return (wanted.story is None or wanted.story in keys) and (wanted.command is None or named)

    def result(self, found: _Found) -> SearchResult:
        if isinstance(found.row, StoredEvent):
            return _event_result(found.hit, found.row)
        return _transcript_result(found.hit, found.row)


def _keys(command: Command) -> list[str]:
    keys: list[str] = msgspec.json.decode(command.story_keys)
    return [command.story_key, *keys]


def _base(command: str) -> str:
    """Return a command without its round: code-review-2 is a code-review."""
    name, _, number = command.rpartition("-")
    return name if number.isdigit() else command


def _event_result(hit: Hit, row: StoredEvent) -> SearchResult:
    payload = msgspec.json.decode(row.payload)
    first, _, _ = hit.text.partition("\n")
    # What is found beside the sentence is in the fields of the result.
    within = [span for span in hit.spans if span[0] < len(first)]
    excerpt = make_excerpt(first, within)
    command, command_id = payload.get("command"), payload.get("command_id")
    return SearchResult(
        kind=EVENT,
        type=row.type,
        at=row.timestamp,
        batch_id=row.batch_id,
        story_key=row.story_key,
        command=command if isinstance(command, str) else None,
        command_id=command_id if isinstance(command_id, int) else None,
        excerpt=excerpt.text,
        ranges=excerpt.ranges,
        place=f"#run?pane=log&line={row.seq}",
        seq=row.seq,
        event=msgspec.json.decode(envelope(row.type, row.payload.encode(), row.timestamp, row.seq, row.batch_id)),
    )


def _transcript_result(hit: Hit, row: Command) -> SearchResult:
    excerpt = make_excerpt(hit.text, hit.spans)
    params = {"story": row.story_key, "transcript": row.id, "entry": hit.number}
    return SearchResult(
        kind=TRANSCRIPT,
        type=TRANSCRIPT,
        at=row.started_at,
        batch_id=row.batch_id,
        story_key=row.story_key or None,
        command=row.command,
        command_id=row.id,
        excerpt=excerpt.text,
        ranges=excerpt.ranges,
        place=f"#run?{urlencode(params)}" if row.story_key else f"#history?batch={row.batch_id}",
        entry=hit.number,
    )
