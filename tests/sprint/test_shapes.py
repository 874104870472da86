"""The schemas A to F."""

import pytest

from sprint.document import decode, parse
from sprint.model import Shape
from sprint.shapes import Table, read_shape
from sprint.status import Kind


def table(text: str) -> Table:
    return read_shape(parse(decode(text.encode())).root)


def pairs(text: str) -> list[tuple[str, str]]:
    return [(raw.key, raw.status) for raw in table(text).raws]


def test_flat() -> None:
    text = "epic_focus: {epic-1: x}\ndevelopment_status:\n  epic-1: done\n  1-1-a:\n  1-2-b: [1]\n"
    assert table(text).shape is Shape.FLAT
    assert pairs(text) == [("epic-1", "done"), ("1-1-a", ""), ("1-2-b", "")]


def test_nested_and_mixed() -> None:
    text = "development_status:\n  1-1-a: {status: done, title: Alpha}\n  1-2-b: review\n  1-3-c: {owner: me}\n"
    found = table(text)
    assert found.shape is Shape.NESTED
    assert pairs(text) == [("1-1-a", "done"), ("1-2-b", "review"), ("1-3-c", "")]
    assert found.raws[0].title == "Alpha"


def test_nested_with_two_statuses_has_no_token() -> None:
    assert table("development_status:\n  1-1-a:\n    status: done\n    status: review\n").raws[0].token is None


def test_epics_in_a_map_beside_the_stories() -> None:
    text = "development_status:\n  1-1-a: {status: done}\nepic_status:\n  epic-1: not-started\n"
    assert pairs(text) == [("1-1-a", "done"), ("epic-1", "not-started")]
    assert table(text).raws[1].token is None


@pytest.mark.parametrize(
    "text",
    [
        "development_status:\n  epics:\n    epic-1:\n      status: done\n      stories: {1-1-a: {status: review}}\n",
        "development_status:\n  epic-1:\n    status: done\n    stories:\n      1-1-a: review\n",
        "development_status:\n  epics:\n  - {id: epic-1, status: done, stories: [{id: 1-1-a, status: review}]}\n",
    ],
)
def test_grouped(text: str) -> None:
    assert table(text).shape is Shape.GROUPED
    assert pairs(text) == [("epic-1", "done"), ("1-1-a", "review")]
    assert [raw.kind for raw in table(text).raws] == [Kind.EPIC, Kind.STORY]


@pytest.mark.parametrize(
    "text",
    [
        "sprints:\n- sprint_number: 1\n  stories:\n  - {story_id: STORY-001, status: completed, epic: EPIC-007}\n",
        "sprint_1:\n  stories:\n  - {id: STORY-001, state: completed, epic_id: FE-EPIC-007}\n",
        "sprints:\n  one:\n    stories:\n    - {key: STORY-001, status: completed, epic: EPIC_007}\n",
    ],
)
def test_sprints(text: str) -> None:
    found = table(text)
    assert found.shape is Shape.SPRINTS
    assert pairs(text) == [("STORY-001", "completed")]
    assert found.raws[0].epic in ("007", "FE-007")


@pytest.mark.parametrize(
    "text",
    [
        "epics:\n- {id: 1, title: One, status: open, stories: [{id: '1.1', status: todo}]}\n",
        "epics:\n  1:\n    name: One\n    status: open\n    stories:\n      '1.1': {status: todo}\n",
        "epics:\n- {id: 1, title: One, status: open}\nstories:\n- {id: '1.1', status: todo, epic: 1}\n",
    ],
)
def test_epics(text: str) -> None:
    found = table(text)
    assert found.shape is Shape.EPICS
    assert pairs(text) == [("1", "open"), ("1.1", "todo")]
    assert (found.raws[0].title, found.raws[1].epic) == ("One", "1")


def test_stories() -> None:
    first, second = "  epic_1:\n  - {id: '1.1', title: A, status: done}\n", "  epic_2:\n  - {id: '2.1', status: todo}\n"
    text = f"stories:\n{first}{second}  - word\n"
    assert table(text).shape is Shape.STORIES
    assert pairs(text) == [("1.1", "done"), ("2.1", "todo"), ("word", "")]
    assert [raw.epic for raw in table(text).raws] == ["1", "2", "2"]


@pytest.mark.parametrize("text", ["", "just text", "- a\n- b\n", "a: b\n", "stories: 7\n", "epics: []\nsprints: {}\n"])
def test_anything_else_has_no_shape(text: str) -> None:
    assert table(text) == Table(Shape.NONE, [])


def test_an_empty_block_is_a_flat_tracker_without_entries() -> None:
    assert table("development_status:\n") == Table(Shape.FLAT, [])
    assert table("development_status: {}\n") == Table(Shape.FLAT, [])
