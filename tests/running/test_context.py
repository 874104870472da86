"""The project's context, by its age: missing is made and waited for, strictly too old is refreshed beside the run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

import pytest

import sprint
from running.context import REFRESH, ContextMissing, ensure_context
from running.journal import CommandStatus, Result
from running.run_context import RunContext
from running.spec import CommandSpec
from running.workspace import Workspace
from settings import Settings
from tests.running.projects import make_project
from workflow import CLASSIC

NOW = 2_000_000_000.0
HOUR_S = 3600.0


class ContextFakes:
    """A commander and background work that only note what they are asked for."""

    batch_id = 1

    def __init__(self, status: CommandStatus = CommandStatus.SUCCESS) -> None:
        self.performed: list[str] = []
        self.started: list[str] = []
        self.status = status
        self.busy = False

    async def perform(self, order: CommandSpec) -> Result:
        self.performed.append(order.command)
        return Result(self.status, "no luck")

    def start(self, kind: str, work: Any, **_: Any) -> None:
        self.started.append(kind)
        work.close()

    def runs(self, kind: str) -> bool:
        return self.busy and kind == REFRESH


async def ensured(tmp_path: Path, fakes: ContextFakes, age_h: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_project(tmp_path / "tiny", {"1-1-a": "backlog"}, git=False, context=age_h is not None)
    if age_h is not None:
        written = NOW - age_h * HOUR_S
        os.utime(root / "_bmad-output/project-context.md", (written, written))
    nothing = cast(Any, None)
    project = sprint.locate(root)
    space = Workspace(project, Settings, {}, nothing, tmp_path, tmp_path, None, lambda: NOW)
    await ensure_context(RunContext(space, cast(Any, fakes), cast(Any, fakes), cast(Any, fakes), CLASSIC))


@pytest.mark.parametrize(
    ("age_h", "performed", "started"),
    [
        (None, ["create-project-context"], []),
        (0, [], []),
        (23.99, [], []),
        (24, [], []),
        (24.01, [], [REFRESH]),
        (1000, [], [REFRESH]),
        (-5, [], []),
    ],
)
async def test_what_its_age_asks_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age_h: float | None, performed: list[str], started: list[str]
) -> None:
    fakes = ContextFakes()
    await ensured(tmp_path, fakes, age_h, monkeypatch)
    assert (fakes.performed, fakes.started) == (performed, started)


async def test_a_batch_without_a_context_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ContextMissing, match=r"project-context\.md could not be created: no luck"):
        await ensured(tmp_path, ContextFakes(CommandStatus.ERROR), None, monkeypatch)


async def test_a_refresh_that_is_still_under_way_is_not_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes = ContextFakes()
    fakes.busy = True
    await ensured(tmp_path, fakes, 30, monkeypatch)
    assert fakes.started == []
