"""Fixtures of the tests of deliveries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeRunner
from tests.running.delivery.forges import WITH_REQUESTS, Forge, git
from tests.running.projects import READY, Runner

MakeForge = Callable[..., Awaitable[tuple[Runner, Forge]]]


@pytest.fixture
def make_forge(make_runner: MakeRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeForge:
    """Makes a project on a branch `work` with a remote and a forge: `await make_forge(plan={"red": 1}, deliver=…)`."""

    async def make(
        stories: dict[str, str] | None = None,
        plan: dict[str, Any] | None = None,
        script: dict[str, Any] | None = None,
        **settings: Any,
    ) -> tuple[Runner, Forge]:
        runner = await make_runner(stories or READY, script, **{**WITH_REQUESTS, **settings})
        git(runner.root, "checkout", "-q", "-b", "work")
        monkeypatch.setenv("FORGE", str(tmp_path / "forge"))
        return runner, Forge.make(tmp_path / "forge", runner.root, **(plan or {}))

    return make
