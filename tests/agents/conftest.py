from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.agents.children import Bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A bench for fake agents; whatever a test does, nothing of it may be alive afterwards."""
    made = Bench(tmp_path)
    yield made
    assert made.living() == []
