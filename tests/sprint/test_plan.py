"""One plan, four kinds: found, read and written through the same functions."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sprint import (
    Conflict,
    PlanKind,
    Project,
    Refused,
    close_epic,
    locate,
    overview,
    read,
    read_initiatives,
    set_status,
    story_files,
)

NOW = datetime(2026, 9, 30, 12, tzinfo=UTC)
CONFIG = {
    "_bmad/config.toml": '[core]\noutput_folder = "{project-root}/out"\n',
    "_bmad/custom/config.user.toml": '[core]\nactive_initiative = "initiative-quay"\n',
}
BASE = "out/initiative-quay/"
TREE = {
    **CONFIG,
    BASE + "tickets.toml": '[[epic]]\nid = 1\nslug = "epic-wall"\ntitle = "The wall"\n'
    '[[epic]]\nid = 2\nslug = "epic-crane"\ntitle = "The crane"\n',
    BASE + "epic-wall/epic-wall.md": "---\ntype: epic\nstatus: in-progress   # since May\n---\n# The wall\n",
    BASE + "epic-crane/epic-crane.md": "---\ntype: epic\nafter: [epic-wall]\n---\n# The crane\n",
    BASE + "epic-wall/tickets.toml": '[[entry]]\nid = 1\ntype = "story"\ntitle = "Piles"\n'
    'description = "Drives piles."\nv6_key = "1-1-piles"\n'
    '[[entry]]\nid = "2a"\ntype = "story"\ntitle = "Pour"\nafter = [1]\ndone_checkpoint = true\n'
    '[[entry]]\nid = 3\ntype = "bug"\ntitle = "Leaks"\n',
    BASE + "epic-crane/tickets.toml": '[[entry]]\nid = 1\ntype = "story"\ntitle = "Arm"\nhitl = true\n',
    BASE + "epic-wall/story-piles-plan.md": "---\nticket: 1\nstatus: 'built' # by the build\n---\n\n# Piles\n",
}
STORIES = {
    "specs/light/SPEC.md": "# Light\n",
    "specs/light/stories.yaml": "- {id: '2', title: Second, description: Later.}\n"
    "- {id: '1', title: First, spec_checkpoint: true, invoke_dev_with: keep it small}\n- {id: '10', title: Tenth}\n",
    "specs/light/stories/1-first.md": "---\ntitle: 'F'\nstatus: 'in-review' # draft | done\n---\n# First of all\n",
    "specs/light/stories/10-tenth.md": "---\nstatus: blocked\n---\n",
}
V4 = {
    ".bmad-core/core-config.yaml": "devStoryLocation: docs/stories\nprd:\n  prdShardedLocation: docs/prd\n",
    "docs/prd/epic-1-access.md": "# Epic 1: Access\n\n## Story 1.1: Login\n\n## Story 1.2: Logout\n",
    "docs/stories/1.1.login.story.md": "# Story 1.1: Login\n\n## Status\n\nApproved\n\n## Story\n\nx\n",
    "docs/stories/story-1.1.completion.md": "# Notes\n",
}


def project_of(root: Path, files: dict[str, str]) -> Project:
    (root / ".git").mkdir(exist_ok=True)
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return locate(root)


def test_a_ticket_tree(tmp_path: Path) -> None:
    project = project_of(tmp_path, TREE)
    sprint = read(project)
    assert (project.kind, sprint.kind, sprint.writable) == (PlanKind.TICKETS, PlanKind.TICKETS, True)
    assert [(story.key, story.epic, story.status) for story in sprint.stories] == [
        ("1.1", "1", "review"),
        ("1.2a", "1", "backlog"),
        ("1.3", "1", "backlog"),
        ("2.1", "2", "backlog"),
    ]
    by_key = {story.key: story for story in sprint.stories}
    assert by_key["1.2a"].conditions.after == ("1.1",)
    assert by_key["1.2a"].conditions.waiting_for == ()
    assert by_key["1.2a"].conditions.done_checkpoint
    assert by_key["1.3"].conditions.refine
    assert by_key["2.1"].conditions.waiting_for == ("1",)
    assert [story.key for story in sprint.stories if story.startable] == ["1.1", "1.2a"]
    assert sprint.story("1-1-piles") is by_key["1.1"]
    assert [path.name for path in story_files(project, "1.1")] == ["story-piles-plan.md"]
    shown = overview(project)
    assert [story.title for story in shown.stories] == ["Piles", "Pour", "Leaks", "Arm"]
    assert shown.stories[0].description == "Drives piles."
    assert [epic.title for epic in shown.epics] == ["The wall", "The crane"]


def test_a_gate_says_what_is_missing_and_opens_on_a_word(tmp_path: Path) -> None:
    project = project_of(tmp_path, TREE)
    gate = read(project).epics[0].gate
    assert gate is not None
    assert (gate.closed, gate.missing, gate.holds) == (False, ("1.1", "1.2a", "1.3"), ("2",))
    with pytest.raises(Refused, match="not finished"):
        close_epic(project, "1")
    for key in ("1.1", "1.2a", "1.3"):
        assert set_status(project, key, "done", now=NOW).changed
    path = tmp_path / BASE / "epic-wall/epic-wall.md"
    before = path.read_bytes()
    assert close_epic(project, "1").changed
    assert path.read_bytes() == before.replace(b"in-progress", b"done")
    assert not close_epic(project, "1").changed
    after = read(project)
    assert after.epics[0].gate is not None
    assert after.epics[0].gate.closed
    assert after.stories[3].conditions.waiting_for == ()


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("---\ntype: epic\n---\n", "---\ntype: epic\nstatus: done\n---\n"),
        ("---\r\ntype: epic\r\n---\r\nx\n", "---\r\ntype: epic\r\nstatus: done\r\n---\r\nx\n"),
        ("\ufeff---\nstatus: dropped\ntype: epic\n---\n", "\ufeff---\nstatus: done\ntype: epic\n---\n"),
        ("---\ntype: epic\nstatus:\n---\nstatus: x\n", "---\ntype: epic\nstatus: done\n---\nstatus: x\n"),
    ],
)
def test_closing_keeps_every_other_byte(tmp_path: Path, text: str, want: str) -> None:
    project = project_of(tmp_path, TREE)
    path = tmp_path / BASE / "epic-wall/epic-wall.md"
    path.write_bytes(text.encode())
    close_epic(project, "1", finished=False)
    assert path.read_bytes() == want.encode()


def test_a_malformed_tree_starts_nothing_and_names_the_file(tmp_path: Path) -> None:
    project = project_of(tmp_path, TREE)
    assert read(project).stories[0].startable
    (tmp_path / BASE / "epic-wall/tickets.toml").write_text('[[entry]]\nid = 1\ntype = "tale"\n')
    sprint = read(project)
    assert sprint.broken
    assert "epic-wall/tickets.toml" in sprint.problems[0].message
    assert sprint.stories
    assert not any(story.startable for story in sprint.stories)
    with pytest.raises(Refused, match=r"epic-wall/tickets\.toml"):
        set_status(project, "1.1", "done")


def test_a_configuration_that_does_not_parse_is_said(tmp_path: Path) -> None:
    project = project_of(tmp_path, TREE)
    (tmp_path / "_bmad/custom/config.toml").write_text("[core")
    sprint = read(project)
    assert sprint.broken
    assert "custom/config.toml" in sprint.problems[0].message


def test_a_change_anywhere_in_the_tree_is_seen(tmp_path: Path) -> None:
    project = project_of(tmp_path, TREE)
    before = read(project)
    assert read(project) is before
    path = tmp_path / BASE / "epic-wall/story-piles-plan.md"
    path.write_text(path.read_text().replace("built", "done"))
    assert read(project).stories[0].status == "done"


def test_several_initiatives_are_listed_and_the_active_one_counts(tmp_path: Path) -> None:
    other = {"out/initiative-old/tickets.toml": '[[entry]]\nid = 1\ntype = "story"\ntitle = "Old"\n'}
    project = project_of(tmp_path, {**TREE, **other})
    assert project.tracker.parent.name == "initiative-quay"
    assert project.candidates == ()  # other initiatives are offered by their names
    listed = read_initiatives(tmp_path)
    assert [initiative.name for initiative in listed.every] == ["initiative-old", "initiative-quay"]
    assert listed.active == "initiative-quay"
    again = locate(tmp_path, "out/initiative-old/tickets.toml")
    assert [story.key for story in read(again).stories] == ["1"]


def test_dead_trackers_of_a_migration_are_not_found(tmp_path: Path) -> None:
    dead = "development_status:\n  1-1-a: backlog\n"
    files = {**TREE, BASE + "archive-v6/sprint-status.yaml": dead, ".v6-v7-migration-backup-1/sprint-status.yaml": dead}
    del files["_bmad/custom/config.user.toml"]
    project = project_of(tmp_path, files)
    assert project.kind is PlanKind.TICKETS
    assert project.candidates == ()


def test_a_list_of_stories_with_specs(tmp_path: Path) -> None:
    project = project_of(tmp_path, STORIES)
    sprint = read(project)
    assert sprint.kind is PlanKind.STORIES
    assert [(story.key, story.status) for story in sprint.stories] == [
        ("2", "backlog"),
        ("1", "review"),
        ("10", "blocked"),
    ]
    first = sprint.stories[1].conditions
    assert (first.plan_checkpoint, first.done_checkpoint, first.prompt) == (True, False, "keep it small")
    path = tmp_path / "specs/light/stories/1-first.md"
    before = path.read_bytes()
    assert set_status(project, "1", "done", "review").changed
    assert path.read_bytes() == before.replace(b"in-review'", b"done'")
    with pytest.raises(Refused, match="no file yet"):
        set_status(project, "2", "done")
    with pytest.raises(Conflict):
        set_status(project, "1", "done", "backlog")


def test_two_files_of_one_id_are_an_error(tmp_path: Path) -> None:
    project = project_of(tmp_path, {**STORIES, "specs/light/stories/1-again.md": "---\nstatus: done\n---\n"})
    sprint = read(project)
    assert not sprint.stories[1].startable
    assert any("Several files" in problem.message for problem in sprint.problems)


def test_bmad_4_without_a_tracker(tmp_path: Path) -> None:
    project = project_of(tmp_path, V4)
    sprint = read(project)
    assert project.kind is PlanKind.V4
    assert [(story.key, story.title, story.status) for story in sprint.stories] == [
        ("1.1", "Login", "ready-for-dev"),
        ("1.2", "Logout", "backlog"),
    ]
    path = tmp_path / "docs/stories/1.1.login.story.md"
    before = path.read_bytes()
    assert set_status(project, "1.1", "in-progress").changed
    assert path.read_bytes() == before.replace(b"Approved", b"InProgress")
    assert read(project).stories[0].status == "in-progress"


def test_a_pipe_under_the_name_of_a_plan_blocks_nothing(tmp_path: Path) -> None:
    project = project_of(tmp_path, {**TREE, "docs/x.md": "x"})
    os.mkfifo(tmp_path / BASE / "epic-wall/story-pipe-plan.md")
    os.mkfifo(tmp_path / "out/epics.md")
    assert read(project).stories
    assert overview(project).stories


def test_a_tracker_that_another_program_makes_is_only_read(tmp_path: Path) -> None:
    text = "# DERIVED VIEW: the issue tracker is the truth\n\ndevelopment_status:\n  1-1-a: backlog\n"
    project = project_of(tmp_path, {"docs/sprint-status.yaml": text})
    sprint = read(project)
    assert (sprint.writable, sprint.foreign) == (False, "DERIVED VIEW: the issue tracker is the truth")
    with pytest.raises(Refused, match="Another program"):
        set_status(project, "1-1-a", "done")
    assert project.tracker.read_text() == text


def test_open_keys_that_are_not_understood_are_counted_and_named(tmp_path: Path) -> None:
    text = "development_status:\n  1-1-a: done\n  polish: backlog\n  rework: in-progress\n  old: done\n"
    sprint = read(project_of(tmp_path, {"docs/sprint-status.yaml": text}))
    assert [problem.message for problem in sprint.problems] == [
        "2 open keys are no epic, story or retrospective that is understood, and never run: polish, rework."
    ]


def test_a_title_that_the_key_does_not_say_is_not_the_storys(tmp_path: Path) -> None:
    files = {
        "docs/sprint-status.yaml": "development_status:\n  epic-1: backlog\n  1-1-user-login: backlog\n",
        "docs/epics.md": "## Epic 1: Access\n\n### Story 1.1: Colour the barn\n\nAs a hen, I want red.\n",
    }
    shown = overview(project_of(tmp_path, files))
    assert (shown.stories[0].title, shown.stories[0].description) == ("User login", "")
    assert "the key counts" in shown.problems[0].message


def test_templates_are_no_trackers(tmp_path: Path) -> None:
    files = {
        "kit/sprint-status-template.yaml": "development_status:\n  1-1-a: backlog\n",
        "kit/real/sprint-status.yaml": "development_status:\n  1-1-b: backlog\n",
    }
    project = project_of(tmp_path, files)
    assert (project.tracker.name, project.candidates) == ("sprint-status.yaml", ())
