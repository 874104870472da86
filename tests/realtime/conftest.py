"""Servers for the tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.realtime.house import House


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A running server that emits on demand."""
    async with House(tmp_path / "tiny") as running:
        yield running
