"""Fixtures that several parts of the tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.running.projects import Runner, make_project

MakeRunner = Callable[..., Awaitable[Runner]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two workers share the tests file by file; those of the page stay together: they share servers and a browser."""
    for item in items:
        room = "the page" if "browser" in item.path.parts else item.path.as_posix()
        item.add_marker(pytest.mark.xdist_group(room))


@pytest.fixture
async def make_runner(tmp_path: Path) -> AsyncIterator[MakeRunner]:
    """Makes a project with the given stories and a run over it: `await make_runner({"1-1-a": "backlog"}, script)`."""
    made: list[Runner] = []

    async def make(
        stories: Mapping[str, str],
        script: Mapping[str, Any] | None = None,
        *,
        git: bool = True,
        context: bool = True,
        **settings: Any,
    ) -> Runner:
        root = make_project(tmp_path / "tiny", stories, git=git, context=context)
        made.append(await Runner.create(root, script, **settings))
        return made[-1]

    yield make
    for runner in made:
        await runner.close()
