"""Servers for the tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.realtime.server import DrivenServer


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[DrivenServer]:
    """A running server that emits on demand."""
    async with DrivenServer(tmp_path / "tiny") as running:
        yield running
