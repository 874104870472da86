"""What is killed, stopped or cut off while a command runs: a worker, the broker, the coordinator."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from agents import OutcomeKind, Text
from base.program import PROGRAM_DIR
from fleet.work.channel import LaneChannel, Writer
from fleet.work.lane_call import could_not_start
from fleet.work.messages import CallEnded, LaneTaken, TreeRef
from fleet.work.remote_call import RemoteCall
from fleet.work.trees import SharedTree
from running.machines import LaneLease, MachineLostError
from tests.fleet.stream.nats_server import NatsServer
from tests.fleet.work.workshop import EPOCH, PATIENCE_S, Workshop, until
from tests.git.repositories import git

WAITS = "echo begun; while [ ! -e go ]; do sleep 0.05; done; echo done > done; git add -A; git commit -qm work"


def copy(workshop: Workshop, name: str) -> Path:
    """Return the lane's folder on a worker."""
    return workshop.workers[name].folder / "data/lanes/box/01234567-1-story"


def until_started(command: list[str]) -> list[str]:
    """Run a coordinator until its command has begun, kill it, and return its leases."""
    with subprocess.Popen(command, cwd=PROGRAM_DIR, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = list(iter(process.stdout.readline, "started\n"))
        process.kill()
    return lines


async def test_another_worker_takes_over_from_one_that_is_killed(workshop: Workshop) -> None:
    east = workshop.worker("east")
    hold = await workshop.take()
    first = await workshop.start(hold, "echo kept > kept")
    assert (await first.outcome()).kind is OutcomeKind.SUCCESS
    called = await workshop.start(hold, f"echo lost > lost; {WAITS}")
    await until(lambda: "begun" in called.lines)
    workshop.worker("west")
    await workshop.until_free()
    east.kill()
    with pytest.raises(MachineLostError, match="west has taken it"):
        await called.outcome()
    assert not (workshop.lane / "lost").exists()
    assert hold.name == "west"
    assert list(dict.fromkeys(lease.machine for lease in workshop.leases)) == ["east", "west"]
    again = await workshop.start(hold, "cat kept; ls")
    assert (await again.outcome()).text.splitlines() == ["kept", "kept", "src"]
    # The one that was killed comes back: what it was working on is a branch.
    workshop.worker("east")
    await until(lambda: len(east.branches()) == 1)
    assert "lost" in git(east.folder / "data/repositories/box.git", "ls-tree", "--name-only", east.branches()[0])
    await until(lambda: "its tree is kept as the branch" in east.said)  # said when the branch is made


async def test_a_worker_that_stood_still_learns_that_it_lost_the_lane(workshop: Workshop) -> None:
    east = workshop.worker("east")
    hold = await workshop.take()
    called = await workshop.start(hold, WAITS)
    await until(lambda: "begun" in called.lines)
    workshop.worker("west")
    await workshop.until_free()
    east.send(signal.SIGSTOP)
    (copy(workshop, "east") / "go").touch()  # its agent finishes meanwhile
    with pytest.raises(MachineLostError):
        await called.outcome()
    second = await workshop.start(hold, "ls; sleep 0.5")
    east.send(signal.SIGCONT)
    await until(lambda: east.branches())
    assert (await second.outcome()).text.splitlines() == ["src"]
    assert hold.name == "west"
    assert not (workshop.lane / "done").exists()
    assert "was lost" in east.said
    files = git(east.folder / "data/repositories/box.git", "ls-tree", "--name-only", east.branches()[0])
    assert "done" in files.splitlines()


async def test_a_killed_broker_loses_nothing(workshop: Workshop, nats: NatsServer) -> None:
    workshop.worker("east")
    hold = await workshop.take()
    called = await workshop.start(hold, f"echo before; {WAITS}; echo after")
    await until(lambda: "begun" in called.lines)
    nats.kill()
    await until(lambda: workshop.machines.problem)
    assert workshop.machines.free(["shell"]) == 0
    (copy(workshop, "east") / "go").touch()
    await until(lambda: not workshop.working())  # the command ends while no broker is there
    await nats.start()
    outcome = await called.outcome()
    assert outcome.kind is OutcomeKind.SUCCESS, outcome.reason
    assert [record.text for record in called.records if isinstance(record, Text)] == ["before", "begun", "after"]
    assert (workshop.lane / "done").exists()
    await until(lambda: workshop.machines.problem is None)
    assert (await (await workshop.start(hold, "cat done")).outcome()).text == "done"


@pytest.mark.parametrize("ends", ["meanwhile", "later"])
async def test_the_next_coordinator_adopts_the_command_of_a_killed_one(workshop: Workshop, ends: str) -> None:
    await workshop.machines.stop()
    workshop.worker("east")
    mark = f"{EPOCH}:900"
    command = [sys.executable, "-m", "tests.fleet.work.coordinator", str(workshop.folder), workshop.address, mark]
    lines = await asyncio.to_thread(until_started, [*command, f"{WAITS}; echo after"])
    workshop.leases = [msgspec.json.decode(line, type=LaneLease) for line in lines]
    if ends == "meanwhile":
        (copy(workshop, "east") / "go").touch()
        await until(lambda: not workshop.working())
    workshop.machines = workshop.coordinator()
    workshop.machines.start()
    hold = await workshop.take()
    assert await workshop.adopt(hold, workshop.call("", mark=f"{EPOCH}:1000")) is None
    called = await workshop.adopt(hold, workshop.call("", mark=mark))
    assert called is not None
    (copy(workshop, "east") / "go").touch()
    outcome = await called.outcome()
    assert (outcome.kind, outcome.text) == (OutcomeKind.SUCCESS, "begun\nafter")
    assert [record.text for record in called.records if isinstance(record, Text)] == ["after"]
    assert git(workshop.lane, "log", "-1", "--format=%s") == "work"
    assert (await (await workshop.start(hold, "cat done")).outcome()).text == "done"


async def test_a_command_that_ends_while_it_is_adopted_has_its_result(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.worker("east")
    hold = await workshop.take()
    called = await workshop.start(hold, WAITS)
    await until(lambda: "begun" in called.lines)
    await workshop.machines.stop()
    workshop.machines = workshop.coordinator()
    workshop.machines.start()
    hold = await workshop.take()
    taking, adopts = asyncio.Event(), asyncio.Event()
    take, begin = SharedTree.take, RemoteCall.begin

    async def slowly(tree: SharedTree, ref: TreeRef, named: Sequence[str] = ()) -> None:
        taking.set()
        await adopts.wait()
        await take(tree, ref, named)

    async def begins(call: RemoteCall) -> None:
        await begin(call)
        adopts.set()

    monkeypatch.setattr(SharedTree, "take", slowly)
    monkeypatch.setattr(RemoteCall, "begin", begins)
    (copy(workshop, "east") / "go").touch()
    await taking.wait()
    again = await workshop.adopt(hold, called.call)
    assert again is not None
    assert (await again.outcome()).kind is OutcomeKind.SUCCESS


async def test_the_next_coordinator_has_the_trees_of_two_calls_in_their_order(workshop: Workshop) -> None:
    """Each holds only what changed since the one before: what the second call wrote came with the end of the first."""
    workshop.worker("east")
    hold = await workshop.take()
    await workshop.start(hold, f"{WAITS}; echo first")
    second = await workshop.start(hold, "echo text > story.md; until [ -e end ]; do sleep 0.05; done; echo second")
    await until((copy(workshop, "east") / "story.md").exists)
    await workshop.machines.stop()
    before = len(workshop.working())
    (copy(workshop, "east") / "go").touch()
    await until(lambda: len(workshop.working()) < before)
    workshop.machines = workshop.coordinator()
    workshop.machines.start()
    hold = await workshop.take()
    called = await workshop.adopt(hold, second.call)  # the first one is never asked for
    assert called is not None
    (copy(workshop, "east") / "end").touch()
    assert (await called.outcome()).text.endswith("second")
    assert (workshop.lane / "story.md").read_text() == "text\n"


async def test_results_of_a_lost_lease_are_refused(workshop: Workshop) -> None:
    """Also where the broker has stored them, as of a worker that knows no place."""
    workshop.worker("east")
    hold = await workshop.take()
    called = await workshop.start(hold, "echo begun; sleep 600")
    await until(lambda: "begun" in called.lines)
    assert hold.holder is not None
    job = hold.holder.job

    async def nothing(message: object) -> None:
        pass

    link = workshop.machines._link
    # A greater lease, as if another worker had taken the lane; then what the first one says comes late.
    other = LaneChannel("box", hold.lane, Writer("west", job, 100), nothing, worker=True)
    other.post(LaneTaken(()))
    serving = asyncio.ensure_future(other.run(await link.broker()))
    with pytest.raises(MachineLostError):
        await called.outcome()
    serving.cancel()
    late = LaneChannel("box", hold.lane, Writer("east", job, 0), nothing, worker=True)
    late.place = other.place
    late.post(CallEnded(called.call.mark, could_not_start("late"), None))
    serving = asyncio.ensure_future(late.run(await link.broker()))
    await until(lambda: hold.refused == 1)
    serving.cancel()
    assert hold.name == "west"
    await until(lambda: workshop.workers["east"].branches())


async def test_a_worker_that_ends_in_order_gives_its_lane_back(workshop: Workshop) -> None:
    east = workshop.worker("east")
    hold = await workshop.take()
    called = await workshop.start(hold, "echo begun; sleep 600")
    await until(lambda: "begun" in called.lines)
    workshop.worker("west")
    await workshop.until_free()
    east.send(signal.SIGTERM)
    assert await asyncio.to_thread(east.wait) == 0
    with pytest.raises(MachineLostError):
        await called.outcome()
    assert hold.name == "west"


async def test_a_lane_whose_worker_is_gone_is_lost_without_another_one(workshop: Workshop) -> None:
    east = workshop.worker("east")
    hold = await workshop.take()
    called = await workshop.start(hold, "echo begun; sleep 600")
    await until(lambda: "begun" in called.lines)
    east.kill()
    with pytest.raises(MachineLostError, match="no other one"):
        await called.outcome()
    async with asyncio.timeout(PATIENCE_S):
        assert await workshop.machines.take(workshop.job, workshop.keep) is None


async def test_a_recording_that_cannot_be_kept_or_removed_loses_no_lane(workshop: Workshop) -> None:
    east = workshop.worker("east")
    hold = await workshop.take()
    assert (await (await workshop.start(hold, "echo fine")).outcome()).kind is OutcomeKind.SUCCESS
    streams = east.folder / "data/streams"
    streams.rename(east.folder / "elsewhere")
    streams.write_text("in the way")
    outcome = await (await workshop.start(hold, "echo more > more; echo said")).outcome()
    assert (outcome.kind, outcome.text) == (OutcomeKind.SUCCESS, "said")
    assert (workshop.lane / "more").exists()
    assert "failed" not in east.said
    assert {lease.token for lease in workshop.leases} == {1}
