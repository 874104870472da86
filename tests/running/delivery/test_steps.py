"""The steps of a delivery with a real git, a real remote and a scripted forge."""

from __future__ import annotations

import pytest

from agents import Call
from orchestrator import NotNow
from running.delivery.decisions import decide_delivery
from store.deliveries import get_comments
from tests.running.delivery.conftest import MakeForge
from tests.running.delivery.forge import SECRET, URL
from tests.running.delivery.forges import advance, deliveries, git
from tests.running.projects import PAIR, READY

BRANCH = "deliver/1-1-a"


async def test_nothing_is_delivered_unless_it_is_set(make_forge: MakeForge) -> None:
    runner, forge = await make_forge(deliver="commit")
    await runner.run()
    assert await deliveries(runner) == []
    assert forge.head(BRANCH) is None
    assert runner.of("story:delivery") == []


async def test_a_branch_is_pushed_and_that_is_all(make_forge: MakeForge) -> None:
    runner, forge = await make_forge(deliver="branch")
    await runner.run()
    head = git(runner.root, "rev-parse", "HEAD")
    assert await advance(runner) == ["pushed"]
    assert forge.head(BRANCH) == head == git(runner.root, "rev-parse", BRANCH)
    assert forge.calls() == []
    assert git(runner.root, "symbolic-ref", "--short", "HEAD") == "work"
    assert await advance(runner) == []


async def test_red_mended_green_merged(make_forge: MakeForge, calls: list[Call]) -> None:
    """The whole way; the operator's own branch has the mended work, too, and no secret gets out."""
    runner, forge = await make_forge(plan={"red": 1}, verify="true")
    first = await runner.run()
    assert runner.of("batch:end")[-1]["reason"] == "deliveries open: 1-1-a (to be pushed)"
    assert await advance(runner) == ["requesting", "open", "waiting"]
    (request,) = forge.requests()
    assert request["title"].strip() == "1-1-a: A"
    assert "feat(1): implement story 1-1-a (" in request["body"]
    for part in ("### Reviews", "code-review-1", "### Check", "`true` passed", "### Cost", "sprint-runner-delivery-"):
        assert part in request["body"]
    assert runner.of("attention")[-1]["message"].endswith("the checks failed. The next batch mends it: start one")
    second = await runner.run()
    assert second == first + 1
    assert [name for name in runner.commands() if "dev-story" in name] == ["1-1-a dev-story", "1-1-a dev-story-2"]
    (row,) = await deliveries(runner)
    assert (row.state, row.round, row.log) == ("planned", 1, None)
    assert await advance(runner) == ["open", "open", "merging", "merged"]
    assert forge.log("main")[:3] == [
        "Merge deliver/1-1-a",
        "fix(1): mend 1-1-a, round 1",
        "feat(1): implement story 1-1-a",
    ]
    assert runner.log()[0] == "merge(1): deliver/1-1-a, round 1"
    assert "Looked at again." in (runner.root / "work/1-1-a.md").read_text()
    assert git(runner.root, "status", "--porcelain") == ""
    assert not (runner.root / ".sprint-runner/worktrees/delivery-1").exists()
    assert len(forge.requests()) == len(forge.calls("create")) == len(forge.calls("merge")) == 1
    (prompt,) = [call.prompt for call in calls if "# dev-story-2" in call.prompt or "dev-story-2\n" in call.prompt]
    assert "The checks failed." in prompt
    assert "<check-log>\nbuild:\ntest_it failed: expected mended work\nuploading with [masked" in prompt
    stored = b"".join(path.read_bytes() for path in (runner.root / ".sprint-runner").glob("test.db*")).decode("latin-1")
    assert SECRET not in str(runner.events) + prompt + stored


async def test_comments_become_one_round(make_forge: MakeForge) -> None:
    comments = [
        {"comment": "Name it better.", "id": "c1", "path": "work/1-1-a.md", "line": 1, "author": "ann"},
        {"comment": "And test it.", "id": "c2"},
    ]
    runner, forge = await make_forge(plan={"comments": comments})
    await runner.run()
    assert (await advance(runner))[-1] == "waiting"
    assert [row.text for row in await runner.database.read(get_comments, 1)] == [
        "work/1-1-a.md:1: Name it better. (ann)",
        "And test it.",
    ]
    await runner.run()
    assert [row.round for row in await runner.database.read(get_comments, 1)] == [1, 1]
    # The forge still shows them: what was dealt with comes back no more.
    assert (await advance(runner))[-1] == "merged"
    assert forge.log("main")[1] == "fix(1): mend 1-1-a, round 1"


async def test_rounds_are_bounded(make_forge: MakeForge) -> None:
    runner, _ = await make_forge(plan={"red": 9}, deliver_rounds=1)
    await runner.run()
    await advance(runner)
    await runner.run()
    assert (await advance(runner))[-1] == "waiting"
    (row,) = await deliveries(runner)
    assert row.problem == (f"the checks failed and 1 round has been spent: look at {URL}1. Retry grants one more round")
    with pytest.raises(NotNow, match="no story can run"):
        await runner.start()
    assert runner.run_state.run.attention[-1].delivery_id == 1
    await decide_delivery(runner.workspace, 1, "retry")
    assert [view for view in runner.run_state.run.attention if view.delivery_id] == []
    await runner.run()
    assert (await deliveries(runner))[0].round == 2


async def test_a_branch_that_has_moved_on_is_left_alone(make_forge: MakeForge) -> None:
    runner, forge = await make_forge(plan={"red": 1})
    git(runner.root, "push", "-q", "origin", f"HEAD:refs/heads/{BRANCH}")
    other = git(runner.root, "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "of somebody else")
    git(runner.root, "push", "-q", "origin", f"{other}:refs/heads/{BRANCH}")
    await runner.run()
    assert await advance(runner) == ["planned"]
    (row,) = await deliveries(runner)
    assert row.problem is not None
    assert f"{BRANCH} has moved on: origin is at {other[:10]}, and {row.wanted[:10]} is to be pushed" in row.problem
    assert forge.head(BRANCH) == other
    # The operator merges both, as the sentence says.
    git(runner.root, "branch", BRANCH, row.wanted)
    merged = git(runner.root, "commit-tree", f"{row.wanted}^{{tree}}", "-p", row.wanted, "-p", other, "-m", "both")
    git(runner.root, "update-ref", f"refs/heads/{BRANCH}", merged)
    await decide_delivery(runner.workspace, 1, "retry")
    assert (await advance(runner))[0] == "requesting"
    assert forge.head(BRANCH) == merged


async def test_two_stories_are_stacked_each_with_its_own_branch(make_forge: MakeForge) -> None:
    runner, forge = await make_forge(dict.fromkeys(PAIR, "in-progress"), deliver="branch")
    await runner.run()
    assert [row.subject for row in await deliveries(runner)] == ["1-1-a", "1-2-b"]
    assert await advance(runner, 2) == ["pushed"]
    assert await advance(runner, 1) == ["pushed"]
    assert forge.log(BRANCH)[0] == "feat(1): implement story 1-1-a"
    assert forge.log("deliver/1-2-b")[:2] == ["feat(1): implement story 1-2-b", "feat(1): implement story 1-1-a"]


async def test_an_epic_has_one_branch_and_one_request(make_forge: MakeForge) -> None:
    runner, forge = await make_forge(
        {"1-1-a": "in-progress", "1-2-b": "in-progress", "1-3-c": "in-progress"}, deliver_per="epic"
    )
    await runner.run(1)
    assert (await advance(runner, most=2))[-1] == "open"
    await runner.run(1)
    (row,) = await deliveries(runner)
    assert (row.subject, row.branch, row.keys) == ("epic-1", "deliver/epic-1", ["1-1-a", "1-2-b", "1-3-c"])
    assert (await advance(runner))[-1] == "merged"
    assert len(forge.requests()) == 1
    assert forge.log("main")[1] == "feat(1): implement story 1-3-c"


async def test_side_by_side_each_branch_has_its_own_story(make_forge: MakeForge) -> None:
    runner, forge = await make_forge({"1-1-a": "in-progress", "2-1-b": "in-progress"}, plan={"red": 1}, parallel=2)
    await runner.run()
    assert {row.branch for row in await deliveries(runner)} == {BRANCH, "deliver/2-1-b"}
    for number in (1, 2):
        assert (await advance(runner, number))[-1] == "waiting"
    assert "feat(2): implement story 2-1-b" not in forge.log(BRANCH)
    await runner.run()
    for number in (1, 2):
        assert (await advance(runner, number))[-1] == "merged"
    assert READY.keys() < runner.statuses().keys()
    assert sum(subject.startswith("merge(") and "round 1" in subject for subject in runner.log()) == 2


async def test_the_end_of_the_server_in_a_round(make_forge: MakeForge) -> None:
    """A round that was cut off continues, and what it paid for is not paid again."""
    runner, forge = await make_forge(plan={"red": 1})
    await runner.run()
    await advance(runner)
    await runner.start()
    await runner.until_command("dev-story-2")
    await runner.restart()
    (row,) = await deliveries(runner)
    assert row.state == "mending"
    await runner.orchestrator.resume()
    await runner.until_end()
    assert (await advance(runner))[-1] == "merged"
    assert forge.log("main")[1:3] == ["fix(1): mend 1-1-a, round 1", "feat(1): implement story 1-1-a"]
