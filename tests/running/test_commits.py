"""The runner commits what a story changed, in every world of git; what it cannot commit, it reports."""

from __future__ import annotations

import asyncio
import json

import pytest

from git.process import GitError
from orchestrator import NotNow, StopMode
from settings import CommandConfig
from store.stories import uncommitted_stories
from tests.conftest import MakeRunner
from tests.running.projects import PAIR, READY, alive
from tests.running.repositories import DONE, WORLDS, MakeIn, by_shell, committed, git, hook, reviewed_by

TRACKER = "_bmad-output/implementation-artifacts/sprint-status.yaml"
STORY = "_bmad-output/implementation-artifacts/1-1-a.md"


@pytest.mark.parametrize("world", WORLDS)
async def test_exactly_what_the_story_changed_is_committed(make_in: MakeIn, world: str) -> None:
    runner = await make_in(world)
    prefix = "" if world in ("top", "nested") else "apps/web/"
    (runner.root / "mine.txt").write_text("the operator's own\n")
    batch_id = await runner.run()
    assert runner.of("attention") == []
    assert runner.log()[0] == "feat(1): implement story 1-1-a"
    assert committed(runner.root) == sorted(f"{prefix}{path}" for path in (STORY, TRACKER, "work/1-1-a.md"))
    assert "mine.txt" in git(runner.root, "status", "--porcelain")
    end = runner.of("command:end")[-1]
    assert (end["command"], end["agent"], end["metrics"]["cost_usd"]) == ("commit", "runner", 0.0)
    tasks = [line["task_id"] for line in runner.of("command:progress") if line["command"] == "commit"]
    assert list(dict.fromkeys(tasks)) == ["stage", "commit", "validate"]
    stories, _ = await runner.rows(batch_id)
    assert stories[0].commit_hash == git(runner.root, "rev-parse", "HEAD")
    warned = [warning["message"] for warning in runner.of("batch:warning") if warning["warning_type"] == "git"]
    assert [message for message in warned if "vendor/lib" in message] == warned
    assert bool(warned) == (world == "nested")


@pytest.mark.parametrize("world", WORLDS)
async def test_an_agent_commits_where_it_is_set_so(make_in: MakeIn, world: str) -> None:
    runner = await make_in(world, commit_by="agent", commit_per="cycle")
    await runner.run()
    assert runner.of("attention") == []
    assert runner.log()[0] == "feat(1): implement story 1-1-a"
    assert runner.of("command:end")[-1]["agent"] == "demo"


LIES = {
    "old": "git rev-parse HEAD",
    "dangling": "git commit-tree -p HEAD -m x HEAD^{tree}",
    "without the work": "echo x > other && git add other && git commit -qm other && git rev-parse HEAD",
    "elsewhere": "git commit-tree -p HEAD -m x HEAD^{tree} | xargs git branch -f aside && git rev-parse aside",
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_commit_that_an_agent_only_claims_is_not_believed(make_runner: MakeRunner, lie: str) -> None:
    runner = await make_runner(READY, commit_by="agent", retries=0, commands={"commit": CommandConfig(agent="liar")})
    by_shell(runner, f'hash=$({LIES[lie]}); echo "[COMMIT-SUCCESS: $hash]"', "liar")
    batch_id = await runner.run()
    assert runner.commands("error") == ["1-1-a commit"]
    assert runner.of("attention")[-1]["kind"] == "commit"
    uncommitted = await runner.database.read(uncommitted_stories, batch_id)
    assert [row.story_key for row in uncommitted] == ["1-1-a"]


async def test_a_commit_without_the_work_is_not_believed(make_runner: MakeRunner) -> None:
    """The work has gone from the tree, so nothing of it is uncommitted; the commit is new and on the branch."""
    runner = await make_runner(READY, retries=0, commit_by="agent", commands={"commit": CommandConfig(agent="shell")})
    by_shell(runner, "rm -rf work; git commit -q --allow-empty -m x; echo [COMMIT-SUCCESS: $(git rev-parse HEAD)]")
    batch_id = await runner.run()
    stories, _ = await runner.rows(batch_id)
    assert "is in no commit and not in the tree any more: work/1-1-a.md" in (stories[0].commit_failure or "")


async def test_a_file_that_was_changed_before_is_left_out(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, **reviewed_by())
    (runner.root / "shared.txt").write_text("one\n")
    git(runner.root, "add", "shared.txt")
    git(runner.root, "commit", "-qm", "shared")
    (runner.root / "shared.txt").write_text("one\ntwo, the operator's\n")
    by_shell(runner, f"echo three >> shared.txt; {DONE}")
    batch_id = await runner.run()
    attention = runner.of("attention")[-1]
    assert attention["kind"] == "commit"
    assert "shared.txt (before 1-1-a began: +1 -0, by its work: +1 -0)" in attention["message"]
    assert "work/1-1-a.md" in committed(runner.root)
    assert "shared.txt" not in committed(runner.root)
    assert git(runner.root, "status", "--porcelain", "shared.txt") == "M shared.txt"
    assert [row.story_key for row in await runner.database.read(uncommitted_stories, batch_id)] == ["1-1-a"]


async def test_a_hook_that_refuses_gets_one_round_of_an_agent(make_runner: MakeRunner) -> None:
    """The demo's developer writes the file once more, which is what this hook wants to see."""
    runner = await make_runner(READY)
    hook(runner.root, "pre-commit", "grep -q 'Looked at again' work/1-1-a.md || { echo 'look at it again'; exit 1; }")
    batch_id = await runner.run()
    assert runner.commands() == [
        "1-1-a dev-story", "1-1-a code-review-1", "1-1-a commit", "1-1-a dev-story-2", "1-1-a commit",
    ]  # fmt: skip
    assert runner.commands("error") == ["1-1-a commit"]
    assert runner.log()[0] == "feat(1): implement story 1-1-a"
    assert runner.of("attention") == []
    assert await runner.database.read(uncommitted_stories, batch_id) == []


async def test_a_hook_that_goes_on_refusing_is_the_operators(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    hook(runner.root, "pre-commit", "echo 'no ticket number'; exit 1")
    batch_id = await runner.run()
    assert runner.commands().count("1-1-a commit") == 2
    attention = runner.of("attention")[-1]
    assert (attention["kind"], "no ticket number" in attention["message"]) == ("commit", True)
    assert git(runner.root, "diff", "--cached", "--name-only") == ""
    assert [row.story_key for row in await runner.database.read(uncommitted_stories, batch_id)] == ["1-1-a"]
    assert runner.log() == ["start"]


async def test_an_agents_commit_that_is_refused_twice_with_the_same_words_is_not_tried_again(
    make_runner: MakeRunner,
) -> None:
    runner = await make_runner(READY, commit_by="agent", retries=5)
    hook(runner.root, "pre-commit", "echo 'no ticket number'; exit 1")
    (runner.root / "mine.txt").write_text("staged by the operator\n")
    git(runner.root, "add", "mine.txt")
    batch_id = await runner.run()
    assert runner.commands().count("1-1-a commit") == 2
    assert runner.of("attention")[-1]["kind"] == "commit"
    assert git(runner.root, "diff", "--cached", "--name-only").strip() == "mine.txt"
    assert [row.story_key for row in await runner.database.read(uncommitted_stories, batch_id)] == ["1-1-a"]


async def test_a_hook_that_formats_needs_no_agent(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    script = (
        "grep -q formatted work/1-1-a.md && exit 0; echo formatted >> work/1-1-a.md; echo 'files were changed'; exit 1"
    )
    hook(runner.root, "pre-commit", script)
    await runner.run()
    assert runner.commands()[2:] == ["1-1-a commit", "1-1-a commit"]
    assert runner.log()[0] == "feat(1): implement story 1-1-a"
    assert git(runner.root, "status", "--porcelain") == ""


async def test_stop_now_ends_a_hook(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    hook(runner.root, "pre-commit", "touch ../hook-runs; sleep 600")
    batch_id = await runner.start()
    await runner.until_command("commit")
    async with asyncio.timeout(60):
        while not (runner.root.parent / "hook-runs").exists():
            await asyncio.sleep(0.05)
    _, commands = await runner.rows(batch_id)
    mark = f"{runner.database.epoch}:{commands[-1].id}"
    assert alive(mark)
    runner.orchestrator.stop(StopMode.NOW)
    await runner.until_end()
    assert alive(mark) == []
    assert runner.of("command:end")[-1]["status"] == "stopped", runner.of("command:end")[-1]
    assert git(runner.root, "diff", "--cached", "--name-only") == ""
    hook(runner.root, "pre-commit", "exit 0")
    await runner.run()
    assert runner.log()[0] == "feat(1): implement story 1-1-a"


# -- refused at the start ------------------------------------------------------------------------------------------


async def test_no_identity_is_found_before_anything_is_paid(
    make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = await make_runner(READY)
    for name in ("user.name", "user.email"):
        git(runner.root, "config", "--unset", name)
    git(runner.root, "config", "user.useConfigOnly", "true")
    monkeypatch.setenv("HOME", str(runner.root.parent))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    with pytest.raises(NotNow, match="git cannot commit here"):
        await runner.start()
    git(runner.root, "config", "user.name", "T")
    git(runner.root, "config", "user.email", "t@localhost")
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}


async def test_a_filter_that_is_missing_is_found_before_anything_is_paid(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    (runner.root / ".gitattributes").write_text("*.md filter=gone\n")
    git(runner.root, "config", "filter.gone.clean", "no-such-filter")
    git(runner.root, "config", "filter.gone.required", "true")
    with pytest.raises(NotNow, match=r"a filter that \.gitattributes names does not work"):
        await runner.start()


async def test_a_project_without_git_commits_nothing(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, git=False)
    await runner.run()
    assert runner.commands() == ["1-1-a dev-story", "1-1-a code-review-1"]


async def test_a_repository_made_while_the_server_runs_is_found(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, git=False)
    assert runner.workspace.git is None
    (runner.root / ".gitignore").write_text(".sprint-runner/\n")
    for arguments in (("init", "-q"), ("config", "user.name", "T"), ("config", "user.email", "t@localhost")):
        git(runner.root, *arguments)
    await runner.run()
    assert runner.log() == ["feat(1): implement story 1-1-a"]
    assert json.dumps(runner.of("batch:warning")).count("not a git repository") == 0


async def test_snapshots_of_a_finished_batch_stay_until_they_take_too_much(
    make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = await make_runner(dict.fromkeys(("1-1-a", "2-1-b", "3-1-c"), "in-progress"))
    (story,), _ = await runner.rows(await runner.run(cycles=1))
    git_of = runner.workspace.git
    assert git_of is not None
    (runner.root / "new").write_text("so that the trees are different\n")
    (other,), _ = await runner.rows(await runner.run(cycles=1))
    assert (await git_of.diff(other.base_tree, other.work_tree)).files_changed == 1
    assert await git_of.existing(story.work_tree, [".gitignore"]) == [".gitignore"]
    monkeypatch.setattr("orchestrator.SNAPSHOTS_BYTES", 0)
    await runner.run(cycles=1)
    with pytest.raises(GitError):
        await git_of.existing(story.work_tree, [".gitignore"])


async def test_snapshots_of_a_stopped_batch_stay(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, {"code-review": ["hang", "ZERO ISSUES"]})
    first = await runner.start()
    await runner.until_called("code-review")
    runner.orchestrator.stop(StopMode.NOW)
    await runner.until_end()
    (story,), _ = await runner.rows(first)
    second = await runner.run()
    (again,), _ = await runner.rows(second)
    assert again.commit_base == story.commit_base
    assert "work/1-1-a.md" in committed(runner.root)


@pytest.mark.parametrize("blocked", ["1-1-a", "1-2-b"])
async def test_one_commit_for_a_cycle_leaves_out_what_a_blocked_story_changed(
    make_runner: MakeRunner, blocked: str
) -> None:
    done = next(key for key in PAIR if key != blocked)
    script = {"code-review": {blocked: ["CRITICAL:one", "CRITICAL:one", "CRITICAL:one"]}}
    runner = await make_runner(PAIR, script, commit_per="cycle")
    await runner.run()
    assert runner.statuses() == {done: "done", blocked: "blocked"}
    assert runner.log()[0] == f"feat(1): implement story {done}"
    assert f"work/{done}.md" in committed(runner.root)
    assert f"work/{blocked}.md" not in committed(runner.root)
    assert f"work/{blocked}.md" in git(runner.root, "status", "--porcelain", "--untracked-files=all")
