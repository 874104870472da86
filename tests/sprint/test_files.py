"""Which files belong to a story."""

import os

import pytest

from sprint import Project, locate, story_files
from tests.sprint.conftest import MakeProject

BLOCK = """\
development_status:
  epic-1: in-progress
  1-1-light: done
  1-10-ten: done
  1-5-gate: done
  epic-1-5: done
  1-5-1-extract: done
  2a-1-shared: done
  2-4-app-context-page: done
  3-1-old: done
  3-1-new: done
"""
HERE = "_bmad-output/implementation-artifacts/"


def names(project: Project, key: str) -> list[str]:
    return [str(path.relative_to(project.root)).removeprefix(HERE) for path in story_files(project, key)]


@pytest.mark.parametrize(
    ("key", "file"),
    [
        ("1-1-light", "1-1-light.md"),
        ("1-1-light", "1-1-Light.md"),
        ("1-1-light", "1-1-lights-renamed-since.md"),
        ("1-1-light", "1-1.md"),
        ("1-1-light", "1.1.light.md"),
        ("1-1-light", "story-1.1.md"),
        ("1-1-light", "story-1.1-light.md"),
        ("1-1-light", "story-1.1.light.md"),
        ("1-1-light", "story-1-1.md"),
        ("1-1-light", "spec-1-1-light.md"),
        ("1-1-light", "stories/1-1-light.md"),
        ("1-1-light", "stories/epic-1/1-1-light.md"),
        ("1-5-1-extract", "1-5-1-extract-other.md"),
        ("1-5-1-extract", "story-1.5.1.md"),
        ("2a-1-shared", "2A-1-shared.md"),
        ("2-4-app-context-page", "2-4-app-context-page.md"),
    ],
)
def test_every_way_to_name_a_file(make_project: MakeProject, key: str, file: str) -> None:
    project = make_project(BLOCK, **{HERE + file: "# T"})
    assert names(project, key) == [file]


@pytest.mark.parametrize(
    ("key", "file"),
    [
        ("1-1-light", "1-10-tenth.md"),
        ("1-1-light", "11-1-light.md"),
        ("1-1-light", "2a-1-light.md"),
        ("1-5-gate", "1-5-1-other.md"),
        ("1-1-light", "1-1-light-context.md"),
        ("1-1-light", "1-1-validation-report.md"),
        ("1-1-light", "epic-1-retro-2026-01-02.md"),
        ("1-1-light", "tech-spec-1-1.md"),
        ("1-1-light", "1-1-light.txt"),
        ("3-1-new", "3-1-old.md"),
        ("1-1-light", "1-1-renamed-since.md"),
        ("1-1-light", "1-1-1-light.md"),
        ("1-1-light", "story-1.1-SM-handoff.md"),
        ("1-1-light", "story-1.1.completion.md"),
        ("1-1-light", "1-1-light-summary.md"),
        ("1-1-light", "other/1-1-light.md"),
    ],
)
def test_what_is_not_the_storys_file(make_project: MakeProject, key: str, file: str) -> None:
    files = {HERE + file: "# T", HERE + "other/sprint-status.yaml": BLOCK}
    assert names(make_project(BLOCK, **files), key) == []


def test_two_files_with_one_number_are_no_ones(make_project: MakeProject) -> None:
    project = make_project(BLOCK, **{HERE + "1-1-light-a.md": "", HERE + "1-1-light-b.md": ""})
    assert names(project, "1-1-light") == []


def test_best_first_and_specs_newest_first(make_project: MakeProject) -> None:
    files = ["1-1-light.md", "story-1.1.md", "spec-1-1-b.md", "spec-1-1-a.md"]
    project = make_project(BLOCK, **{HERE + file: "# T" for file in files})
    for age, file in enumerate(files):
        os.utime(project.root / HERE / file, (1_700_000_000 - age, 1_700_000_000 - age))
    assert names(project, "1-1-light") == files


def test_in_the_story_location(make_project: MakeProject) -> None:
    project = make_project("story_location: docs/stories\n" + BLOCK, **{"docs/stories/1-1-light.md": "# T"})
    project = locate(project.root)
    assert names(project, "1-1") == ["docs/stories/1-1-light.md"]


def test_unknown_stories_have_no_files(make_project: MakeProject) -> None:
    assert story_files(make_project(BLOCK), "9-9-nothing") == []


def test_links_that_lead_out_of_the_project_are_not_read(
    make_project: MakeProject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project = make_project(BLOCK, **{HERE + "notes/x.md": "# T"})
    outside = tmp_path_factory.mktemp("outside") / "secret.md"
    outside.write_text("# Secret")
    (project.root / HERE / "1-1-light.md").symlink_to(outside)
    (project.root / HERE / "1-5-gate.md").symlink_to(project.root / HERE / "notes/x.md")
    (project.root / HERE / "2a-1-shared.md").symlink_to("nowhere")
    assert names(project, "1-1-light") == []
    assert names(project, "1-5-gate") == ["1-5-gate.md"]
    assert names(project, "2a-1-shared") == []


def test_a_name_that_is_no_text_is_passed_over(make_project: MakeProject) -> None:
    project = make_project(BLOCK)
    folder = os.fsencode(project.root / HERE)
    with open(os.path.join(folder, b"1-1-\xff.md"), "wb"):
        assert names(project, "1-1-light") == []
