"""The indexer of the search: takes committed events and recordings in, beside the run and never in its way.

It reads in a thread of its own, in slices, and writes in small transactions between those of the run. Where it is lies
in the database with what it has written, so that after a kill it continues where it was. What it has not written yet
of running commands is in memory (`waiting`) and searched there; events that it has not written are searched as rows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import msgspec

from events import EventType
from running.follower import Follower
from running.recorded_call import stream_file
from running.search.event_text import event_text
from running.search.recording import Recording, pack_blocks
from running.workspace import Workspace
from store.commands import Command
from store.log import StoredEvent, get_events_between, oldest_event
from store.search import (
    EVENTS,
    ProgressChanged,
    add_blocks,
    blocks_of,
    blocks_of_pruned_events,
    count_unread,
    drop_blocks,
    first_unread,
    get_next,
    get_size,
    get_sources,
    get_unread,
    oldest_blocks,
    prepare_index,
)
from store.search_text import PackedBlock
from store.writer import DatabaseUnavailable

TEXT_MAX: Final = 512_000_000  # characters that are searched; beyond, the oldest transcripts leave the search
EVENTS_AT_ONCE: Final = 200
EVENTS_MIN: Final = 50  # new ones until it is worth a look: until then they are searched as rows
SLICE_S: Final = 0.005  # of reading at a time: Python's threads wait for each other
PAUSE_S: Final = 0.02  # after it, so that most of the time is the run's
LOOK_S: Final = 2.0  # between two looks at the recordings of running commands
DROPPED_AT_ONCE: Final = 8  # blocks in one write
UNREAD_AT_ONCE: Final = 50

T = TypeVar("T")
log = logging.getLogger("sprint_runner.search")


class Backlog(NamedTuple):
    """What is not in the index yet: events, and recordings of commands that have ended."""

    events: int
    transcripts: int


class SearchIndexer(Follower):
    """Keeps the index up to date. `problem` says why there is none, None while there is one."""

    name = "search"
    waking = frozenset(EventType)
    rest_s = 1.0

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self.problem: str | None = None
        self.is_ready = False
        self._workspace = workspace
        self._thread = ThreadPoolExecutor(1, "search")
        self._recordings: dict[int, Recording] = {}  # of running commands, and of the one that is read
        self._skipped: set[int] = set()  # that cannot be read; the next server tries them again
        self._first_unread = 0  # all commands before it are taken in
        self._chars = 0
        self._is_sweep_due = True

    @property
    def waiting(self) -> Mapping[int, tuple[int, tuple[str, ...]]]:
        """By command, the entries that are not in the index yet, and the number of the first."""
        return {id_: (one.start, one.waiting) for id_, one in self._recordings.items() if one.waiting}

    def sweep(self) -> None:
        """Take out of the search what retention has removed."""
        self._is_sweep_due = True
        self.wake()

    async def stop(self) -> None:
        await super().stop()
        self._thread.shutdown(cancel_futures=True)
        for recording in self._recordings.values():
            recording.close()
        self._recordings.clear()

    async def backlog(self) -> Backlog:
        database = self._workspace.database
        next_seq = await database.read(get_next, EVENTS)
        left = database.last_seq + 1 - max(next_seq, await database.read(oldest_event))
        return Backlog(max(0, left), await database.read(count_unread))

    async def work(self) -> float | None:
        if self.problem is not None or not await self._prepare():
            return None
        if self._is_sweep_due:
            self._is_sweep_due = False
            await self._sweep()
        with suppress(ProgressChanged):  # the index was made anew: the next look begins where it is now
            await self._take_events()
        running = await self._take_recordings()
        return LOOK_S if running else None

    async def _prepare(self) -> bool:
        if not self.is_ready:
            self.problem = await self._workspace.database.write_alone(prepare_index)
            if self.problem is not None:
                log.warning("there is no search: this SQLite has no full-text index (%s)", self.problem)
                return False
            size = await self._workspace.database.read(get_size)
            self._chars, self.is_ready = size.events + size.transcripts, True
        return True

    # -- events ------------------------------------------------------------------------------------------------

    async def _take_events(self) -> None:
        database = self._workspace.database
        start = await database.read(get_next, EVENTS)
        while database.last_seq - start >= EVENTS_MIN:
            first = max(start, await database.read(oldest_event))
            rows = await database.read(get_events_between, first, first + EVENTS_AT_ONCE - 1)
            blocks = await self._in_thread(self._event_blocks, rows)
            if not blocks:
                return
            stop = blocks[-1].first + blocks[-1].count
            await self._add(EVENTS, blocks, start, stop, ended=False)
            start = stop
            await asyncio.sleep(PAUSE_S)

    def _event_blocks(self, rows: Sequence[StoredEvent]) -> list[PackedBlock]:
        mask = self._workspace.masker.text
        texts = tuple(mask(event_text(row.type, msgspec.json.decode(row.payload))) for row in rows)
        # Of a full page the rest is a block, too: otherwise events without words would never be left behind.
        return pack_blocks(rows[0].seq, texts, whole=len(rows) == EVENTS_AT_ONCE) if rows else []

    # -- recordings --------------------------------------------------------------------------------------------

    async def _take_recordings(self) -> bool:
        """Take in what is new in the recordings; return whether there are some that grow."""
        database = self._workspace.database
        found = await database.read(get_unread, self._first_unread, UNREAD_AT_ONCE + len(self._skipped))
        commands = [command for command in found if command.id not in self._skipped]
        for command in commands:
            await self._take_recording(command)
        if len(commands) >= UNREAD_AT_ONCE:
            self.wake()
        self._first_unread = await database.read(first_unread, self._first_unread)
        return any(command.ended_at is None for command in commands)

    async def _take_recording(self, command: Command) -> None:
        try:
            await self._read_recording(command)
        except DatabaseUnavailable:
            raise
        except ProgressChanged:  # the index was made anew: read again from where it is now
            self._forget(command.id)
            self.wake()
        except FileNotFoundError:
            if command.ended_at is not None:  # removed by retention, or never made
                await self._end(command)
        # Of one recording, whatever is wrong with it: the others are taken in.
        except Exception as error:
            self._skipped.add(command.id)
            self._forget(command.id)
            log.error("the transcript of command %d is left out of the search: %s", command.id, error, exc_info=error)

    async def _end(self, command: Command) -> None:
        start = await self._workspace.database.read(get_next, command.id)
        await self._add(command.id, [], start, start, ended=True)

    async def _read_recording(self, command: Command) -> None:
        ended = command.ended_at is not None
        recording = self._recordings.get(command.id) or await self._open(command)
        more = True
        while more and not recording.is_read:
            more = await self._in_thread(recording.read, ended, SLICE_S)
            await self._take_blocks(command, recording)
            await asyncio.sleep(PAUSE_S)
        if recording.is_read:
            await self._take_rest(command, recording)

    async def _open(self, command: Command) -> Recording:
        start = await self._workspace.database.read(get_next, command.id)
        path = self._workspace.data_dir / str(command.stream_path)
        recording = await self._in_thread(partial(self._opened, path, command, start))
        self._recordings[command.id] = recording
        return recording

    def _opened(self, path: Path, command: Command, start: int) -> Recording:
        if not stream_file(path).is_file():
            raise FileNotFoundError(path)
        spec = self._workspace.agents.get(command.agent)
        return Recording(path, "text" if spec is None else spec.kind, self._workspace.masker.value, start)

    async def _take_blocks(self, command: Command, recording: Recording) -> None:
        while (blocks := await self._in_thread(recording.blocks)) and not recording.is_read:
            await self._take(command, recording, blocks, ended=False)

    async def _take_rest(self, command: Command, recording: Recording) -> None:
        """Take in the last blocks of a recording; the very last one with the note that it is complete."""
        ended = False
        while not ended:
            blocks = await self._in_thread(recording.blocks)
            ended = sum(block.count for block in blocks) == len(recording.waiting)
            await self._take(command, recording, blocks, ended=ended)
        self._forget(command.id)

    async def _take(self, command: Command, recording: Recording, blocks: list[PackedBlock], *, ended: bool) -> None:
        count = sum(block.count for block in blocks)
        await self._add(command.id, blocks, recording.start, recording.start + count, ended=ended)
        recording.taken(count)
        await asyncio.sleep(PAUSE_S)

    def _forget(self, command_id: int) -> None:
        recording = self._recordings.pop(command_id, None)
        if recording is not None:
            recording.close()

    # -- the index ---------------------------------------------------------------------------------------------

    async def _add(self, source: int, blocks: list[PackedBlock], start: int, stop: int, *, ended: bool) -> None:
        database = self._workspace.database
        await database.write_alone(add_blocks, source, blocks, start, stop, ended)
        self._chars += sum(block.chars for block in blocks)
        while self._chars > TEXT_MAX and (oldest := await database.read(oldest_blocks, DROPPED_AT_ONCE)):
            await self._drop(oldest)

    async def _drop(self, ids: list[int]) -> None:
        self._chars -= await self._workspace.database.write_alone(drop_blocks, ids)

    async def _sweep(self) -> None:
        """Drop the blocks of events and recordings that are gone."""
        database = self._workspace.database
        oldest = await database.read(oldest_event)
        while ids := await database.read(blocks_of_pruned_events, oldest, DROPPED_AT_ONCE):
            await self._drop(ids)
        for source, path in await database.read(get_sources):
            if await self._in_thread(self._is_gone, path):
                while ids := await database.read(blocks_of, source, DROPPED_AT_ONCE):
                    await self._drop(ids)

    def _is_gone(self, stream_path: str | None) -> bool:
        return stream_path is None or not stream_file(self._workspace.data_dir / stream_path).is_file()

    async def _in_thread(self, function: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)
