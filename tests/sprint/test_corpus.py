"""The laws, over real trackers and projects; not collected where these are not at hand."""

import time
from pathlib import Path

import pytest
import yaml

from sprint import Project, document, locate, overview, read_epics, read_story
from sprint.document import decode, parse
from sprint.model import EDITABLE_SHAPES
from tests.sprint import laws
from tests.sprint.conftest import CORPUS, corpus_trackers

# Entries edited in one file; the largest has some 800, and each edit parses the file several times.
SAMPLE = 15
# The parser without libyaml is some thirty times slower.
PURE_BYTES = 6_000

TRACKERS = pytest.mark.parametrize("path", corpus_trackers(), ids=lambda path: path.stem)
PROJECTS = pytest.mark.parametrize(
    "root", sorted(CORPUS.glob("projects/*")), ids=lambda root: root.name if isinstance(root, Path) else ""
)


@TRACKERS
def test_every_key_is_shown_in_file_order(path: Path) -> None:
    sprint = laws.model(path.read_bytes())
    try:
        document = yaml.load(path.read_bytes(), laws.LOADER)
    except yaml.YAMLError:
        assert len(sprint.stories) > 50  # the line scanner's harvest
        return
    if isinstance(document, dict) and isinstance(document.get("development_status"), dict):
        assert [entry.key for entry in sprint.entries()] == list(document["development_status"])
    else:
        assert sprint.stories or sprint.problems


@TRACKERS
def test_every_edit_changes_one_value(path: Path) -> None:
    data = path.read_bytes()
    sprint = laws.model(data)
    entries = list(sprint.entries())
    for entry in entries[:: max(1, len(entries) // SAMPLE)]:
        laws.edit(data, entry)
    if sprint.writable:
        assert sprint.shape in EDITABLE_SHAPES
        assert any(entry.editable for entry in entries)


@TRACKERS
def test_cut_anywhere_it_is_still_read(path: Path) -> None:
    data = path.read_bytes()
    for part in range(1, 10):
        laws.model(data[: len(data) * part // 10])


@TRACKERS
def test_without_libyaml_it_is_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = decode(path.read_bytes()[:PURE_BYTES])
    fast = parse(source)
    monkeypatch.setattr(document, "_Loader", yaml.BaseLoader)
    slow = parse(source)
    assert (slow.root, slow.duplicates, slow.several) == (fast.root, fast.duplicates, fast.several)
    assert (slow.problem is None) is (fast.problem is None)


@pytest.fixture
def project(root: Path) -> Project:
    return locate(root)


@PROJECTS
def test_projects_are_found_and_shown(root: Path, project: Project) -> None:
    assert project.tracker.name == "sprint-status.yaml"
    assert project.root == root.resolve()
    answer = overview(project)
    assert len(answer.stories) > 100
    assert sum(story.file is not None for story in answer.stories) > 20
    begun = time.process_time()
    assert overview(project) is answer
    assert time.process_time() - begun < 0.1


@PROJECTS
def test_every_file_named_after_a_key_is_that_storys(root: Path, project: Project) -> None:
    stems = {path.stem: path for path in project.artifacts.rglob("*.md")}
    for story in overview(project).stories:
        if story.key in stems:
            assert story.file == str(stems[story.key].relative_to(root.resolve()))


@PROJECTS
def test_any_markdown_file_can_be_read(root: Path) -> None:
    for path in root.rglob("*.md"):
        read_story(path)


@PROJECTS
def test_real_stories_have_what_stories_have(project: Project) -> None:
    files = [project.root / story.file for story in overview(project).stories if story.file]
    stories = [read_story(path) for path in files]
    assert all(story.title and story.status for story in stories)
    assert sum(bool(story.criteria) for story in stories) >= 0.9 * len(stories)
    assert sum(bool(story.tasks) for story in stories) >= 0.9 * len(stories)
    assert sum(bool(story.description) for story in stories) >= 0.9 * len(stories)


@PROJECTS
def test_epics_join_the_tracker_by_number(project: Project) -> None:
    epics = read_epics(project)
    assert len(epics) >= 5
    titled = [epic for epic in overview(project).epics if epic.title]
    assert len(titled) >= 5
