"""The state of the run as clients see it: a fold over committed events.

Owns `RunState`, the source of `GET /api/run` and of every `init`. It depends on committed events alone, so it belongs
to exactly one `seq` and survives a crash; `static/state.js` folds the same events by the same rules.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, Final, Protocol

import msgspec

from payloads import PAYLOADS, EventType, Payload
from runstate.handlers import HANDLERS
from runstate.views import BatchView, FoldedRun

log = logging.getLogger("sprint_runner.run")

STATES: Final = ("idle", "starting", "running", "pausing", "paused", "stopping", "waiting")


class FoldedEvent(Protocol):
    """The attributes of an event that the fold needs, live or read back from the log."""

    @property
    def type(self) -> str: ...
    @property
    def payload(self) -> dict[str, Any]: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def seq(self) -> int: ...
    @property
    def batch_id(self) -> int | None: ...


class RunState:
    """The fold. `apply` expects committed events in order; `run` is the state after the last of them."""

    def __init__(self) -> None:
        self.run = FoldedRun()

    @property
    def active_batch(self) -> BatchView | None:
        """The batch that is running, paused or waiting; None between batches."""
        return self.run.batch if self.run.state != "idle" else None

    def restore(self, events: Iterable[FoldedEvent], seq: int) -> None:
        """Fold the stored events since the newest batch began; `seq` is the newest committed event of all."""
        self.apply(events)
        self.run.seq = seq

    def apply(self, events: Iterable[FoldedEvent]) -> None:
        """Fold events, in the order of their `seq`."""
        for event in events:
            handler = HANDLERS.get(event.type)
            if handler is not None and not self._is_foreign(event):
                payload = _payload(event)
                if payload is not None:
                    handler(self.run, payload, event.timestamp)
            self.run.seq = event.seq

    def _is_foreign(self, event: FoldedEvent) -> bool:
        """Whether the event is no change of the run: a file edit, or a manual status of a story outside the batch."""
        if event.type != "story:status":
            return False
        if event.payload["old_status"] == event.payload["new_status"]:
            return True
        known = (story.story_key for story in self.run.stories)
        return event.batch_id is None and event.payload["story_key"] not in known


def _payload(event: FoldedEvent) -> Payload | None:
    """Return the payload as its struct; None for a stored one that an older version did not validate completely."""
    try:
        return msgspec.convert(event.payload, PAYLOADS[EventType(event.type)])
    except msgspec.ValidationError as error:
        # Older versions declared fewer keys; one such event must not prevent the start.
        log.warning("event %d was not folded: %s: %s", event.seq, event.type, error)
        return None
