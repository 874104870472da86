"""Schemas in which the status stands in the story's own file."""

from pathlib import Path

import pytest

from sprint import Refused, Shape, locate, overview, read, set_status, story_files
from sprint.plans import is_plan

EPICS = (
    '[[epic]]\nid = 1\nslug = "lamp"\ntitle = "The lamp"\n\n[[epic]]\nid = 2\nslug = "stairs"\ntitle = "The stairs"\n'
)
ENTRIES = "".join(f'[[entry]]\nid = {n}\ntype = "story"\ntitle = "Story {n}"\n\n' for n in range(1, 7))


def put(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def tickets(tmp_path: Path) -> Path:
    """A ticket tree with a plan in each status."""
    (tmp_path / ".git").mkdir()
    put(tmp_path, "_bmad-output/light/tickets.toml", EPICS)
    put(tmp_path, "_bmad-output/light/epic-lamp/tickets.toml", ENTRIES)
    for number, status in enumerate(("draft", "in-progress", "built", "done", "dropped"), 1):
        text = f"---\nticket: {number}\nstatus: {status}\n---\n# Plan {number}\n"
        put(tmp_path, f"_bmad-output/light/epic-lamp/story-s{number}-plan.md", text)
    return tmp_path


def test_a_ticket_tree(tickets: Path) -> None:
    project = locate(tickets)
    sprint = read(project)
    assert (project.tracker.name, sprint.shape, sprint.writable) == ("tickets.toml", Shape.TICKETS, False)
    assert [(story.key, story.raw_status, story.status) for story in sprint.stories] == [
        ("1.1", "draft", "backlog"),
        ("1.2", "in-progress", "in-progress"),
        ("1.3", "built", "review"),
        ("1.4", "done", "done"),
        ("1.5", "dropped", "parked"),
        ("1.6", "", "backlog"),
    ]
    assert [(epic.key, epic.status) for epic in sprint.epics] == [("epic-1", "in-progress"), ("epic-2", "backlog")]
    assert [path.name for path in story_files(project, "1.3")] == ["story-s3-plan.md"]
    answer = overview(project)
    assert answer.stories[2].title == "Plan 3"
    assert answer.stories[5].title == "Story 6"
    assert not any(story.runnable for story in answer.stories)
    with pytest.raises(Refused, match="only read"):
        set_status(project, "1.1", "done")


def test_a_list_of_stories_with_specs(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    put(tmp_path, "specs/light/stories.yaml", "- {id: '2', title: Second}\n- {id: '1', title: First}\n- {id: '10'}\n")
    put(tmp_path, "specs/light/stories/1-first.md", "---\nstatus: in-review\n---\n# First of all\n")
    put(tmp_path, "specs/light/stories/10-tenth.md", "---\nstatus: blocked\n---\n")
    project = locate(tmp_path)
    sprint = read(project)
    assert sprint.shape is Shape.SPECS
    assert [(story.key, story.status) for story in sprint.stories] == [
        ("2", "backlog"),
        ("1", "review"),
        ("10", "blocked"),
    ]
    assert [story.file for story in overview(project).stories] == [
        None,
        "specs/light/stories/1-first.md",
        "specs/light/stories/10-tenth.md",
    ]


def test_a_tracker_comes_before_plans(tickets: Path) -> None:
    tracker = put(tickets, "docs/sprint-status.yaml", "development_status:\n  1-1-a: done\n")
    assert locate(tickets).tracker == tracker


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("stories.yaml", "a: b\n"),
        ("stories.yaml", "- a\n"),
        ("stories.yaml", "- {title: x}\n"),
        ("stories.yaml", "["),
        ("stories.yaml", ""),
        ("tickets.toml", "["),
        ("tickets.toml", "epic = 3\n"),
        ("tickets.toml", "[[entry]]\nid = 1\n"),
        ("tickets.toml", "\0"),
    ],
)
def test_files_that_only_have_the_name(tmp_path: Path, name: str, text: str) -> None:
    assert not is_plan(put(tmp_path, name, text))


def test_odd_values_do_no_harm(tickets: Path) -> None:
    put(
        tickets,
        "_bmad-output/light/epic-lamp/tickets.toml",
        '[[entry]]\nid = [1]\ntitle = {a = 1}\n[[entry]]\nid = "x"\n',
    )
    put(tickets, "_bmad-output/light/epic-lamp/story-x-plan.md", "---\nticket: x\nstatus: strange\n---\n")
    assert [story.status for story in read(locate(tickets)).stories] == ["backlog", "unknown"]
