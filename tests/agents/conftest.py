from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents import sweep
from tests.agents.children import Bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A bench for fake agents; whatever a test does, nothing of it may be alive afterwards."""
    made = Bench(tmp_path)
    yield made
    left = made.living()
    await sweep(made.mark, grace_s=0)
    assert left == []
