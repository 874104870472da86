"""A lane on a worker: its commands, their lines as they come, questions to its process, its tree."""

from __future__ import annotations

import gzip
import signal
import time

import pytest

from agents import AgentSpec, OutcomeKind, Record, Text
from fleet.work import remote_call
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
