"""The project in one answer."""

import importlib
import os
import time

import msgspec
import pytest

from sprint import Project, descriptions, locate, overview, set_status, titles
from sprint.overview import Shelf
from tests.sprint.conftest import TRACKER, MakeProject

HERE = "_bmad-output/implementation-artifacts/"
STORY = """\
# Story 1.2: Carry the oil

Status: review (half)

## Story

As a keeper, I want to carry oil, so that it burns.

## Tasks / Subtasks

- [x] a
- [ ] b
"""
PLAN = "## Epic 1: The lamp\n### Story 1.10: Trim\nAs a keeper, I want a short wick.\n"


@pytest.fixture
def project(make_project: MakeProject) -> Project:
    extra = TRACKER + "  LAMP-7: someday  # a ticket\n"
    return make_project(extra, **{HERE + "1-2-carry-the-oil.md": STORY, "docs/epics.md": PLAN})


def test_exactly_the_json_of_the_interface(project: Project) -> None:
    answer = msgspec.json.decode(msgspec.json.encode(overview(project)))
    assert answer["project"] == {
        "name": "Lantern",
        "root": str(project.root),
        "tracker": HERE + "sprint-status.yaml",
        "candidates": [],
        "writable": True,
    }
    assert answer["problems"] == []
    assert answer["other"] == [{"key": "LAMP-7", "raw_status": "someday", "line": 18}]
    assert answer["epics"][0] == {
        "id": "1",
        "key": "epic-1",
        "title": "The lamp",
        "status": "backlog",
        "raw_status": "backlog",
        "retrospective": "optional",
        "stories": ["1-1-light-the-lamp", "1-2-carry-the-oil", "1-10-trim-the-wick"],
    }
    assert [(epic["id"], epic["key"]) for epic in answer["epics"]] == [("1", "epic-1"), ("2", "epic-2"), ("2a", "")]
    assert answer["stories"][1] == {
        "key": "1-2-carry-the-oil",
        "epic": "1",
        "title": "Carry the oil",
        "description": "Carry oil, so that it burns.",
        "status": "ready-for-dev",
        "raw_status": "ready-for-dev",
        "runnable": True,
        "tasks": {"done": 1, "total": 2},
        "file": HERE + "1-2-carry-the-oil.md",
        "files": [HERE + "1-2-carry-the-oil.md"],
        "drift": {"file_status": "review (half)"},
        "line": 11,
        "comment": "",
    }


def test_titles_and_descriptions_from_the_plan_and_the_key(project: Project) -> None:
    titles = {story.key: story.title for story in overview(project).stories}
    assert titles["1-10-trim-the-wick"] == "Trim"
    assert titles["2a-1-close-the-shutter"] == "Close the shutter"
    assert descriptions(project) == {
        "1-2-carry-the-oil": "Carry oil, so that it burns.",
        "1-10-trim-the-wick": "A short wick.",
    }


def test_the_answer_is_kept_until_a_file_changes(project: Project) -> None:
    first = overview(project)
    assert overview(project) is first
    set_status(project, "1-2-carry-the-oil", "in-progress")
    second = overview(project)
    assert second.stories[1].status == "in-progress"
    path = project.root / HERE / "1-2-carry-the-oil.md"
    path.write_text(STORY.replace("[ ]", "[x]"))
    assert overview(project).stories[1].tasks.done == 2
    path.unlink()
    assert overview(project).stories[1].file is None
    (project.root / "docs/epics.md").write_text(PLAN.replace("Trim", "Cut the wick"))
    assert overview(project).stories[2].title == "Cut the wick"


def test_a_broken_tracker_keeps_the_board(project: Project) -> None:
    before = overview(project)
    project.tracker.write_text("# Story 1.1: the wrong file was written\n")
    broken = overview(project)
    assert [story.key for story in broken.stories] == [story.key for story in before.stories]
    assert not any(story.runnable for story in broken.stories)
    assert not broken.project.writable
    assert len(broken.problems) == 2
    project.tracker.unlink()
    assert "cannot be read" in overview(project).problems[0].message
    assert overview(project).stories


def test_a_half_broken_tracker_shows_what_is_new(project: Project) -> None:
    overview(project)
    text = project.tracker.read_text().replace("light-the-lamp: backlog", "light-the-lamp: done")
    project.tracker.write_text(text.replace("  epic-2: in-progress", "  epic-2 in-progress: x: y"))
    answer = overview(project)
    assert answer.stories[0].status == "done"
    assert {epic.key for epic in answer.epics} == {"epic-1", "epic-2", ""}


def test_stories_that_cannot_be_written_do_not_run(make_project: MakeProject) -> None:
    project = make_project("epics:\n- {id: 1, stories: [{id: '1.1', status: backlog}]}\n")
    assert [(story.status, story.runnable) for story in overview(project).stories] == [("backlog", False)]


def test_500_stories_in_time(make_project: MakeProject) -> None:
    keys = [f"{epic}-{number}-a-story-with-a-name" for epic in range(1, 26) for number in range(1, 21)]
    tracker = "development_status:\n" + "".join(f"  {key}: backlog\n" for key in keys)
    project = make_project(tracker, **{f"{HERE}{key}.md": STORY * 5 for key in keys})
    shelf = Shelf()
    assert len(shelf.overview(project).stories) == 500
    begun = time.process_time()
    assert all(story.file for story in shelf.overview(project).stories)
    assert time.process_time() - begun < 1.0  # a board that is read anew for each of them takes far longer


def test_after_one_change_the_rest_is_not_read_again(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(**{HERE + "1-2-carry-the-oil.md": STORY})
    shelf = Shelf()
    shelf.overview(project)
    module = importlib.import_module("sprint.overview")
    monkeypatch.setattr(module, "read_story", lambda path: pytest.fail(f"{path} was read again"))
    set_status(project, "1-1-light-the-lamp", "done")
    assert shelf.overview(project).stories[0].status == "done"


def test_candidates_are_shown(make_project: MakeProject) -> None:
    project = make_project(**{"docs/sprint-status.yaml": "a: b\n"})
    os.utime(project.tracker)
    assert overview(locate(project.root)).project.candidates == ["docs/sprint-status.yaml"]


def test_any_bytes_can_be_sent(make_project: MakeProject) -> None:
    project = make_project(b"development_status:\n  1-1-\xff: do\xc3ne  # \xfe\n  1-2-b: done\n")
    answer = overview(project)
    assert b"1-2-b" in msgspec.json.encode(answer)
    assert answer.problems[0].line == 2


def test_the_titles_of_some_stories_are_those_of_the_overview(project: Project) -> None:
    every = {story.key: story.title for story in overview(project).stories}
    assert len(every) > 2
    assert titles(project, every) == every
    for key, title in every.items():
        assert titles(project, [key, "no-such-story"]) == {key: title}
    (project.root / HERE / "1-2-carry-the-oil.md").write_text("# Story 1.2: Carry no oil\n")
    assert titles(project, ["1-2-carry-the-oil"]) == {"1-2-carry-the-oil": "Carry no oil"}
