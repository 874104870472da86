"""Fixtures of a sprint's lanes on workers: a real broker, real repositories, and workers that are real processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fleet.stream.nats_server import NatsServer
from tests.fleet.work.workshop import Workshop


@pytest.fixture
async def nats(tmp_path: Path) -> AsyncIterator[NatsServer]:
    server = NatsServer(tmp_path / "nats")
    try:
        yield await server.start()
    finally:
        server.close()


@pytest.fixture
async def workshop(tmp_path: Path, nats: NatsServer) -> AsyncIterator[Workshop]:
    """A repository with the worktree of a lane, a coordinator without workers, and none of its processes left."""
    made = Workshop(tmp_path, nats)
    try:
        await made.open()
        yield made
    finally:
        await made.close()
    assert made.left() == []
