"""Unattended builds of tickets and of listed stories: a real run, a real git, the scripted agent under their rules."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

import agents
from agents import Call
from orchestrator import BadRequest, NotNow
from tests.running.plans import (
    EPIC_A,
    INITIATIVE,
    SKILL,
    entries,
    git,
    make_repository,
    make_stories,
    make_tickets,
    subjects,
    ticket,
)
from tests.running.projects import Runner


class Open(Protocol):
    async def __call__(self, root: Path, script: Mapping[str, Any] | None = None, **settings: Any) -> Runner: ...


@pytest.fixture
async def open_runner() -> AsyncIterator[Open]:
    made: list[Runner] = []

    async def make(root: Path, script: Mapping[str, Any] | None = None, **settings: Any) -> Runner:
        made.append(await Runner.create(root, script, **{"verify": "true", **settings}))
        return made[-1]

    yield make
    for runner in made:
        await runner.close()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The prompts of all builds."""
    seen: list[str] = []
    start = agents.start

    async def noted(spec: Any, call: Call, on_record: Any, **options: Any) -> Any:
        seen.append(call.prompt)
        return await start(spec, call, on_record, **options)

    monkeypatch.setattr(agents, "start", noted)
    return seen


def first_lines(calls: list[str]) -> list[str]:
    return [call.splitlines()[0] for call in calls if call.startswith("/")]


# -- tickets -------------------------------------------------------------------------------------------------------


async def test_tickets_are_built_in_their_order_and_marked_done(
    tmp_path: Path, open_runner: Open, calls: list[str]
) -> None:
    runner = await open_runner(make_tickets(tmp_path / "x", {}))
    await runner.run()
    assert runner.statuses() == {"1.1": "done", "1.2": "done", "2.1": "done"}
    assert first_lines(calls) == [f"/bmad-build-auto ticket {ref}" for ref in ("1.1", "1.2", "2.1")]
    marks = [subject for subject in subjects(runner.root) if subject.startswith("chore")]
    assert marks == ["chore(1): mark 1.1 done", "chore(1): mark 1.2 done", "chore(2): mark 2.1 done"]
    assert git(runner.root, "status", "--porcelain") == ""
    moves = [(move["story_key"], move["new_status"]) for move in runner.of("story:status")]
    assert moves[:2] == [("1.1", "review"), ("1.1", "done")]
    rows, _ = await runner.rows(1)
    named = [git(runner.root, "show", "-s", "--format=%s", row.commit_hash).strip() for row in rows]
    assert named == ["feat: ticket 1", "feat: ticket 2", "feat: ticket 1"]  # what the builds committed themselves


async def test_a_blocked_ticket_stops_only_what_is_after_it(tmp_path: Path, open_runner: Open) -> None:
    script = {"build-auto": {"1.1": ["blocked:unclear intent"]}}
    runner = await open_runner(make_tickets(tmp_path / "x", {}), script)
    await runner.run()
    assert runner.statuses() == {"1.1": "blocked", "1.2": "", "2.1": "done"}
    assert "wip(1): keep what 1.1 left when it was blocked" in subjects(runner.root)
    moves = [move for move in runner.of("story:status") if move["new_status"] == "blocked"]
    assert [(move["story_key"], move["reason"]) for move in moves] == [("1.1", "unclear intent")]


async def test_a_ticket_without_a_reference_is_named_by_its_folder_and_title(
    tmp_path: Path, open_runner: Open, calls: list[str]
) -> None:
    files = {f"{INITIATIVE}/tickets.toml": '[[epic]]\nid = 2\nslug = "epic-b"\n'}
    runner = await open_runner(make_tickets(tmp_path / "x", files))
    await runner.run(1, stories=["epic-a.1"])
    assert first_lines(calls) == [f"/bmad-build-auto ticket in {EPIC_A}: One thing"]
    assert runner.statuses()["epic-a.1"] == "done"


async def test_what_must_wait_is_named_when_it_is_asked_for(tmp_path: Path, open_runner: Open) -> None:
    files = {f"{EPIC_A}/tickets.toml": entries(ticket(1, "One", "hitl = true"), ticket(2, "Two", "after = [1]"))}
    runner = await open_runner(make_tickets(tmp_path / "x", files))
    with pytest.raises(BadRequest, match=r"1\.1 cannot start now: A person has to take part"):
        await runner.start(stories=["1.1"])
    with pytest.raises(BadRequest, match=r"1\.2 cannot start now: it waits for 1\.1"):
        await runner.start(stories=["1.2"])
    await runner.run()
    assert runner.statuses() == {"1.1": "", "1.2": "", "2.1": "done"}
    with pytest.raises(NotNow, match=r"no story can run; these wait: 1\.1 \(A person .*\), 1\.2 \(it waits for"):
        await runner.start()


async def test_a_ticket_of_another_person_is_left_alone(tmp_path: Path, open_runner: Open) -> None:
    plan = "---\ntitle: One thing\nticket: 1\nstatus: draft\nassignee: Robin\n---\n"
    runner = await open_runner(make_tickets(tmp_path / "x", {f"{EPIC_A}/story-one-thing-plan.md": plan}))
    with pytest.raises(BadRequest, match=r"1\.1 cannot start now: It is assigned to Robin"):
        await runner.start(stories=["1.1"])
    await runner.run()
    assert runner.statuses()["1.1"] != "done"
    assert runner.statuses()["2.1"] == "done"


async def test_a_ticket_that_is_built_already_is_reviewed_and_not_built(tmp_path: Path, open_runner: Open) -> None:
    plan = "---\ntitle: One thing\nticket: 1\nstatus: built\n---\n"
    runner = await open_runner(make_tickets(tmp_path / "x", {f"{EPIC_A}/story-one-thing-plan.md": plan}))
    await runner.run(1)
    assert runner.commands()[0] == "1.1 code-review-1"
    assert runner.statuses()["1.1"] == "done"


async def test_a_build_that_stopped_in_its_own_review_goes_on_building(tmp_path: Path, open_runner: Open) -> None:
    plan = "---\ntitle: One thing\nticket: 1\nstatus: in-review\n---\n"
    runner = await open_runner(make_tickets(tmp_path / "x", {f"{EPIC_A}/story-one-thing-plan.md": plan}))
    await runner.run(1)
    assert runner.commands()[0] == "1.1 build-auto"
    assert runner.statuses()["1.1"] == "done"


async def test_tickets_are_not_worked_on_without_the_skill(tmp_path: Path, open_runner: Open) -> None:
    root = make_tickets(tmp_path / "x", {})
    git(root, "rm", "-q", SKILL)
    git(root, "commit", "-qm", "no skill")
    runner = await open_runner(root)
    with pytest.raises(NotNow, match="are worked on by BMAD's skill bmad-build-auto: install BMAD"):
        await runner.start()


PROGRAM = """
import json, pathlib, sys
argv = sys.argv[1:]
root = pathlib.Path(argv[argv.index("--project-root") + 1])
folder, ref, status = argv[argv.index("mark") + 1 :][:3]
plan = next(path for path in pathlib.Path(folder).glob("*-plan.md") if f"ticket: {ref}" in path.read_text())
lines = [f"status: {status}" if line.startswith("status:") else line for line in plan.read_text().split("\\n")]
plan.write_text("\\n".join(lines))
(root / "marked.log").open("a").write(f"{ref} {status}\\n")
print(json.dumps({"plan": str(plan), "created": False, "status": %s}))
"""


async def test_the_projects_own_program_marks_tickets(tmp_path: Path, open_runner: Open) -> None:
    files = {"_bmad/method/scripts/tickets.py": PROGRAM % "status", ".gitignore": ".sprint-runner/\nmarked.log\n"}
    runner = await open_runner(make_tickets(tmp_path / "x", files))
    await runner.run(1)
    assert (runner.root / "marked.log").read_text() == "1 done\n"
    assert runner.statuses()["1.1"] == "done"


async def test_an_answer_of_the_projects_program_that_is_wrong_is_shown(tmp_path: Path, open_runner: Open) -> None:
    files = {"_bmad/method/scripts/tickets.py": PROGRAM % '"built"', ".gitignore": ".sprint-runner/\nmarked.log\n"}
    runner = await open_runner(make_tickets(tmp_path / "x", files))
    await runner.run(1)
    assert "still says 'built' after it was marked 'done'" in runner.of("error")[0]["message"]


# -- a list of stories ---------------------------------------------------------------------------------------------

LIST = """\
- id: "2"
  title: Add farewell
  description: Says bye.
  invoke_dev_with: "keep it  small"
- id: "1"
  title: Add greeting
  description: Says hello.
"""


async def test_listed_stories_are_built_in_the_order_of_the_list(
    tmp_path: Path, open_runner: Open, calls: list[str]
) -> None:
    runner = await open_runner(make_stories(tmp_path / "x", LIST))
    await runner.run()
    assert first_lines(calls) == ["/bmad-build-auto specs/x 2", "/bmad-build-auto specs/x 1"]
    assert calls[0].rstrip().endswith("\n\nkeep it  small")
    assert "specs/x/stories/" not in calls[0]
    assert runner.statuses() == {"2": "done", "1": "done"}
    assert git(runner.root, "status", "--porcelain") == ""


async def test_a_listed_story_that_is_not_finished_is_tried_again_and_then_blocked(
    tmp_path: Path, open_runner: Open
) -> None:
    runner = await open_runner(make_stories(tmp_path / "x", LIST), {"build-auto": {"2": ["no-marker"]}}, retries=0)
    await runner.run(1)
    assert runner.statuses()["2"] == "blocked"
    assert "is 'in-progress', not done" in runner.of("attention")[0]["message"]


# -- the tree that a build begins with -----------------------------------------------------------------------------


async def test_files_of_others_are_named_to_the_build_and_left_alone(
    tmp_path: Path, open_runner: Open, calls: list[str]
) -> None:
    runner = await open_runner(make_tickets(tmp_path / "x", {}))
    (runner.root / "notes.txt").write_text("mine\n")
    await runner.run(1)
    assert "begin all the same, and neither change nor commit them: notes.txt." in calls[0]
    assert runner.statuses()["1.1"] == "done"
    assert git(runner.root, "status", "--porcelain") == "?? notes.txt\n"


async def test_tickets_of_one_epic_run_side_by_side_in_waves(tmp_path: Path, open_runner: Open) -> None:
    """Two tickets wait for nothing, the third for both: the first two run together, whatever their epic."""
    tickets = entries(ticket(1, "One"), ticket(2, "Two"), ticket(3, "Three", "after = [1, 2]"))
    script = {"build-auto": {"1.1": ["slow:1"], "1.2": ["slow:1"]}}
    runner = await open_runner(make_tickets(tmp_path / "x", {f"{EPIC_A}/tickets.toml": tickets}), script, parallel=2)
    await runner.run(stories=["1.1", "1.2"])
    order = [event.type for event in runner.events if event.type in ("cycle:start", "cycle:end")]
    assert order[:2] == ["cycle:start", "cycle:start"]
    assert runner.statuses() == {"1.1": "done", "1.2": "done", "1.3": "", "2.1": ""}
    await runner.run(stories=["1.3"])
    assert runner.statuses()["1.3"] == "done"
    assert git(runner.root, "status", "--porcelain") == ""


async def test_listed_stories_run_one_after_the_other_in_lanes_too(tmp_path: Path, open_runner: Open) -> None:
    """The list says no dependencies: whatever comes later may need all that is above it."""
    text = '- id: "1-1"\n  title: A\n- id: "2-1"\n  title: B\n- id: "2-2"\n  title: C\n'
    runner = await open_runner(make_stories(tmp_path / "x", text), parallel=2)
    await runner.run()
    assert runner.statuses() == {"1-1": "done", "2-1": "done", "2-2": "done"}
    order = [event.type for event in runner.events if event.type in ("cycle:start", "cycle:end")]
    assert order == ["cycle:start", "cycle:end"] * 3
    assert git(runner.root, "status", "--porcelain") == ""
    assert runner.of("error") == []


# -- BMAD 4 --------------------------------------------------------------------------------------------------------

V4 = {
    ".bmad-core/core-config.yaml": "devStoryLocation: docs/stories\nprd:\n  prdShardedLocation: docs/prd\n",
    "docs/prd/epic-1-access.md": "# Epic 1: Access\n\n## Story 1.1: Login\n\n## Story 1.2: Logout page\n\n"
    "## Story 1.3: Old\n",
    "docs/prd/epic-2-export.md": "# Epic 2: Export\n\n## Story 2.1: Export\n",
    "docs/stories/1.1.login.story.md": "# Story 1.1: Login\n\n## Status\n\nDraft\n\n## Story\n\nx\n",
    "docs/stories/1.3.old.story.md": "# Story 1.3: Old\n\n## Status: Done\n\n## Story\n\nx\n",
}


@pytest.mark.parametrize("lanes", [1, 2])
async def test_bmad_4_from_drafts_and_epics_to_everything_done(tmp_path: Path, open_runner: Open, lanes: int) -> None:
    root = make_repository(tmp_path / "x", V4)
    git(root, "rm", "-q", SKILL)
    git(root, "commit", "-qm", "no skill")
    runner = await open_runner(root, parallel=lanes)
    await runner.run()
    assert {key: status.lower() for key, status in runner.statuses().items()} == dict.fromkeys(
        ("1.1", "1.2", "1.3", "2.1"), "done"
    )
    assert (root / "docs/stories/1.1.login.story.md").read_text().split("## Status\n")[1].split()[0] == "Done"
    names = [path.name for path in (root / "docs/stories").glob("[0-9]*")]
    assert sorted(names) == ["1.1.login.story.md", "1.2.logout-page.md", "1.3.old.story.md", "2.1.export.md"]
    assert git(root, "status", "--porcelain") == ""
    assert runner.of("error") == []


async def test_a_blocked_story_of_bmad_4_says_so_in_its_file(tmp_path: Path, open_runner: Open) -> None:
    root = make_repository(tmp_path / "x", {**V4, SKILL: "---\nmetadata:\n  lifecycle: shim\n---\n"})
    runner = await open_runner(root, {"dev-story": {"1.1": ["blocked:no server"]}})
    await runner.run(stories=["1.1"])
    assert runner.statuses()["1.1"] == "Blocked"
    assert [call["message"] for call in runner.of("attention")] == ["1.1 is blocked: no server"]
