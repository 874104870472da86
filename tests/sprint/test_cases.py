"""Small made-up projects, one fault each: what must hold of each of them when it is read.

The same projects as in the corpus, where that is at hand, and always our own versions of them here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sprint import (
    PlanKind,
    Project,
    context_file,
    locate,
    new_story_path,
    overview,
    problems,
    read,
    read_epics,
    read_story,
    story_files,
    tracker_text,
)
from sprint.files import StoryFiles
from sprint.listing import StoryFile
from sprint.tracker import analyse, sprint_of
from tests.sprint.cases import HERE, SOURCES, write_case

CaseMaker = Callable[..., Project]
DAY = date(2026, 9, 30)


@pytest.fixture(params=SOURCES)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> CaseMaker:
    """Writes a project by its name, from here or from the corpus."""

    def make(name: str, tracker: str | None = None) -> Project:
        root = write_case(request.param, name, tmp_path / "p")
        (root / ".git").mkdir()
        return locate(root, tracker)

    return make


def names(project: Project, key: str) -> list[str]:
    return [path.name for path in story_files(project, key)]


def test_keys_of_three_parts_have_files_of_their_own(case: CaseMaker) -> None:
    project = case("three-part-keys")
    assert all(names(project, story.key) == [] for story in read(project).stories)
    paths = [new_story_path(project, story.key) for story in read(project).stories]
    assert len(set(paths)) == len(paths)
    assert None not in paths


def test_a_note_is_no_story(case: CaseMaker) -> None:
    assert names(case("handoff-note-as-story"), "4-6-help-system") == []


def test_keys_with_a_teams_prefix_are_stories(case: CaseMaker) -> None:
    sprint = read(case("prefixed-keys"))
    assert [(story.key, story.epic) for story in sprint.stories if story.runnable] == [
        ("HF-18-hotfix", "18"),
        ("TD-18-1-cleanup", "18"),
        ("dm-01-1-install", "dm-01"),
        ("dm-01-2-slots", "dm-01"),
    ]
    assert sprint.extras == ()


def test_a_stale_location_is_passed_over(case: CaseMaker) -> None:
    project = case("stale-story-location")
    assert names(project, "1-1-login") == ["1-1-login.md"]
    assert new_story_path(project, "1-2-logout") == project.root / HERE / "1-2-logout.md"


def test_a_new_story_goes_where_its_siblings_are(case: CaseMaker) -> None:
    project = case("stories-by-epic-folder")
    assert new_story_path(project, "2-2-b") == project.root / HERE / "epic-2/stories/2-2-b.md"


def test_titles_come_from_the_epics_that_define_the_story(case: CaseMaker) -> None:
    titles = {story.key: story.title for story in overview(case("stray-epic-document")).stories}
    assert titles == {"3-6-share": "Share", "3-7-saves-list-page": "Saves list page"}


def test_leftovers_are_said(case: CaseMaker) -> None:
    project = case("leftover-in-done-epic")
    assert read(project).leftovers == {"1-2-nice-to-have"}
    assert [story.key for story in overview(project).stories if story.leftover] == ["1-2-nice-to-have"]


def test_the_order_of_the_file_is_kept(case: CaseMaker) -> None:
    stories = sorted(read(case("file-order")).stories, key=lambda story: story.position)
    assert [story.key for story in stories][:2] == ["1-5-prompt", "1-2-types"]


def test_a_tracker_of_any_name(case: CaseMaker) -> None:
    project = case("tracker-setting-unusual-name", "plan/web-status.yaml")
    assert [story.key for story in read(project).stories] == ["1-1-a"]


def test_a_context_file_that_lies_elsewhere(case: CaseMaker) -> None:
    found = context_file(case("context-file-elsewhere"))
    assert found is not None
    assert found.name == "project-context.md"


def test_criteria_and_tasks_of_a_spec(case: CaseMaker) -> None:
    project = case("build-auto-spec-6.11")
    (path,) = story_files(project, "3-2-digest-delivery")
    document = read_story(path)
    assert len(document.criteria) == 2
    assert len(document.tasks) == 2


def test_other_kinds_are_read(case: CaseMaker) -> None:
    assert [story.status for story in read(case("v4-docs-stories")).stories] == ["ready-for-dev"]


def test_a_spec_folder_is_read(case: CaseMaker) -> None:
    stories = read(case("spec-folder-stories-yaml")).stories
    assert [(story.key, story.status) for story in stories] == [("1", "done"), ("2", "backlog")]
    assert stories[1].conditions.prompt == "keep it small"


def test_an_initiative_without_epics_is_read(case: CaseMaker) -> None:
    project = case("v7-initiative-without-epics")
    assert project.kind is PlanKind.TICKETS
    assert [(story.key, story.startable) for story in read(project).stories] == [("1", True)]


@pytest.mark.parametrize("name", ["v7-active-initiative", "v7-ticket-tree"])
def test_trees_of_an_active_initiative(case: CaseMaker, name: str) -> None:
    project = case(name)
    assert project.tracker.parent.name == "initiative-checkout"
    stories = read(project).stories
    assert [story.key for story in stories] == ["1.1", "1.6a", "2.1"]
    assert all(story.startable for story in stories)
    assert "missing" in problems(project).problems[0].message


def test_a_sprint_from_epics(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "docs").mkdir()
    text = "# E\n\n## Epic 10: Late\n\n### Story 10.1: Über uns\n\n## Epic 2: Soon\n\n### Story 2.10: Ten\n\n"
    text += "### Story 2.2: Two\n"
    (tmp_path / "docs/epics.md").write_text(text)
    (tmp_path / "docs/sprint-status.yaml").write_text("development_status: {}\n")
    made = tracker_text(read_epics(locate(tmp_path)), 'My "app"', "docs/stories", DAY)
    sprint = sprint_of(analyse(made.encode()))
    assert [story.key for story in sprint.stories] == ["2-2-two", "2-10-ten", "10-1-über-uns"]
    assert (sprint.name, sprint.story_location, sprint.problems) == ('My "app"', "docs/stories", ())
    assert {epic.status for epic in sprint.epics} == {"backlog"}
    assert tracker_text({}, "x", "y", DAY) == ""


PART = st.sampled_from(["1", "2", "1a", "10", "td-1", "HF"])
WORD = st.sampled_from(["login", "logout", "summary", "page", "old", "handoff", "7-day", ""])
NAME = st.lists(st.one_of(PART, WORD), min_size=1, max_size=5).map(
    lambda parts: "-".join(part for part in parts if part)
)
KEYS = st.lists(NAME.filter(bool), min_size=1, max_size=12, unique=True)
FILES = st.lists(
    st.tuples(st.sampled_from(["", "story-", "spec-", "story-1.", "plan-"]), NAME.filter(bool)),
    max_size=12,
    unique=True,
)


@settings(max_examples=200, deadline=None)
@given(keys=KEYS, files=FILES)
def test_no_two_stories_ever_own_one_file(keys: list[str], files: list[tuple[str, str]]) -> None:
    text = "development_status:\n  epic-1: backlog\n  epic-2: backlog\n" + "".join(
        f"  {key}: backlog\n" for key in keys
    )
    sprint = sprint_of(analyse(text.encode()))
    paths = {f"/p/{lead}{name}.md" for lead, name in files} | {f"/p/{key}.md" for key in keys[::2]}
    joined = StoryFiles([StoryFile(path, place, 1) for place, path in enumerate(sorted(paths))], sprint)
    owned = [file.path for story in sprint.stories for file in joined.of(story)]
    assert len(owned) == len(set(owned))
    for story in sprint.stories:
        assert all(joined.owner(Path(file.path)) == story.key for file in joined.of(story))
