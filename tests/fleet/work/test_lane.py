"""A lane on a worker: its commands, their lines as they come, questions to its process, its tree."""

from __future__ import annotations

import asyncio
import gzip
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from agents import AgentSpec, OutcomeKind, Record, Text
from fleet.stream.broker import Broker
from fleet.work import remote_call
from fleet.work.messages import TreeRef
from fleet.work.trees import SharedTree
from tests.fleet.work.workshop import Workshop, until
from tests.git.repositories import git


async def test_a_command_runs_on_the_worker_and_its_work_comes_back(workshop: Workshop) -> None:
    (workshop.lane / "src/app.py").write_text("not committed\n")
    (workshop.lane / "plan.log").write_text("ignored, and named\n")
    worker = workshop.worker("east")
    await workshop.until_free()
    hold = await workshop.take()
    assert hold.name == "east"
    script = f"cat {workshop.lane}/src/app.py plan.log; pwd; echo made > new.py; git add -A; git commit -qm work"
    called = await workshop.start(hold, f"{script}; echo late >> new.py")
    outcome = await called.outcome()
    assert outcome.kind is OutcomeKind.SUCCESS, outcome.reason
    assert outcome.text.splitlines() == ["not committed", "ignored, and named", str(workshop.lane)]
    assert [record.text for record in called.records if isinstance(record, Text)] == outcome.text.splitlines()
    assert (workshop.lane / "new.py").read_text() == "made\nlate\n"
    assert git(workshop.lane, "log", "-1", "--format=%s %an") == "work T"
    assert git(workshop.lane, "branch", "--show-current") == "sprint-runner/1/story"
    assert git(workshop.lane, "status", "--porcelain").splitlines() == ["M new.py"]
    recording = called.call.stream_path.with_name(f"{called.call.stream_path.name}.gz")
    assert gzip.decompress(recording.read_bytes()).decode() == f"{outcome.text}\n"
    second = await workshop.start(hold, "cat new.py; rm new.py; exit 3")
    assert (await second.outcome()).exit_code == 3
    assert not (workshop.lane / "new.py").exists()
    await hold.release(keep=False)
    await until(lambda: not list((worker.folder / "data/lanes/box").iterdir()))
    await until(lambda: workshop.machines.free(["shell"]) == 1)
    assert worker.branches() == []
    assert not workshop.lane.with_name("1-story.carried").exists()


async def test_a_lane_goes_to_a_worker_with_its_labels(workshop: Workshop) -> None:
    workshop.worker("west", "--label", "arm")
    await workshop.until_free()
    workshop.labels = ("gpu", "arm")
    assert await workshop.machines.take(workshop.job, workshop.keep) is None
    assert workshop.machines.lack(workshop.job) == "no worker has the label gpu"
    workshop.worker("north", "--label", "gpu")
    await workshop.until_free(2)
    lack = "no worker has all of: the agent shell, the label gpu, the label arm"
    assert workshop.machines.lack(workshop.job) == lack
    workshop.worker("east", "--label", "gpu", "--label", "arm")
    hold = await workshop.take()
    assert hold.name == "east"
    assert workshop.machines.lack(workshop.job) is None
    assert (await (await workshop.start(hold, "echo done")).outcome()).text == "done"


async def test_lines_come_while_the_command_runs(workshop: Workshop) -> None:
    workshop.worker("east")
    hold = await workshop.take()
    called = await workshop.start(hold, "echo first; while [ ! -e go ]; do sleep 0.05; done; echo second")
    await until(lambda: "first\n" in called.lines)
    assert [record.text for record in called.records if isinstance(record, Text)] == ["first"]
    east = workshop.workers["east"].folder / "data/lanes/box/01234567-1-story"
    (east / "go").touch()
    assert (await called.outcome()).text == "first\nsecond"
    assert (workshop.lane / "go").exists()


async def test_a_stop_ends_the_agent_within_a_second(workshop: Workshop) -> None:
    workshop.worker("east")
    hold = await workshop.take()
    called = await workshop.start(hold, "echo begun > begun; echo begun; exec sleep 600")
    await until(lambda: "begun" in called.lines)
    began = time.monotonic()
    called.process.stop()
    await until(lambda: not workshop.working())
    assert time.monotonic() - began < 3.0  # a second, and more for a machine that is busy with other tests
    outcome = await called.process.outcome()
    assert outcome.kind is OutcomeKind.STOPPED
    assert (workshop.lane / "begun").exists()
    assert workshop.machines.problem is None


async def test_a_stop_that_nobody_answers_ends_the_call(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_call, "STOP_S", 0.5)
    east = workshop.worker("east")
    hold = await workshop.take()
    called = await workshop.start(hold, "echo begun; sleep 600")
    await until(lambda: "begun" in called.lines)
    east.send(signal.SIGSTOP)
    called.process.stop()
    outcome = await called.outcome()
    assert outcome.kind is OutcomeKind.STOPPED
    assert "east" in outcome.reason


async def test_a_stop_reaches_the_worker_while_the_coordinator_is_busy(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it takes in of one command, however long that takes, keeps no stop of another one back."""
    workshop.worker("east")
    hold = await workshop.take()
    done, long = await workshop.start(hold, "sleep 0.2; echo one"), await workshop.start(hold, "echo on; sleep 600")
    taking, may_take = asyncio.Event(), asyncio.Event()
    take = SharedTree.take

    async def slowly(tree: SharedTree, ref: TreeRef, named: Sequence[str] = ()) -> None:
        taking.set()
        await may_take.wait()
        await take(tree, ref, named)

    monkeypatch.setattr(SharedTree, "take", slowly)
    await until(lambda: "on" in long.lines)
    await taking.wait()
    long.process.stop()
    await until(lambda: not workshop.working())
    assert not done.process.is_ended
    may_take.set()
    assert (await done.outcome()).kind is OutcomeKind.SUCCESS
    assert (await long.outcome()).kind is OutcomeKind.STOPPED


async def test_a_stop_ends_a_call_that_the_worker_was_not_given_yet(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not sent is sent with the next command, also where another one runs meanwhile."""
    workshop.worker("east")
    hold = await workshop.take()
    first = await workshop.start(hold, "echo begun; while [ ! -e late ]; do sleep 0.05; done")
    await until(lambda: "begun" in first.lines)
    put, sending, may_send = SharedTree._put, asyncio.Event(), asyncio.Event()

    async def slowly(tree: SharedTree, broker: Broker, name: str, file: Path) -> None:
        sending.set()
        await may_send.wait()
        await put(tree, broker, name, file)

    monkeypatch.setattr(SharedTree, "_put", slowly)
    (workshop.lane / "late").write_text("late\n")
    second = await workshop.start(hold, "echo never")
    await sending.wait()
    second.process.stop()
    outcome = await second.outcome()
    assert (outcome.kind, outcome.reason) == (OutcomeKind.STOPPED, "It was stopped before it began.")
    may_send.set()
    assert (await (await workshop.start(hold, "cat late")).outcome()).text == "late"
    assert (await first.outcome()).kind is OutcomeKind.SUCCESS


async def test_a_new_copy_is_made_ready_once_and_with_what_the_worker_has_of_the_project(workshop: Workshop) -> None:
    workshop.setup = "sh -c 'cp $SPRINT_RUNNER_PROJECT/env . && echo done >> ready'"
    own = workshop.folder / "east/data/projects/box"
    own.mkdir(parents=True)
    worker = workshop.worker("east")
    hold = await workshop.take()
    outcome = await (await workshop.start(hold, "echo never")).outcome()
    assert outcome.kind is OutcomeKind.COULD_NOT_START
    assert "ended with 1 on the worker east" in outcome.reason
    assert str(own) in outcome.reason  # where the file is to be
    assert "worktree_setup" in worker.said
    (own / "env").write_text("secret of east\n")
    assert (await (await workshop.start(hold, "cat env ready")).outcome()).text == "secret of east\ndone"
    assert (await (await workshop.start(hold, "cat ready")).outcome()).text == "done"


async def test_a_stop_ends_what_makes_a_copy_ready(workshop: Workshop) -> None:
    workshop.setup = "sh -c 'touch $SPRINT_RUNNER_PROJECT/begun; [ -e $SPRINT_RUNNER_PROJECT/go ] || sleep 600'"
    workshop.worker("east")
    own = workshop.folder / "east/data/projects/box"
    hold = await workshop.take()
    called = await workshop.start(hold, "echo never")
    await until((own / "begun").exists)
    called.process.stop()
    outcome = await called.outcome()
    assert (outcome.kind, outcome.reason) == (OutcomeKind.STOPPED, "It was stopped before it began.")
    (own / "go").touch()
    (own / "begun").unlink()
    assert (await (await workshop.start(hold, "echo ready")).outcome()).text == "ready"
    assert (own / "begun").exists()


async def test_two_commands_of_a_lane_run_at_once(workshop: Workshop) -> None:
    workshop.worker("east")
    hold = await workshop.take()
    first = await workshop.start(hold, "echo one > one; while [ ! -e mine ]; do sleep 0.05; done; cat mine > seen")
    (workshop.lane / "mine").write_text("made here meanwhile\n")
    second = await workshop.start(hold, "echo two > two")
    assert (await second.outcome()).kind is OutcomeKind.SUCCESS
    assert (await first.outcome()).kind is OutcomeKind.SUCCESS
    names = {path.name: path.read_text() for path in workshop.lane.iterdir() if path.suffix == "" and path.is_file()}
    expected = {"one": "one\n", "two": "two\n", "mine": "made here meanwhile\n", "seen": "made here meanwhile\n"}
    assert {name: text for name, text in names.items() if name in expected} == expected


async def test_the_check_runs_on_the_worker(workshop: Workshop) -> None:
    workshop.worker("east")
    hold = await workshop.take()
    (workshop.lane / "src/app.py").write_text("checked\n")
    result = await hold.verify("sh -c 'cat src/app.py; echo written > checked; exit 4'")
    assert (result.exit_code, result.output, result.problem) == (4, b"checked\n", None)
    assert (workshop.lane / "checked").read_text() == "written\n"
    assert (await hold.verify("no-such-program-here")).problem is not None


async def test_a_prompt_that_is_too_large_for_a_message_arrives(workshop: Workshop) -> None:
    workshop.worker("east")
    hold = await workshop.take()
    called = await workshop.start(hold, f": {'x' * 1_500_000}\necho read")
    assert (await called.outcome()).text == "read"


async def test_an_agent_that_the_worker_does_not_have_is_one_sentence(workshop: Workshop) -> None:
    workshop.worker("east")
    hold = await workshop.take()
    for kind, words in (("claude", "of kind text"), ("text", "no agent")):
        spec = AgentSpec(name="shell" if kind == "claude" else "other", kind=kind, command=("x",))
        process = await hold.start(spec, workshop.call("true"), lambda record: None, lambda: None)
        outcome = await process.outcome()
        assert outcome.kind is OutcomeKind.COULD_NOT_START
        assert words in outcome.reason


async def test_messages_reach_the_agent_and_its_sums_are_here(workshop: Workshop) -> None:
    workshop.worker("east")
    hold = await workshop.take()
    records: list[Record] = []
    spec = AgentSpec(name="talker", kind="claude", command=("x",))
    process = await hold.start(spec, workshop.call("first"), records.append, lambda: None)
    await until(lambda: any(isinstance(record, Text) for record in records))
    assert process.say(7, "then stop")
    outcome = await process.outcome()
    assert (outcome.kind, outcome.taken, outcome.cost_usd) == (OutcomeKind.SUCCESS, (7,), 0.25)
    assert (process.usage, process.cost_usd) == (outcome.usage, 0.25)
    assert "then stop" in outcome.text
    assert not process.say(8, "too late")
