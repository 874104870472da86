"""A run whose lanes are on workers: `await make_remote(stories, script)` gives the runner and the workers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeRunner
from tests.running.projects import Runner
from tests.running.workers.machines import FakeMachines

MakeRemote = Callable[..., Awaitable[tuple[Runner, FakeMachines]]]


@pytest.fixture
async def machines(tmp_path: Path) -> AsyncIterator[FakeMachines]:
    """Two workers with one place each."""
    made = FakeMachines(tmp_path / "elsewhere", "desktop", "laptop")
    yield made
    await made.close()


@pytest.fixture
async def make_remote(make_runner: MakeRunner, machines: FakeMachines) -> MakeRemote:
    async def make(
        stories: Mapping[str, str], script: Mapping[str, Any] | None = None, **settings: Any
    ) -> tuple[Runner, FakeMachines]:
        runner = await make_runner(stories, script, **{"parallel": 2, "parallel_here": 0, **settings})
        runner.machines = runner.workspace.machines = machines
        return runner, machines

    return make
