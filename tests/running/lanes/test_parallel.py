"""Stories of different epics side by side: real worktrees, real merges, a real agent process in each."""

from __future__ import annotations

import shutil

import pytest

import running.surroundings
import sprint
from running.lanes.lane import tidy
from running.lanes.worktree import place_of
from store.checks import get_checks_by_key
from store.stories import get_story_by_key
from tests.conftest import MakeRunner
from tests.running.lanes.lane_runs import branches, ends, git, overlapped, worktrees
from tests.running.projects import TRACKER

SLOW = {"code-review": ["slow:1+ZERO ISSUES"]}


async def test_two_epics_run_side_by_side_and_are_merged_in_order(make_runner: MakeRunner) -> None:
    stories = {"1-1-a": "in-progress", "1-2-b": "in-progress", "1-3-c": "in-progress", "2-1-d": "backlog"}
    script = {"dev-story": {"1-1-a": ["slow:2+ok"]}}
    runner = await make_runner(stories, script, parallel=2)
    before = (runner.root / TRACKER).read_text()
    await runner.run()
    assert set(runner.statuses().values()) == {"done"}
    assert overlapped(runner, "1-1-a", "2-1-d")
    assert [start["story_keys"] for start in runner.of("cycle:start")] == [["1-1-a", "1-2-b"], ["2-1-d"], ["1-3-c"]]
    assert ends(runner) == [(1, ["1-1-a", "1-2-b"], []), (2, ["2-1-d"], []), (3, ["1-3-c"], [])]
    assert runner.of("batch:end") == [{"batch_id": 1, "cycles_completed": 3, "status": "completed"}]
    merges = [name for name in runner.commands("success") if name.endswith(" merge")]
    assert merges == ["1-1-a merge", "2-1-d merge", "1-3-c merge"]
    assert git(runner.root, "log", "--first-parent", "--format=%s").splitlines() == [
        "merge(1): stories 1-3-c",
        "merge(2): stories 2-1-d",
        "merge(1): stories 1-1-a, 1-2-b",
        "start",
    ]
    expected = before.replace("epic-1: backlog", "epic-1: in-progress").replace(
        "epic-2: backlog", "epic-2: in-progress"
    )
    for status in ("in-progress ", "backlog "):
        expected = expected.replace(f": {status} #", ": done  #")
    assert (runner.root / TRACKER).read_text() == expected
    assert sorted(path.name for path in (runner.root / "work").iterdir()) == [f"{key}.md" for key in sorted(stories)]
    assert (branches(runner.root), worktrees(runner)) == ([], [])


async def test_a_conflict_blocks_the_story_and_keeps_its_branch(make_runner: MakeRunner) -> None:
    """Meanwhile the user commits a file of their own where the story's work would go, and edits another one."""
    runner = await make_runner({"1-1-a": "in-progress", "2-1-b": "in-progress"}, SLOW, parallel=2)
    await runner.start()
    await runner.until_command("code-review-1", times=2)
    (runner.root / "work").mkdir()
    (runner.root / "work/2-1-b.md").write_text("mine\n")
    git(runner.root, "add", "work")
    git(runner.root, "commit", "-qm", "mine")
    (runner.root / "notes.txt").write_text("not committed\n")
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done", "2-1-b": "blocked"}
    assert ends(runner) == [(1, ["1-1-a"], []), (2, [], ["2-1-b"])]
    emitted = runner.of("attention")[-1]
    assert (emitted["kind"], emitted["story_key"]) == ("blocked", "2-1-b")
    assert "conflicts in work/2-1-b.md" in emitted["message"]
    assert runner.commands("error") == ["2-1-b merge"]
    assert "the branch sprint-runner/1/2-1-b is kept, and not merged into" in emitted["message"]
    assert branches(runner.root) == ["sprint-runner/1/2-1-b"]
    assert git(runner.root, "show", "sprint-runner/1/2-1-b:work/2-1-b.md").endswith("Done as 2-1-b asks.")
    assert (runner.root / "work/2-1-b.md").read_text() == "mine\n"
    assert git(runner.root, "status", "--porcelain").splitlines() == [f" M {TRACKER}", "?? notes.txt"]
    assert worktrees(runner) == []


@pytest.mark.parametrize("ignored", [False, True])
async def test_a_file_of_the_users_in_the_way_is_waited_for(
    make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch, ignored: bool
) -> None:
    """No failure of a story: the batch waits, names the file, and continues by itself when it is not there any more."""
    monkeypatch.setattr(running.surroundings, "LOOK_S", 0.1)
    runner = await make_runner({"1-1-a": "in-progress"}, SLOW, parallel=2)
    await runner.start()
    await runner.until_command("code-review-1")
    if ignored:
        (runner.root / ".gitignore").write_text(".sprint-runner/\nwork/\n")
    (runner.root / "work").mkdir()
    (runner.root / "work/1-1-a.md").write_text("mine\n")
    await runner.until(lambda event: event.type == "batch:pause")
    assert runner.of("batch:pause")[-1]["reason"] == "merge"
    attention = runner.of("attention")[-1]
    assert attention["kind"] == "merge"
    assert "work/1-1-a.md (not under version control)" in attention["message"]
    assert (runner.root / "work/1-1-a.md").read_text() == "mine\n"
    assert runner.statuses() == {"1-1-a": "review"}
    assert branches(runner.root) == ["sprint-runner/1/1-1-a"]
    assert git(runner.root, "diff", "--cached", "--name-only") == ""
    (runner.root / "work/1-1-a.md").rename(runner.root / "mine.md")
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}
    assert (runner.root / "mine.md").read_text() == "mine\n"
    assert (runner.root / "work/1-1-a.md").read_text() != "mine\n"
    assert runner.of("batch:end")[-1]["status"] == "completed"
    assert (branches(runner.root), worktrees(runner)) == ([], [])


async def test_a_file_of_the_same_content_comes_under_version_control(make_runner: MakeRunner) -> None:
    runner = await make_runner({"1-1-a": "in-progress"}, SLOW, parallel=2)
    await runner.start()
    await runner.until_command("code-review-1")
    work = runner.root / ".sprint-runner/worktrees/1-1-1-a/work"
    shutil.copytree(work, runner.root / "work")
    before = (runner.root / "work/1-1-a.md").stat()
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}
    assert (runner.root / "work/1-1-a.md").stat().st_mtime_ns == before.st_mtime_ns
    assert git(runner.root, "ls-files", "work") == "work/1-1-a.md"
    assert git(runner.root, "status", "--porcelain", "work") == ""


async def test_what_passes_alone_and_fails_together_is_not_merged(make_runner: MakeRunner) -> None:
    check = "sh -c '! { test -e work/1-1-a.md && test -e work/2-1-b.md; }'"
    runner = await make_runner({"1-1-a": "in-progress", "2-1-b": "in-progress"}, parallel=2, verify=check)
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done", "2-1-b": "blocked"}
    assert "after the merge the check" in runner.of("attention")[-1]["message"]
    checks = await runner.database.read(get_checks_by_key, "2-1-b")
    assert [check.ok for check in checks] == [1, 1, 0]
    merge = next(start for start in runner.of("command:start")[::-1] if start["command"] == "merge")
    assert checks[-1].command_id == merge["command_id"]
    assert git(runner.root, "log", "--first-parent", "--format=%s").splitlines() == ["merge(1): stories 1-1-a", "start"]
    assert branches(runner.root) == ["sprint-runner/1/2-1-b"]
    assert not (runner.root / "work/2-1-b.md").exists()
    assert worktrees(runner) == []


async def test_planning_files_that_git_does_not_know_go_there_and_back(make_runner: MakeRunner) -> None:
    runner = await make_runner({"1-1-a": "ready-for-dev", "2-1-b": "backlog"}, parallel=2)
    git(runner.root, "rm", "-rq", "--cached", "_bmad-output")
    (runner.root / ".gitignore").write_text(".sprint-runner/\n_bmad-output/\n")
    git(runner.root, "commit", "-qam", "planning stays outside")
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done", "2-1-b": "done"}
    folder = runner.root / TRACKER.parent
    for key in ("1-1-a", "2-1-b"):
        assert f"work/{key}.md" in (folder / f"{key}.md").read_text()
    assert git(runner.root, "status", "--porcelain") == ""
    assert git(runner.root, "ls-files", "_bmad-output") == ""
    assert (branches(runner.root), worktrees(runner)) == ([], [])


async def test_a_story_file_that_is_not_committed_is_by_its_story(make_runner: MakeRunner) -> None:
    """It is in the user's tree, where git would not write over it; tracker and context are copies in a lane."""
    runner = await make_runner({"1-1-a": "in-progress"}, parallel=2)
    git(runner.root, "rm", "-rq", "--cached", "_bmad-output")
    git(runner.root, "commit", "-qm", "planning is not committed")
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}
    assert "work/1-1-a.md" in (runner.root / TRACKER.parent / "1-1-a.md").read_text()
    assert git(runner.root, "status", "--porcelain") == f"?? {TRACKER}\n?? _bmad-output/project-context.md"
    assert git(runner.root, "ls-files", "_bmad-output") == str(TRACKER.parent / "1-1-a.md")
    assert (branches(runner.root), worktrees(runner)) == ([], [])


async def test_work_that_is_not_committed_is_not_thrown_away(make_runner: MakeRunner) -> None:
    script = {"dev-story": {"1-2-b": ["ok+no-marker"]}}
    runner = await make_runner({"1-1-a": "in-progress", "1-2-b": "in-progress"}, script, parallel=2)
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done", "1-2-b": "blocked"}
    left = runner.root / ".sprint-runner/worktrees/1-1-1-a/work/1-2-b.md"
    assert left.is_file()
    emitted = runner.of("attention")[-1]
    assert emitted["kind"] == "worktree"
    assert ".sprint-runner/worktrees/1-1-1-a" in emitted["message"]
    await tidy(runner.workspace)
    assert (branches(runner.root), worktrees(runner)) == (["sprint-runner/1/1-1-a"], ["1-1-1-a"])
    git(left.parents[1], "add", "-A")
    git(left.parents[1], "commit", "-qm", "put away by hand")
    await tidy(runner.workspace)
    assert (branches(runner.root), worktrees(runner)) == (["sprint-runner/1/1-1-a"], [])
    git(runner.root, "checkout", "-q", "--", ".")
    git(runner.root, "merge", "-q", "sprint-runner/1/1-1-a")
    assert (runner.root / "work/1-2-b.md").is_file()


async def test_a_story_is_seen_where_it_is_worked_on(make_runner: MakeRunner) -> None:
    runner = await make_runner({"1-1-a": "backlog"}, SLOW, parallel=2)
    await runner.start()
    await runner.until_command("code-review-1")
    row = await runner.database.read(get_story_by_key, "1-1-a")
    assert row is not None
    seen = await place_of(runner.workspace, row)
    assert seen.git is not None
    assert row.base_tree is not None
    assert (await seen.git.diff(row.base_tree, await seen.git.snapshot())).files_changed == 1
    assert sprint.story_files(seen.project, "1-1-a")
    assert not sprint.story_files(runner.workspace.project, "1-1-a")
    await runner.until_end()
    assert await place_of(runner.workspace, row) is runner.workspace
    assert runner.workspace.git is not None
    after = await runner.workspace.git.diff(row.base_tree, await runner.workspace.git.snapshot())
    assert after.files_changed == 1
    assert sprint.story_files(runner.workspace.project, "1-1-a")
