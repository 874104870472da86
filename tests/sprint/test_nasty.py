"""The odd cases seen in real trackers, each as a small file of our own."""

import pytest

from sprint.model import Shape, Sprint
from sprint.tracker import analyse, sprint_of
from tests.sprint import laws


def sprint(text: str) -> Sprint:
    data = text.encode()
    for entry in laws.model(data).entries():
        laws.edit(data, entry)
    return sprint_of(analyse(data))


def stories(text: str) -> dict[str, tuple[str, str]]:
    return {story.key: (story.epic, story.status) for story in sprint(text).stories}


BROKEN = {
    "a status overwritten by a date line": "  epic-2-retrospective: last_updated: 2026-01-12\n",
    "one blank too many": "   1-3-c: backlog\n",
    "merge markers": "<<<<<<< HEAD\n  1-3-c: done\n=======\n  1-3-c: review\n>>>>>>> other\n",
    "an unquoted colon": "  notes: ✅ CRITICAL: All tests: green\n",
    "a paragraph": "The lamp was lit: all went well, said the keeper.\nThen: silence\n",
    "a Windows path": '  story_location: "C:\\Users\\keeper"\n',
    "a tab": "\t1-3-c: done\n",
    "an open quote": "  1-3-c: 'done\n",
    "a list": "  - one\n",
}


@pytest.mark.parametrize("line", BROKEN.values(), ids=BROKEN.keys())
def test_broken_by_one_line(line: str) -> None:
    text = f"development_status:\n  epic-1: done\n  1-1-a: done\n{line}  1-2-b: review\n"
    found = sprint(text)
    assert (found.broken, found.writable) == (True, False)
    assert found.problems[0].message
    assert {"1-1-a", "1-2-b"} <= {story.key for story in found.stories}


def test_metadata_indented_under_the_project() -> None:
    found = sprint("project: x\n  project_key: y\ndevelopment_status:\n  1-1-a: done\n")
    assert [story.key for story in found.stories] == ["1-1-a"]


def test_duplicate_retrospectives_and_an_epic_said_twice() -> None:
    found = sprint(
        "development_status:\n  epic-8: in-progress\n  8-1-a: done    # 完了 ✅\n  epic-8-retrospective: optional\n"
        "  epic-8: done\n  epic-8-retrospective: done\n"
    )
    assert (found.epics[0].status, found.retros[0].status) == ("done", "done")
    assert len(found.problems) == 2
    assert found.stories[0].editable


def test_a_story_twice_with_another_status() -> None:
    found = sprint("development_status:\n  1-1-a: done\n  1-1-a: ready\n  1-2-b: backlog\n")
    assert [(story.raw_status, story.editable) for story in found.stories] == [("ready", False), ("backlog", True)]


def test_flat_and_nested_with_timestamps_and_status_in_a_key() -> None:
    text = (
        "development_status:\n  4-1-mark-status: done\n  4-2-page:\n    status: done\n"
        "    finishedAt: 2026-07-05T00:00:00.000Z\n    url: https://x/y\n  4-3-next: ready-for-dev\n"
    )
    found = sprint(text)
    assert found.shape is Shape.NESTED
    assert {story.key: story.status for story in found.stories} == {
        "4-1-mark-status": "done",
        "4-2-page": "done",
        "4-3-next": "ready-for-dev",
    }


def test_a_status_that_is_a_path() -> None:
    found = sprint(
        "development_status:\n  epic-1: docs/archive/old_status.yaml\n  15-TD-1-pay: done\n  epic-15: done\n"
    )
    assert found.epics[0].raw_status == "docs/archive/old_status.yaml"
    assert (found.stories[0].epic, found.stories[0].number) == ("15", "td-1")


def test_dotted_lettered_and_named_epics() -> None:
    assert stories(
        "development_status:\n  epic-2.5: done\n  2.5-1-x: done\n  epic-1a-plus: backlog\n  1a-plus-1-beat: backlog\n"
        "  epic-5-sr: done\n  5-sr-1-fix: review\n  epic-0-5: done\n  0-5-1-safe: done\n"
        "  epic-3a: done\n  3a-1-x: done\n"
    ) == {
        "0-5-1-safe": ("0-5", "done"),
        "1a-plus-1-beat": ("1a-plus", "backlog"),
        "2.5-1-x": ("2.5", "done"),
        "3a-1-x": ("3a", "done"),
        "5-sr-1-fix": ("5-sr", "review"),
    }


def test_an_epic_between_two_and_one_number_twice() -> None:
    text = (
        "development_status:\r\n  epic-1: done\r\n  1-5-lamp: done\r\n  epic-1-5: skipped\r\n  1-5-1-wick: skipped\r\n"
        "  epic-4: backlog\r\n  4-1-one: backlog\r\n  4-1-other: backlog\r\n"
    )
    assert stories(text) == {
        "1-5-lamp": ("1", "done"),
        "1-5-1-wick": ("1-5", "parked"),
        "4-1-one": ("4", "backlog"),
        "4-1-other": ("4", "backlog"),
    }


def test_a_slug_that_starts_with_a_digit() -> None:
    assert stories("development_status:\n  epic-4: done\n  4-4-7-day-table: done\n") == {
        "4-4-7-day-table": ("4", "done")
    }


def test_no_epics_no_final_newline_and_an_empty_first_line() -> None:
    assert stories("\ndevelopment_status:\n  1-8-a: done\n  1-8-b: sprint-2") == {
        "1-8-a": ("1", "done"),
        "1-8-b": ("1", "unknown"),
    }


def test_slugs_longer_than_yaml_likes_to_write() -> None:
    key = "1-1-" + "very-long-" * 20 + "slug"
    assert list(stories(f"development_status:\n  {key}: backlog  # x\n")) == [key]


def test_a_location_that_is_a_flow_map() -> None:
    assert stories("story_location: {implementation_artifacts}\ndevelopment_status:\n  1-1-a: done\n")


def test_prefixed_components_in_one_file() -> None:
    text = "development_status:\n  orch-epic-1: done\n  orch-1-1-a: done\n  env-epic-1: backlog\n  env-1-1-a: backlog\n"
    assert stories(text) == {"orch-1-1-a": ("orch-1", "done"), "env-1-1-a": ("env-1", "backlog")}


def test_the_same_keys_in_an_earlier_map() -> None:
    text = (
        "epic_focus:\n  epic-1: backlog\n  1-1-a: backlog\ndevelopment_status:\n  epic-1: backlog\n  1-1-a: backlog\n"
    )
    data = text.encode()
    entry = sprint_of(analyse(data)).stories[0]
    after = laws.edit(data, entry)
    assert after is not None
    assert after.startswith(text[: text.index("development")].encode())


def test_column_0_comments_and_box_drawing_between_entries() -> None:
    assert len(stories("development_status:\n  1-1-a: done\n# ─── log ───\n#\n  1-2-b: done\n\n\n  1-3-c: done\n")) == 3


def test_batches_and_definitions_at_the_end() -> None:
    found = sprint(
        "development_status:\n  batch-01A-users: contexted\n  epic-1: contexted\n"
        "# done: finished\ndefinitions:\n  done: x\n"
    )
    assert [extra.key for extra in found.extras] == ["batch-01A-users"]
    assert found.epics[0].status == "in-progress"


def test_a_tracker_derived_from_elsewhere_is_nested() -> None:
    text = "# DERIVED VIEW\ndevelopment_status:\n  1-1-a: {status: done, ticket: x-1, title: Light}\n"
    assert sprint(text).stories[0].title == "Light"


def test_schemas_of_other_tools() -> None:
    text = "version: 1\n狀態: []\nstories:\n- {id: C1, status: '✅ DONE'}\n- {id: 1.1, status: TODO}\n"
    found = sprint(text)
    assert [(story.key, story.status, story.runnable) for story in found.stories] == [
        ("1.1", "backlog", False),
        ("C1", "done", False),
    ]


def test_several_keys_on_a_line_and_a_leading_document_mark() -> None:
    text = "---\ndevelopment_status: {epic-1: backlog, 1-1-a: backlog, 1-2-b: done}\n"
    assert stories(text) == {"1-1-a": ("1", "backlog"), "1-2-b": ("1", "done")}
