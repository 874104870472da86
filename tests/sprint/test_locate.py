"""Finding the project."""

import os
from pathlib import Path

import pytest

from sprint import ProjectNotFound, locate
from tests.sprint.conftest import TRACKER

USUAL = "_bmad-output/implementation-artifacts/sprint-status.yaml"


def put(root: Path, name: str, text: str = TRACKER, age_s: float = 0) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    moment = 1_700_000_000 - age_s
    os.utime(path, (moment, moment))
    return path


@pytest.fixture(autouse=True)
def _top_of_the_work_tree(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()


@pytest.mark.parametrize(
    "place",
    [
        USUAL,
        "docs/sprint-artifacts/sprint-status.yaml",
        "docs/sprint-status.yaml",
        "docs/stories/sprint-status.yml",
        ".bmad-ephemeral/sprint-status.yaml",
        "bmad/sprint-status.yaml",
        "sprint-status.yaml",
        "some/where/else/my-sprint/sprint-status-two.yaml",
    ],
)
def test_from_the_root_a_folder_below_and_the_file(tmp_path: Path, place: str) -> None:
    tracker = put(tmp_path, place)
    (tmp_path / "src/deep").mkdir(parents=True)
    assert locate(tmp_path).tracker == tracker
    assert locate(tmp_path).root == tmp_path
    assert (locate(tracker).tracker, locate(tracker).root) == (tracker, tmp_path)
    if "else" not in place:
        assert locate(tmp_path / "src/deep").tracker == tracker
        assert (locate(tracker.parent).tracker, locate(tracker.parent).root) == (tracker, tmp_path)


def test_a_file_that_is_no_tracker_stands_for_its_folder(tmp_path: Path) -> None:
    tracker = put(tmp_path, USUAL)
    assert locate(put(tmp_path, "README.md")).tracker == tracker


def test_the_setting_wins(tmp_path: Path) -> None:
    usual = put(tmp_path, USUAL)
    other = put(tmp_path, "plans/mine.yaml", age_s=1000)
    project = locate(tmp_path, "plans/mine.yaml")
    assert (project.tracker, project.root, project.candidates) == (other, tmp_path, (usual,))
    assert locate(tmp_path, str(other)).tracker == other


def test_a_wrong_setting_is_said(tmp_path: Path) -> None:
    put(tmp_path, USUAL)
    with pytest.raises(ProjectNotFound, match=r"plans/mine\.yaml.*setting `tracker`"):
        locate(tmp_path, "plans/mine.yaml")


def test_the_newest_with_a_development_status_wins(tmp_path: Path) -> None:
    old = put(tmp_path, "docs/sprint-status.yaml", age_s=5000)
    new = put(tmp_path, "docs/stories/sprint-status.yaml", age_s=1000)
    empty = put(tmp_path, "sprint-status.yaml", "sprints: []\n")
    project = locate(tmp_path)
    assert project.tracker == new
    assert set(project.candidates) == {old, empty}


def test_of_one_age_the_more_usual_place_wins(tmp_path: Path) -> None:
    put(tmp_path, "docs/sprint-status.yaml")
    usual = put(tmp_path, USUAL, age_s=1)
    assert locate(tmp_path).tracker == usual


def test_what_only_the_search_finds_is_a_candidate(tmp_path: Path) -> None:
    usual = put(tmp_path, USUAL, age_s=5000)
    other = put(tmp_path, "docs/play/sprint-status-playground.yaml")
    put(tmp_path, "tests/fixtures/docs/sprint-status.yaml")
    put(tmp_path, "node_modules/x/sprint-status.yaml")
    project = locate(tmp_path)
    assert (project.tracker, project.candidates) == (usual, (other,))


def test_config_names_the_place(tmp_path: Path) -> None:
    put(tmp_path, "_bmad/bmm/config.yaml", "implementation_artifacts: '{project-root}/work'\nproject_name: Lantern\n")
    tracker = put(tmp_path, "work/sprint-status.yaml")
    project = locate(tmp_path)
    assert (project.tracker, project.name, project.artifacts) == (tracker, "Lantern", tmp_path / "work")


def test_a_config_that_is_wrong_does_no_harm(tmp_path: Path) -> None:
    put(tmp_path, "_bmad/bmm/config.yaml", "implementation_artifacts: C:\\work\noutput_folder: /nowhere/at/all\n")
    tracker = put(tmp_path, USUAL)
    project = locate(tmp_path)
    assert project.tracker == tracker
    assert project.output == tmp_path / "_bmad-output"


def test_links_are_resolved_and_counted_once(tmp_path: Path) -> None:
    real = put(tmp_path, USUAL)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/sprint-status.yaml").symlink_to(real)
    project = locate(tmp_path)
    assert (project.tracker, project.candidates) == (real, ())


def test_a_link_checked_out_as_text_is_followed(tmp_path: Path) -> None:
    real = put(tmp_path, USUAL)
    link = put(tmp_path, "docs/sprint-status.yaml", "../" + USUAL)
    assert locate(link).tracker == real
    assert locate(tmp_path).candidates == ()


def test_a_linked_root_is_resolved(tmp_path: Path) -> None:
    put(tmp_path / "real", USUAL)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert locate(tmp_path / "link").root == tmp_path / "real"


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("docs/stories", "docs/stories"),
        ("'{project-root}/docs/stories'", "docs/stories"),
        ("'{{project-root}}/docs/stories'", "docs/stories"),
        ("/nowhere", "docs"),
        ("'C:\\docs\\stories'", "docs"),
        ("{implementation_artifacts}", "docs"),
        ("..", "docs"),
    ],
)
def test_where_stories_are_created(tmp_path: Path, location: str, expected: str) -> None:
    (tmp_path / "docs/stories").mkdir(parents=True)
    put(tmp_path, "docs/sprint-status.yaml", f"story_location: {location}\ndevelopment_status:\n  1-1-a: done\n")
    assert locate(tmp_path).artifacts == tmp_path / expected


def test_stories_beside_the_tracker(tmp_path: Path) -> None:
    put(tmp_path, ".bmad-ephemeral/sprint-status.yaml", "development_status:\n  1-1-a: done\n")
    put(tmp_path, ".bmad-ephemeral/stories/1-1-a.md", "# x")
    project = locate(tmp_path)
    assert project.artifacts == tmp_path / ".bmad-ephemeral/stories"
    assert project.planning is None


def test_planning_and_output(tmp_path: Path) -> None:
    put(tmp_path, USUAL)
    put(tmp_path, "_bmad-output/planning-artifacts/epics.md", "")
    project = locate(tmp_path)
    assert project.planning == tmp_path / "_bmad-output/planning-artifacts"
    assert (project.output, project.name) == (tmp_path / "_bmad-output", "Lantern")


def test_nothing_there(tmp_path: Path) -> None:
    inner = tmp_path / "src"
    inner.mkdir()
    with pytest.raises(ProjectNotFound) as caught:
        locate(inner)
    message = str(caught.value)
    assert str(inner) in message
    assert "and the folder above it" in message
    assert "planning" not in message
    with pytest.raises(ProjectNotFound, match="no folder or file"):
        locate(tmp_path / "missing")


@pytest.mark.parametrize(
    ("there", "advice"),
    [
        ("_bmad/bmm", "run BMAD's sprint planning first, name"),
        ("_bmad-output", "run BMAD's sprint planning first, name"),
        (".claude/skills/bmad-sprint-planning", "run BMAD's sprint planning first, name"),
        (".bmad-core", "write a story in docs/stories with BMAD's story manager, name"),
        ("_bmad/method", "set core.active_initiative"),
        ("src", "tickets.toml and stories.yaml): name the project's folder"),
    ],
)
def test_the_advice_is_what_the_installed_bmad_has(tmp_path: Path, there: str, advice: str) -> None:
    (tmp_path / there).mkdir(parents=True)
    with pytest.raises(ProjectNotFound) as caught:
        locate(tmp_path)
    assert advice in str(caught.value)


def test_the_search_stops_at_the_top_of_the_work_tree(tmp_path: Path) -> None:
    put(tmp_path, USUAL)
    (tmp_path / "inner/.git").mkdir(parents=True)
    with pytest.raises(ProjectNotFound):
        locate(tmp_path / "inner")
