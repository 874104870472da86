"""The state of the run after a restart: the stored events of the newest batch, folded again."""

from __future__ import annotations

import msgspec

from db import Database
from events import Event, EventType
from runstate.fold import RunState
from runstate.views import QueueView, QuotaView
from store.batches import get_last_batch
from store.log import StoredEvent, get_events_since_batch
from store.quota import current
from store.run_queue import get_run_queue


async def restore_fold(database: Database, run_state: RunState) -> None:
    """Fold the events of the newest batch, which gives the state as of the last committed event."""
    last = await database.read(get_last_batch)
    # Pruning keeps all events of this batch, and a `batch:start` sets every part of the state again.
    rows = [] if last is None else await database.read(get_events_since_batch, last.id)
    # The queue outlives batches, so that its last event may be older than these.
    queue = await database.read(get_run_queue)
    run_state.run.queue = QueueView(stories=queue.stories, only=queue.only, after=queue.after, at=queue.at)
    run_state.restore(map(_event, rows), database.last_seq)
    # Windows outlive batches: most of their events may be older than these.
    run_state.run.quota = tuple(
        QuotaView(row.account, row.window, row.used_fraction, row.resets_at, row.at)
        for row in await database.read(current)
    )


def _event(row: StoredEvent) -> Event:
    payload = msgspec.json.decode(row.payload)
    return Event(type=EventType(row.type), payload=payload, timestamp=row.timestamp, seq=row.seq, batch_id=row.batch_id)
