"""What is called before a status is written: everything else is done by then, and nothing is written if it raises."""

from __future__ import annotations

from pathlib import Path

import pytest

import sprint

TRACKER = "development_status:\n  epic-1: in-progress\n  1-1-story: in-progress\n"


class NotNow(Exception):
    pass


def project(root: Path) -> sprint.Project:
    folder = root / "_bmad-output/implementation-artifacts"
    folder.mkdir(parents=True)
    (folder / "sprint-status.yaml").write_text(TRACKER)
    return sprint.locate(root)


def test_the_tracker_is_written_afterwards(tmp_path: Path) -> None:
    found = project(tmp_path)
    seen: list[tuple[str, int]] = []

    def look() -> None:
        seen.append((found.tracker.read_text(), len(list(found.tracker.parent.iterdir()))))

    sprint.set_status(found, "1-1-story", "review", before_writing=look)
    assert seen == [(TRACKER, 2)]  # the new content is beside it
    assert "1-1-story: review" in found.tracker.read_text()
    sprint.set_status(found, "1-1-story", "review", before_writing=look)
    assert len(seen) == 1  # nothing was to be written


def test_nothing_is_written_if_it_raises(tmp_path: Path) -> None:
    found = project(tmp_path)

    def refuse() -> None:
        raise NotNow

    with pytest.raises(NotNow):
        sprint.set_status(found, "1-1-story", "review", before_writing=refuse)
    assert found.tracker.read_text() == TRACKER
    assert list(found.tracker.parent.iterdir()) == [found.tracker]
