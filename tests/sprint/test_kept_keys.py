"""Tests of what is kept of a plan: it counts for this content, this folder and these names only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import sprint
from sprint import keys
from sprint.keys import Grammar, grammar_of
from tests.running.projects import TRACKER, make_project, write_project
from tests.running.repositories import git

STORIES = {f"{number}-1-story": "in-progress" for number in range(1, 30)}


def statuses(root: Path) -> dict[str, str]:
    return {story.key: story.raw_status for story in sprint.read(sprint.locate(root)).stories}


def rewrite(root: Path, old: str, new: str) -> None:
    """Change the tracker so that its size and its times stay what they were."""
    tracker = root / TRACKER
    before, text = tracker.stat(), tracker.read_text()
    assert old in text
    assert len(old) == len(new)
    tracker.write_text(text.replace(old, new))
    os.utime(tracker, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_change_of_the_same_size_and_time_is_seen(tmp_path: Path) -> None:
    write_project(tmp_path / "a", STORIES)
    assert statuses(tmp_path / "a") == STORIES
    rewrite(tmp_path / "a", "  7-1-story: in-progress", "  7-1-story: code-review")
    assert statuses(tmp_path / "a") == STORIES | {"7-1-story": "code-review"}


def test_a_key_that_is_replaced_by_another_is_seen(tmp_path: Path) -> None:
    write_project(tmp_path / "a", STORIES)
    project = sprint.locate(tmp_path / "a")
    assert [path.name for path in sprint.story_files(project, "7-1-story")] == ["7-1-story.md"]
    rewrite(tmp_path / "a", "  7-1-story:", "  7-1-house:")
    assert "7-1-story" not in statuses(tmp_path / "a")
    assert sprint.story_files(project, "7-1-story") == []
    os.replace(tmp_path / "a" / TRACKER.parent / "7-1-story.md", tmp_path / "a" / TRACKER.parent / "7-1-house.md")
    assert [path.name for path in sprint.story_files(project, "7-1-house")] == ["7-1-house.md"]


def test_another_branch_has_its_own_plan(tmp_path: Path) -> None:
    root = make_project(tmp_path / "a", STORIES)
    git(root, "checkout", "-qb", "side")
    rewrite(root, "  7-1-story: in-progress", "  7-1-story: code-review")
    git(root, "commit", "-qam", "side")
    assert statuses(root)["7-1-story"] == "code-review"
    git(root, "checkout", "-q", "-")
    assert statuses(root) == STORIES
    git(root, "checkout", "-q", "side")
    assert statuses(root)["7-1-story"] == "code-review"


def test_a_worktree_with_the_same_tracker_has_its_own_story_files(tmp_path: Path) -> None:
    root, lane = make_project(tmp_path / "a", STORIES), tmp_path / "lane"
    git(root, "worktree", "add", "-q", str(lane), "-b", "lane")
    (lane / TRACKER.parent / "7-1-story.md").unlink()
    assert statuses(root) == statuses(lane) == STORIES
    assert sprint.story_files(sprint.locate(root), "7-1-story") == [root / TRACKER.parent / "7-1-story.md"]
    assert sprint.story_files(sprint.locate(lane), "7-1-story") == []
    assert sprint.story_files(sprint.locate(lane), "8-1-story") == [lane / TRACKER.parent / "8-1-story.md"]


def test_a_kept_grammar_says_what_a_new_one_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "KEPT_KEYS", 2)  # forgotten again and again
    sets = (("epic-1", "epic-1-5", "1-5-1-extract"), ("epic-1", "1-5-1-extract"), ("TD-18", "TD-18-1-debt"))
    for _ in range(2):
        for names in sets:
            for key in ("1-5-1-extract", "TD-18-1-debt", "epic-1", "1-5-1-extract"):
                assert grammar_of(names).classify(key) == Grammar(names).classify(key)
