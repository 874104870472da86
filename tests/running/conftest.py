"""Fixtures of the tests that run batches in several layouts of a repository."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.running.projects import READY, Runner
from tests.running.repositories import MakeIn, project_in


@pytest.fixture
async def make_in(tmp_path: Path) -> AsyncIterator[MakeIn]:
    """Make a runner over a project in the layout that is named; all of them are closed at the end."""
    made: list[Runner] = []

    async def make(world: str, script: Any = None, **settings: Any) -> Runner:
        made.append(await Runner.create(project_in(world, tmp_path, READY), script, **settings))
        return made[-1]

    yield make
    for runner in made:
        await runner.close()
