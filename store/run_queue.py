"""The queue of the run: what the operator has put first, and when the batch stops; one value for the project."""

from __future__ import annotations

import sqlite3
from typing import Final, Literal

import msgspec

from store.meta import get_meta, set_meta

NAME: Final = "run_queue"  # in `meta`

StopPoint = Literal["story", "cycle", "time"]


class RunQueue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`stories` run first, in this order; `only`: nothing else runs in this batch.

    `after` is when the batch stops: after the story or the cycle that runs, or at `at` (ms since the epoch).
    """

    stories: tuple[str, ...] = ()
    only: bool = False
    after: StopPoint | None = None
    at: int | None = None

    @property
    def between_batches(self) -> RunQueue:
        """What of it remains when a batch has ended: the order."""
        return RunQueue(stories=self.stories)


def get_run_queue(connection: sqlite3.Connection) -> RunQueue:
    stored = get_meta(connection, NAME)
    return RunQueue() if stored is None else msgspec.json.decode(stored, type=RunQueue)


def end_run_queue(connection: sqlite3.Connection, /) -> None:
    """Drop what was meant for the batch that ends."""
    queue = get_run_queue(connection)
    if queue != queue.between_batches:
        set_run_queue(connection, queue.between_batches)


def set_run_queue(connection: sqlite3.Connection, /, queue: RunQueue) -> None:
    set_meta(connection, NAME, msgspec.json.encode(queue).decode())
