"""A started log, with what its subscribers received."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import events
from db import Database
from events import (
    Event,
)
from store.log import get_events

NOTE = {"kind": "blocked", "message": "a key is missing"}


class Recorder:
    """A started log, with the events that its two subscribers received."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.received: list[Event] = []
        self.order: list[tuple[str, int]] = []
        events.start(database, self.first, self.second)

    def first(self, committed: Sequence[Event]) -> None:
        self.received += committed
        self.order += [("first", event.seq) for event in committed]

    def second(self, committed: Sequence[Event]) -> None:
        self.order += [("second", event.seq) for event in committed]


async def stored(log: Recorder) -> list[Any]:
    return await log.database.read(get_events, 100)
