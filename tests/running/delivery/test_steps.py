"""The steps of a delivery with a real git, a real remote and a scripted forge, and the sentences when they fail."""

from __future__ import annotations

import pytest

from orchestrator import NotNow
from running.delivery.decisions import NoSuchDelivery, decide_delivery
from running.delivery.watcher import DeliveryWatcher
from store.deliveries import get_comments
from tests.running.delivery.conftest import MakeForge
from tests.running.delivery.forge import URL
from tests.running.delivery.forges import (
    CALL,
    advance,
    deliver,
    deliveries,
    forget_request,
    git,
    look_now,
    make_problem,
    settings_with,
)

BRANCH = "deliver/1-1-a"


async def test_nothing_is_delivered_unless_it_is_set(make_forge: MakeForge) -> None:
    runner, _ = await make_forge(deliver="commit")
    await deliver(runner)
    assert await deliveries(runner) == []
    assert runner.of("story:delivery") == []


async def test_a_branch_is_pushed_and_that_is_all(make_forge: MakeForge) -> None:
    runner, forge = await make_forge(deliver="branch")
    head = await deliver(runner)
    await deliver(runner, "1-1-a", commit=head)  # the cycle's end may come twice
    assert await advance(runner) == ["pushed"]
    assert forge.head(BRANCH) == head == git(runner.root, "rev-parse", BRANCH)
    assert forge.calls() == []
    assert git(runner.root, "symbolic-ref", "--short", "HEAD") == "work"
    assert await advance(runner) == []


async def test_stories_are_stacked_each_with_its_own_branch(make_forge: MakeForge) -> None:
    runner, forge = await make_forge(deliver="branch")
    await deliver(runner, "1-1-a")
    await deliver(runner, "1-2-b")
    assert await advance(runner, 2) == ["pushed"]
    assert await advance(runner, 1) == ["pushed"]
    assert forge.log(BRANCH)[0] == "feat(1): implement story 1-1-a"
    assert forge.log("deliver/1-2-b")[:2] == ["feat(1): implement story 1-2-b", "feat(1): implement story 1-1-a"]


async def test_an_epic_has_one_branch_and_one_request(make_forge: MakeForge) -> None:
    runner, forge = await make_forge(deliver_per="epic")
    await deliver(runner, "1-1-a")
    assert (await advance(runner, most=2))[-1] == "open"
    await deliver(runner, "1-2-b")
    # And one whose commit does not come after the others, as from a lane.
    git(runner.root, "checkout", "-q", "-b", "lane", "origin/main")
    await deliver(runner, "1-3-c")
    (row,) = await deliveries(runner)
    assert (row.subject, row.branch, row.keys) == ("epic-1", "deliver/epic-1", ["1-1-a", "1-2-b", "1-3-c"])
    assert (await advance(runner))[-1] == "merged"
    assert len(forge.requests()) == 1
    assert {f"feat(1): implement story {key}" for key in row.keys} < set(forge.log("main"))


async def test_a_branch_that_has_moved_on_is_left_alone(make_forge: MakeForge) -> None:
    runner, forge = await make_forge()
    other = git(runner.root, "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "of somebody else")
    git(runner.root, "push", "-q", "origin", f"{other}:refs/heads/{BRANCH}")
    head = await deliver(runner)
    assert await advance(runner) == ["planned"]
    (row,) = await deliveries(runner)
    assert row.problem is not None
    assert f"{BRANCH} has moved on: origin is at {other[:10]}, and {head[:10]} is to be pushed" in row.problem
    assert forge.head(BRANCH) == other
    (call,) = [view for view in runner.run_state.run.attention if view.delivery_id == 1]
    assert call.decisions == ("retry", "stop")
    # The operator merges both, as the sentence says.
    merged = git(runner.root, "commit-tree", f"{head}^{{tree}}", "-p", head, "-p", other, "-m", "both")
    git(runner.root, "branch", BRANCH, merged)
    await decide_delivery(runner.workspace, 1, "retry")
    assert [view for view in runner.run_state.run.attention if view.delivery_id] == []
    assert (await advance(runner))[0] == "requesting"
    assert forge.head(BRANCH) == merged


async def test_a_branch_that_is_gone_is_asked_about(make_forge: MakeForge) -> None:
    runner, forge = await make_forge(deliver="branch", deliver_per="epic")
    await deliver(runner, "1-1-a")
    await advance(runner)
    git(forge.folder / "origin.git", "update-ref", "-d", "refs/heads/deliver/epic-1")
    head = await deliver(runner, "1-2-b")
    await advance(runner)
    (row,) = await deliveries(runner)
    assert "and is gone from origin: retry pushes it again" in (row.problem or "")
    await decide_delivery(runner.workspace, 1, "retry")
    assert await advance(runner) == ["pushed"]
    assert forge.head("deliver/epic-1") == head


async def test_a_request_of_which_the_server_did_not_hear_is_looked_up(make_forge: MakeForge) -> None:
    """The program has made it, and the server ended before it read a word."""
    runner, forge = await make_forge(pull_request_lookup_command=None)
    await deliver(runner)
    assert await advance(runner, most=2) == ["requesting", "open"]
    with_url = (await deliveries(runner))[0]
    await runner.database.write(forget_request, with_url.id)
    (runner.root / ".sprint-runner/deliveries/1/request.out").unlink()
    assert await advance(runner) == ["requesting"]
    assert "was made is not known" in ((await deliveries(runner))[0].problem or "")
    runner.settings = settings_with(runner, pull_request_lookup_command=f"{CALL} lookup {{branch}}")
    await runner.database.write(forget_request, with_url.id)
    assert (await advance(runner))[-1] == "merged"
    assert len(forge.requests()) == len(forge.calls("create")) == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"remote": "elsewhere"}, "there is no remote 'elsewhere': add it with `git remote add elsewhere URL`"),
        ({"pull_request_command": "no-such-program"}, "no-such-program cannot be started: No such file or directory"),
        ({"pull_request_command": "echo made"}, "its program ended well but printed no URL"),
        ({"pull_request_command": f"{CALL} create"}, "was not made: it ended with 2"),
        ({"deliver_base": BRANCH}, f"{BRANCH} is the branch that requests are made for: change deliver_branch"),
    ],
)
async def test_failures_are_one_sentence(make_forge: MakeForge, settings: dict[str, str], words: str) -> None:
    runner, forge = await make_forge(**settings)
    await deliver(runner)
    await advance(runner)
    (row,) = await deliveries(runner)
    assert words in (row.problem or "")
    assert forge.requests() == []
    assert runner.of("attention")[-1]["message"] == f"The delivery of 1-1-a waits for you: {row.problem}"


async def test_a_remote_that_refuses(make_forge: MakeForge) -> None:
    """A protected branch, a refused login, and a remote that does not answer: the last is tried again by itself."""
    runner, forge = await make_forge()
    hook = forge.folder / "origin.git/hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho 'GH006: Protected branch update failed' >&2\nexit 1\n")
    hook.chmod(0o755)
    await deliver(runner)
    assert await advance(runner) == ["planned"]
    assert "does not accept it. Look at the rules for this branch there" in (
        (await deliveries(runner))[0].problem or ""
    )
    hook.unlink()
    ssh = forge.folder / "ssh"
    ssh.write_text('#!/bin/sh\ncase "$*" in *BatchMode=yes*) cat "$(dirname "$0")/words" >&2 ;; esac\nexit 255\n')
    ssh.chmod(0o755)
    git(runner.root, "config", "core.sshCommand", str(ssh))
    git(runner.root, "remote", "set-url", "origin", "ssh://nobody@localhost/origin.git")
    for words, expected in (
        ("nobody@localhost: Permission denied (publickey).", "origin refuses the login. Log in with git in a terminal"),
        ("connect to host localhost port 22: Connection refused", "origin does not answer"),
    ):
        (forge.folder / "words").write_text(f"{words}\n")
        await decide_delivery(runner.workspace, 1, "retry")
        assert await advance(runner) == ["planned"]
        assert expected in runner.of("story:delivery")[-1]["message"]
        (row,) = await deliveries(runner)
        await runner.database.write(make_problem, row.id)
    assert runner.of("story:delivery")[-1]["message"].endswith("tried again in 15 s")
    assert (row.failures, row.next_at > row.changed_at) == (1, True)


async def test_what_reviewers_and_the_forge_say(make_forge: MakeForge) -> None:
    """Comments wait until the checks are settled; a merge waits for the approval; a closed request is the end."""
    comment = {"comment": "Name it better.", "id": "c1", "path": "work/1-1-a.md", "line": 1, "author": "ann"}
    runner, forge = await make_forge(plan={"state": "pending"}, merge_when="approved", checks_interval_s=60.0)
    await deliver(runner)
    assert await advance(runner) == ["requesting", "open", "open"]
    assert runner.of("story:delivery")[-1]["message"] == "the checks of 1-1-a are pending"
    assert (await advance(runner)) == []  # not before the interval is over
    runner.settings = settings_with(runner, checks_interval_s=0.0)
    await runner.database.write(look_now, 1)
    forge.plan(state="green")
    states = await advance(runner, most=4)
    assert states == ["open"] * 4
    forge.plan(state="green", approved=True)
    assert (await advance(runner, most=1)) == ["merging"]
    forge.plan(state="green", fail={"merge": "Review required"})
    assert await advance(runner, most=1) == ["open"]
    assert (await deliveries(runner))[0].problem == f"{URL}1 was not merged: Review required"
    await decide_delivery(runner.workspace, 1, "retry")
    forge.plan(state="green", comments=[comment])
    assert await advance(runner) == ["waiting"]
    assert [row.text for row in await runner.database.read(get_comments, 1)] == [
        "work/1-1-a.md:1: Name it better. (ann)"
    ]
    await decide_delivery(runner.workspace, 1, "stop")
    assert (await deliveries(runner))[0].state == "stopped"
    with pytest.raises(NotNow, match="is at its end: given up"):
        await decide_delivery(runner.workspace, 1, "retry")
    with pytest.raises(NoSuchDelivery):
        await decide_delivery(runner.workspace, 9, "retry")


async def test_the_watcher_works_between_batches_and_not_in_a_pause(make_forge: MakeForge) -> None:
    runner, forge = await make_forge(deliver="branch")
    watcher = DeliveryWatcher(runner.workspace, runner.run_state)
    await deliver(runner)
    runner.run_state.run.state = "paused"
    assert await watcher.work() is None
    assert forge.head(BRANCH) is None
    runner.refusal, runner.run_state.run.state = "not trusted", "running"
    assert await watcher.work() is None
    assert forge.head(BRANCH) is None
    runner.refusal = None
    assert await watcher.work() is None
    assert forge.head(BRANCH) is not None
