from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents import sweep
from tests.agents.children import AgentBench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[AgentBench]:
    """A bench for fake agents; whatever a test does, nothing of it may be alive afterwards."""
    made = AgentBench(tmp_path)
    yield made
    left = made.living()
    await sweep(made.mark, grace_s=0)
    assert left == []
