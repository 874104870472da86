"""The rounds of development that failed checks and comments cause, in real batches."""

from __future__ import annotations

import pytest

from agents import Call
from orchestrator import NotNow
from running.delivery.decisions import decide_delivery
from running.gates import GateDecision
from store.deliveries import get_comments
from tests.running.delivery.conftest import MakeForge
from tests.running.delivery.forge import SECRET, URL
from tests.running.delivery.forges import advance, deliver, deliveries, git, settings_with

BRANCH = "deliver/1-1-a"


async def test_red_mended_green_merged(make_forge: MakeForge, calls: list[Call]) -> None:
    """The whole way; the operator's own branch has the mended work, too, and no secret gets out."""
    runner, forge = await make_forge(plan={"red": 1}, verify="true")
    await runner.run()
    assert runner.of("batch:end")[-1]["reason"] == "deliveries open: 1-1-a (to be pushed)"
    assert await advance(runner) == ["requesting", "open", "waiting"]
    (request,) = forge.requests()
    assert request["title"].strip() == "1-1-a: A"
    assert "feat(1): implement story 1-1-a (" in request["body"]
    for part in ("### Reviews", "code-review-1", "### Check", "`true` passed", "### Cost", "sprint-runner-delivery-"):
        assert part in request["body"]
    assert runner.of("attention")[-1]["message"].endswith("the checks failed. The next batch mends it: start one")
    await runner.run()  # no story can run: the round alone
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
    (prompt,) = [call.prompt for call in calls if "<check-log>" in call.prompt]
    assert "The checks failed." in prompt
    assert "<check-log>\nbuild:\ntest_it failed: expected mended work\nuploading with [masked" in prompt
    stored = b"".join(path.read_bytes() for path in (runner.root / ".sprint-runner").glob("test.db*"))
    assert SECRET not in str(runner.events) + prompt + stored.decode("latin-1")


async def test_comments_become_one_round_and_rounds_are_bounded(make_forge: MakeForge) -> None:
    comments = [
        {"comment": "Name it better.", "id": "c1", "path": "work/1-1-a.md", "line": 1, "author": "ann"},
        {"comment": "And test it.", "id": "c2"},
    ]
    runner, forge = await make_forge(plan={"comments": comments}, deliver_rounds=1, gates=["commit"])
    await deliver(runner)
    assert (await advance(runner))[-1] == "waiting"
    # The operator's own gate before a commit holds for a round, too.
    await runner.start()
    gate = await runner.until(lambda event: event.payload.get("gate_id") == 1)
    assert "look at its changes before they are committed and pushed" in gate.payload["message"]
    await runner.orchestrator.steering.decide(1, GateDecision.BACK, "Shorter, please.")
    await runner.until(lambda event: event.payload.get("gate_id") == 2)
    await runner.orchestrator.steering.decide(2, GateDecision.GO, None)
    await runner.until_end()
    assert runner.commands() == ["1-1-a dev-story-2", "1-1-a dev-story-3", "1-1-a merge"]
    runner.settings = settings_with(runner, gates=[])
    assert [row.round for row in await runner.database.read(get_comments, 1)] == [1, 1]
    # The forge still shows them: what was dealt with comes back no more, and what is new is over the bound.
    forge.plan(comments=[*comments, {"comment": "One more.", "id": "c3"}])
    assert (await advance(runner))[-1] == "waiting"
    (row,) = await deliveries(runner)
    words = "reviewers have commented and 1 round has been spent"
    assert row.problem == f"{words}: look at {URL}1. Retry grants one more round"
    with pytest.raises(NotNow, match="no story can run"):
        await runner.start()
    await decide_delivery(runner.workspace, 1, "retry")
    await runner.run()
    assert (await deliveries(runner))[0].round == 2
    assert (await advance(runner))[-1] == "merged"


async def test_a_round_that_changes_nothing_is_said(make_forge: MakeForge) -> None:
    runner, _ = await make_forge(plan={"red": 1}, script={"dev-story": {"1-1-a": ["no-change"]}})
    await deliver(runner)
    await advance(runner)
    await runner.run()
    (row,) = await deliveries(runner)
    assert (row.state, row.problem) == ("waiting", "round 1 changed nothing")
    # A new batch begins without calls: what waits is named again.
    assert [view.message for view in runner.run_state.run.attention if view.delivery_id] == [
        "The delivery of 1-1-a waits for you: round 1 changed nothing"
    ]


async def test_work_that_conflicts_stays_on_its_branch(make_forge: MakeForge) -> None:
    """The operator's branch has other work in the same place: the request is mended, the branch is left alone."""
    runner, forge = await make_forge(plan={"red": 1})
    await deliver(runner)
    await advance(runner)
    (runner.root / "work/1-1-a.md").write_text("other work\n")
    git(runner.root, "commit", "-qam", "later")
    head = git(runner.root, "rev-parse", "HEAD")
    await runner.run()
    assert git(runner.root, "rev-parse", "HEAD") == head
    message = runner.of("attention")[-1]["message"]
    assert f"so merge {BRANCH} into it by hand: conflicts in work/1-1-a.md" in message
    assert (await advance(runner))[-1] == "merged"
    assert forge.log("main")[1] == "fix(1): mend 1-1-a, round 1"


async def test_the_end_of_the_server_in_a_round(make_forge: MakeForge) -> None:
    """A round that was cut off continues in its own batch."""
    runner, forge = await make_forge(plan={"red": 1})
    await deliver(runner)
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


async def test_side_by_side_each_branch_has_its_own_story(make_forge: MakeForge) -> None:
    runner, forge = await make_forge({"1-1-a": "in-progress", "2-1-b": "in-progress"}, plan={"red": 1}, parallel=2)
    await runner.run()
    assert {row.branch for row in await deliveries(runner)} == {BRANCH, "deliver/2-1-b"}
    for number in (1, 2):
        assert (await advance(runner, number))[-1] == "waiting"
    for branch, other in ((BRANCH, "2-1-b"), ("deliver/2-1-b", "1-1-a")):
        assert f"feat({other[0]}): implement story {other}" not in forge.log(branch)
    await runner.run()
    for number in (1, 2):
        assert (await advance(runner, number))[-1] == "merged"
    assert sum(subject.startswith("merge(") and "round 1" in subject for subject in runner.log()) == 2
