"""Tickets that a tracker keeps: built from the copy after a sync, never marked, and never dispatched twice."""

from __future__ import annotations

from pathlib import Path

import pytest

import sprint
from orchestrator import BadRequest, NotNow
from tests.running.plans import EPIC_A, entries, git, make_tickets, subjects, ticket
from tests.running.test_builds import Open, open_runner

__all__ = ["open_runner"]

STORE = {"_bmad/custom/ticketing-store-config.toml": '[tickets]\nstore = "github"\n'}


def leaf(ident: int, title: str, card: str) -> str:
    """A leaf file of a ticket with its card's column."""
    head = f"---\ntype: story\nid: {ident}\ntitle: {title}\ntracker_id: '#{ident}'\ntracker_status: {card}\n---\n"
    return f"{head}\n# {title}\n"


def project(root: Path, files: dict[str, str]) -> Path:
    listed = entries(ticket(1, "One thing"), ticket(2, "Two things", "after = [1]"))
    usual = {
        f"{EPIC_A}/tickets.toml": listed,
        f"{EPIC_A}/story-one-thing.md": leaf(1, "One thing", "backlog"),
        f"{EPIC_A}/story-two-things.md": leaf(2, "Two things", "backlog").replace("---\n\n", "after: [1]\n---\n\n"),
    }
    return make_tickets(root, {**STORE, **usual, **files})


async def test_a_start_waits_for_the_word_that_the_copy_is_fresh(tmp_path: Path, open_runner: Open) -> None:
    runner = await open_runner(project(tmp_path / "x", {}))
    with pytest.raises(NotNow, match="the tickets are kept in github, and this copy is as old as its last sync") as no:
        await runner.start()
    assert no.value.code == "unsynced"
    assert runner.events == []


async def test_tickets_are_built_and_not_marked(tmp_path: Path, open_runner: Open) -> None:
    root = project(tmp_path / "x", {})
    leaves = {path: path.read_text() for path in root.rglob("story-*.md")}
    runner = await open_runner(root)
    batch = await runner.run(synced=True)
    rows, _ = await runner.rows(batch)
    # 1.2 waits for the card of 1.1, which is not moved here.
    assert [(row.story_key, row.status) for row in rows] == [("1.1", "done"), ("2.1", "done")]
    assert "status: built" in (root / EPIC_A / "story-one-thing-plan.md").read_text()
    assert {path: path.read_text() for path in leaves} == leaves
    assert not [subject for subject in subjects(root) if subject.startswith("chore")]
    assert git(root, "status", "--porcelain") == ""
    warned = [event["message"] for event in runner.of("batch:warning") if event["warning_type"] == "store"]
    assert warned == ["No ticket is marked, since github keeps them: move the cards of those that are done there"]
    assert runner.of("error") == []


async def test_what_is_built_already_is_not_dispatched_again(tmp_path: Path, open_runner: Open) -> None:
    runner = await open_runner(project(tmp_path / "x", {}))
    await runner.run(synced=True)
    with pytest.raises(BadRequest, match="Its plan says built already: move its card in github, and sync"):
        await runner.start(stories=["1.1"], synced=True)
    with pytest.raises(NotNow, match=r"no story can run; these wait: 1\.1 .*1\.2 .*2\.1"):
        await runner.start(synced=True)


async def test_what_the_sync_has_moved_lets_the_next_one_start(tmp_path: Path, open_runner: Open) -> None:
    runner = await open_runner(project(tmp_path / "x", {}))
    await runner.run(1, stories=["1.1"], synced=True)
    card = runner.root / EPIC_A / "story-one-thing.md"
    card.write_text(card.read_text().replace("tracker_status: backlog", "tracker_status: done"))
    git(runner.root, "commit", "-qam", "synced")
    batch = await runner.run(1, synced=True)
    assert [row.story_key for row in (await runner.rows(batch))[0]] == ["1.2"]


async def test_work_of_others_and_blocked_builds_are_left_alone(tmp_path: Path, open_runner: Open) -> None:
    plan = "---\ntitle: Two things\nticket: 2\nstatus: blocked\nblocked_reason: no key\n---\n"
    files = {
        f"{EPIC_A}/story-one-thing.md": leaf(1, "One thing", "in-progress"),
        f"{EPIC_A}/story-two-things-plan.md": plan,
        f"{EPIC_A}/story-two-things.md": leaf(2, "Two things", "backlog"),
    }
    runner = await open_runner(project(tmp_path / "x", files))
    found = sprint.read(sprint.locate(runner.root))
    one, two = found.story("1.1"), found.story("1.2")
    assert one is not None
    assert one.conditions.hold == "Its card in github says in-progress, and it was not begun here."
    assert two is not None
    assert (two.status.value, two.conditions.blocked_reason) == ("blocked", "no key")
    batch = await runner.run(synced=True)
    assert [row.story_key for row in (await runner.rows(batch))[0]] == ["2.1"]
    with pytest.raises(sprint.Refused, match="kept in github"):
        sprint.set_status(runner.workspace.project, "1.2", "ready-for-dev")
    with pytest.raises(sprint.Refused, match="The epics are kept in github: close the epic there"):
        sprint.close_epic(runner.workspace.project, "1")
