"""The state of the run after a restart: the stored events of the newest batch, folded again."""

from __future__ import annotations

import msgspec

from db import Database
from events import Event, EventType
from runstate.fold import RunState
from runstate.views import QueueView, QuotaView, TakeOverView
from store.batches import get_last_batch
from store.log import StoredEvent, get_events_since_batch
from store.quota import current
from store.run_queue import get_run_queue
from store.takeovers import TakeOverRow, get_takeovers


async def restore_fold(database: Database, run_state: RunState) -> None:
    """Fold the events of the newest batch, which gives the state as of the last committed event."""
    last = await database.read(get_last_batch)
    # Pruning keeps all events of this batch, and a `batch:start` sets every part of the state again.
    rows = [] if last is None else await database.read(get_events_since_batch, last.id)
    # The queue and the take-overs outlive batches, so that their last events may be older than these.
    queue = await database.read(get_run_queue)
    run_state.run.queue = QueueView(stories=queue.stories, only=queue.only, after=queue.after, at=queue.at)
    taken = [row for row in await database.read(get_takeovers) if row.returned_at is None]
    run_state.run.takeovers = tuple(map(_takeover, taken))
    run_state.restore(map(_event, rows), database.last_seq)
    # Windows outlive batches: most of their events may be older than these.
    run_state.run.quota = tuple(
        QuotaView(row.account, row.window, row.used_fraction, row.resets_at, row.at)
        for row in await database.read(current)
    )


def _takeover(row: TakeOverRow) -> TakeOverView:
    at = row.taken_at or row.requested_at
    return TakeOverView(row.story_key, row.state, row.folder, row.message, row.command_line, at)


def _event(row: StoredEvent) -> Event:
    payload = msgspec.json.decode(row.payload)
    return Event(type=EventType(row.type), payload=payload, timestamp=row.timestamp, seq=row.seq, batch_id=row.batch_id)
