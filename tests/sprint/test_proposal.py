"""The tracker that is proposed for epics without a plan: what it leaves out, where it goes, what it never does."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sprint import Conflict, Refused, find_unplanned, make_tracker, propose, read, set_status, unplanned
from sprint.model import PlanKind

DAY = date(2026, 1, 2)
EPICS = "# X\n\n## Epic List\n\n## Epic 1: Light\n\n### Story 1.1: Lamp\n\n##### Epic 2: Deep\n\n## Story: none\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "lamp"
    (folder / "docs").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "docs/epics.md").write_text(EPICS)
    return folder


def test_headings_that_are_meant_and_not_understood_are_named_with_their_lines(root: Path) -> None:
    proposal = propose(unplanned(root), DAY)
    assert (proposal.epics, proposal.stories) == (1, 1)
    assert [problem.line for problem in proposal.problems] == [9, 11]
    assert all(problem.message.startswith("docs/epics.md: the heading") for problem in proposal.problems)


def test_the_project_is_found_from_an_inner_folder_and_only_with_epics(root: Path) -> None:
    found = find_unplanned(root / "docs")
    assert found is not None
    assert (found.root, found.kind) == (root, PlanKind.NONE)
    plan = read(found)
    assert (plan.kind, plan.stories, plan.broken, plan.writable) == (PlanKind.NONE, (), False, False)
    with pytest.raises(Refused, match="no plan yet"):
        set_status(found, "1-1-lamp", "done")
    (root / "_bmad/method").mkdir(parents=True)
    assert find_unplanned(root) is None
    assert find_unplanned(root / "nowhere") is None


def test_only_what_was_shown_is_written_and_nothing_over_a_file(root: Path) -> None:
    project = unplanned(root)
    shown = propose(project, DAY)
    with pytest.raises(Conflict, match="look at it again"):
        make_tracker(project, date(2026, 1, 3), shown.sha256)
    assert make_tracker(project, DAY, shown.sha256).path.read_text() == shown.text
    with pytest.raises(Refused, match="is there already"):
        make_tracker(project, DAY, shown.sha256)
    assert [path.name for path in shown.path.parent.iterdir()] == ["sprint-status.yaml"]


def test_nothing_is_written_out_of_the_project_nor_without_a_story(root: Path, tmp_path: Path) -> None:
    (root / "_bmad-output").symlink_to(tmp_path)
    with pytest.raises(Refused, match="outside the project"):
        make_tracker(unplanned(root), DAY, propose(unplanned(root), DAY).sha256)
    (root / "docs/epics.md").write_text("# X\n")
    with pytest.raises(Refused, match="no epics with stories"):
        make_tracker(unplanned(root), DAY, propose(unplanned(root), DAY).sha256)
