"""Which keys of emitted events no payload class declares."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from payloads import PAYLOADS, EventType, Metrics


def undeclared(type: str, payload: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The type and the name of every key that its class does not have, those of `metrics` included."""
    declared = PAYLOADS[EventType(type)].__struct_fields__
    yield from ((str(type), key) for key in payload if key not in declared)
    if isinstance(metrics := payload.get("metrics"), Mapping):
        yield from ((str(type), f"metrics.{key}") for key in metrics if key not in Metrics.__struct_fields__)


def check_database(path: Path) -> None:
    """Fail when a server has stored an event with an undeclared key."""
    with closing(sqlite3.connect(path)) as connection:
        stored = connection.execute("SELECT type, payload FROM events").fetchall()
    found = {pair for type, payload in stored for pair in undeclared(type, json.loads(payload))}
    assert not found, f"undeclared keys: {sorted(found)}"
