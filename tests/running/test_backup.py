"""A batch leaves the tracker's old bytes behind, and not for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from running import backup
from running.backup import back_up
from tests.conftest import MakeRunner
from tests.running.projects import TRACKER


async def test_every_batch_keeps_the_bytes_it_found(make_runner: MakeRunner) -> None:
    runner = await make_runner({"1-1-a": "review"})
    before = (runner.root / TRACKER).read_bytes()
    await runner.run()
    assert (runner.root / TRACKER).read_bytes() != before
    kept = runner.root / ".sprint-runner/backups/batch-000001-sprint-status.yaml"
    assert kept.read_bytes() == before


def test_only_the_newest_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "KEPT", 3)
    tracker = tmp_path / "t.yaml"
    for number in range(1, 6):
        tracker.write_text(str(number))
        back_up(tracker, tmp_path / "b", number)
    assert [path.read_text() for path in sorted((tmp_path / "b").iterdir())] == ["3", "4", "5"]


def test_a_disk_that_refuses_stops_nothing(tmp_path: Path) -> None:
    assert back_up(tmp_path / "missing.yaml", tmp_path / "b", 1) is None
