"""The demo project: a believable BMAD project whose tests hold at the start and after every story, in any order."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest

import sprint as bmad
from demo.prepared import Replacement, load
from tests.demo.bench import ARTIFACTS, PROJECT, REPOSITORY, STORIES, DemoBench
from tests.demo.conftest import DemoSprint

BLOCKED = "2-2-share-with-the-club"
TRACKER = PROJECT / ARTIFACTS / "sprint-status.yaml"


def test_its_own_tests_pass_at_the_start(bench: DemoBench) -> None:
    done = bench.unittest()
    assert done.returncode == 0, done.stderr


def test_its_plan_is_read_without_a_problem(bench: DemoBench) -> None:
    project = bmad.locate(bench.root)
    read = bmad.read(project)
    assert [story.key for story in read.stories] == list(STORIES)
    assert [str(story.status) for story in read.stories] == ["ready-for-dev"] + ["backlog"] * 6
    assert not read.problems
    assert read.writable
    epics = bmad.read_epics(project)
    assert [len(epic.stories) for epic in epics.values()] == [4, 3]
    assert all(plan.criteria for epic in epics.values() for plan in epic.stories.values())


def test_its_tracker_has_what_real_ones_have() -> None:
    text = TRACKER.read_text()
    for part in ("# STATUS DEFINITIONS:", "# WORKFLOW NOTES:", "epic-1-retrospective: optional", "# story written by"):
        assert part in text
    assert "\n\n  # A notebook that answers\n  epic-2: backlog\n" in text


def test_it_names_its_check_and_has_no_context_yet() -> None:
    assert 'verify: "python3 -m unittest"' in (PROJECT / "sprint-runner.yaml").read_text()
    assert not list(PROJECT.rglob("project-context.md"))


def test_every_story_has_prepared_work_that_fits() -> None:
    changes = REPOSITORY / "demo" / "changes"
    assert sorted(folder.name for folder in changes.iterdir()) == sorted(STORIES)
    for key in STORIES:
        data = tomllib.loads((changes / key / "story.toml").read_text())
        files = {str(file.relative_to(changes / key).with_suffix("")) for file in (changes / key).rglob("*.txt")}
        for edit in itertools.chain(data.get("edits", []), data.get("review", {}).get("edits", [])):
            text = changes / key / f"{edit['path']}.txt" if edit["path"] in files else PROJECT / edit["path"]
            known = text.read_text() + "".join(each["new"] for each in data.get("edits", []))
            assert edit["old"].strip("\n") in known, (key, edit["path"])
            assert edit["old"] != edit["new"]


def test_the_whole_sprint_leaves_a_program_that_works(sprint: DemoSprint) -> None:
    done = sprint.bench.unittest()
    assert done.returncode == 0, done.stderr
    assert "Ran 40 tests" in done.stderr


def replace(root: Path, edits: Iterable[Replacement]) -> None:
    for edit in edits:
        file = root / edit.path
        text = file.read_text()
        assert not edit.is_done(text), edit
        assert text.count(edit.old) == 1, edit
        file.write_text(text.replace(edit.old, edit.new))
        assert edit.is_done(file.read_text()), edit


@pytest.mark.parametrize("order", [(6, 4, 3, 2, 1, 0), (3, 6, 0, 2, 4, 1)], ids=["backwards", "mixed"])
def test_every_change_leaves_the_tests_green_in_any_order(order: tuple[int, ...], bench: DemoBench) -> None:
    ran = 13
    for at in order:
        story = load(STORIES[at], bench.root)
        assert story is not None
        for path, text in story.files.items():
            (bench.root / path).write_text(text)
        replace(bench.root, story.edits)
        for edits in ((), story.review.edits) if story.review else ((),):
            replace(bench.root, edits)
            done = bench.unittest()
            assert done.returncode == 0, (story.key, done.stderr)
            found = re.search(r"Ran (\d+) tests", done.stderr)
            assert found is not None
            assert int(found[1]) > ran, "every change brings tests"
            ran = int(found[1])
    assert ran == 40


def test_a_blocked_story_leaves_the_code_as_it_is(bench: DemoBench) -> None:
    bench.run("create-story", BLOCKED)
    run = bench.run("dev-story", BLOCKED)
    assert run.text.splitlines()[-1].startswith("[DEV-STORY-BLOCKED: YES] ")
    assert "A human has to decide" in run.text
    assert bench.git("status", "--porcelain", "--", "perch", "tests", "README.md") == ""
    assert "- Blocked: AC 1 (FR7)" in bench.story(BLOCKED)


def test_a_copy_needs_nothing_of_this_repository(bench: DemoBench) -> None:
    names = [path for path in bench.git("ls-files").splitlines() if path.endswith((".py", ".md", ".yaml"))]
    assert names
    for name in names:
        text = (bench.root / name).read_text()
        assert str(REPOSITORY) not in text
        assert "demo" not in text.lower(), name
