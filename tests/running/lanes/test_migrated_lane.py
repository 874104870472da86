"""A lane that was left unfinished before the project was migrated from a tracker to tickets: its work is never lost."""

from __future__ import annotations

from pathlib import Path

from orchestrator import StopMode
from tests.running.lanes.lane_runs import branches, git, worktrees
from tests.running.plans import EPIC_A, INITIATIVE, entries, make_tickets, ticket
from tests.running.projects import TRACKER, Runner, make_project
from tests.running.test_builds import Open, open_runner

__all__ = ["open_runner"]

BRANCH = "sprint-runner/1/1-1-a"


async def left_in_a_lane(tmp_path: Path, open_runner: Open) -> Runner:
    """A run that was stopped in the review of a story in a lane, with its work uncommitted there; then migrated."""
    root = make_project(tmp_path / "tiny", {"1-1-a": "ready-for-dev", "2-1-b": "done"})
    runner = await open_runner(root, {"code-review": ["slow:30"]}, parallel=2)
    await runner.start(stories=["1-1-a"])
    await runner.until_called("code-review")
    runner.orchestrator.stop(StopMode.NOW)
    await runner.until_end()
    await runner.close()
    assert (branches(root), worktrees(runner)) == ([BRANCH], ["1-1-1-a"])
    assert (root / ".sprint-runner/worktrees/1-1-1-a/work/1-1-a.md").is_file()
    git(root, "rm", "-rqf", str(TRACKER))
    plan = "---\ntitle: A\nticket: 1\nstatus: in-progress\n---\n"
    other = "---\ntitle: B\nticket: 1\nstatus: done\n---\n"
    files = {
        f"{EPIC_A}/tickets.toml": entries(ticket(1, "A", 'v6_key = "1-1-a"')),
        f"{EPIC_A}/story-a-plan.md": plan,
        f"{INITIATIVE}/epic-b/tickets.toml": entries(ticket(1, "B", 'v6_key = "2-1-b"')),
        f"{INITIATIVE}/epic-b/story-b-plan.md": other,
    }
    make_tickets(root, files)
    (tmp_path / "script.json").write_text("{}")
    return runner


async def test_the_story_goes_on_in_its_lane_under_its_new_key(tmp_path: Path, open_runner: Open) -> None:
    runner = await left_in_a_lane(tmp_path, open_runner)
    await runner.open()
    batch = await runner.run()
    row = (await runner.rows(batch))[0][0]
    assert (row.story_key, row.epic, row.continues is not None) == ("1.1", "1", True)
    assert runner.of("cycle:start")[-1]["branch"] == BRANCH
    assert runner.statuses() == {"1.1": "done", "2.1": "done"}
    assert (runner.root / "work/1-1-a.md").is_file()  # what was made before the migration
    assert "wip: keep the unfinished work on 1.1 from before the migration" in git(runner.root, "log", "--format=%s")
    assert not (runner.root / TRACKER).exists()
    assert (branches(runner.root), worktrees(runner)) == ([], [])


async def test_a_lane_that_cannot_take_in_the_plan_blocks_the_story_and_keeps_its_work(
    tmp_path: Path, open_runner: Open
) -> None:
    runner = await left_in_a_lane(tmp_path, open_runner)
    (runner.root / "work").mkdir(exist_ok=True)
    (runner.root / "work/1-1-a.md").write_text("the operator has written it anew\n")
    git(runner.root, "add", "-A")
    git(runner.root, "commit", "-qm", "mine")
    await runner.open()
    await runner.run()
    assert runner.statuses()["1.1"] == "blocked"
    (message,) = [one["message"] for one in runner.of("attention") if one["kind"] == "blocked"]
    assert f"is on the branch {BRANCH}, and it cannot take in" in message
    assert "conflicts in work/1-1-a.md" in message
    assert branches(runner.root) == [BRANCH]
    assert "work/1-1-a.md" in git(runner.root, "ls-tree", "-r", "--name-only", BRANCH)
    assert (runner.root / "work/1-1-a.md").read_text() == "the operator has written it anew\n"
    assert runner.commands("success")[-1] != "1.1 build-auto"
