"""The fixtures of the tests of events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

import events
from db import Database
from events import (
    current_batch,
)
from tests.events.recorder import Recorder


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Recorder]:
    database = await Database.open(tmp_path / "log.db")
    yield Recorder(database)
    events.stop()
    await database.close()


@pytest.fixture
def in_batch() -> Iterator[int]:
    token = current_batch.set(42)
    yield 42
    current_batch.reset(token)
