"""What cannot be used is one sentence, and nothing of it is applied: versions, damaged bundles, full streams."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from agents import OutcomeKind
from fleet.stream.broker import Broker
from fleet.stream.names import VERSION_HEADER
from fleet.work.names import job_subject, lanes_stream, said_subject
from fleet.work.trees import SharedTree
from running.machines import MachineLostError
from tests.fleet.work.workshop import Workshop, until


async def test_messages_of_another_version_are_refused(workshop: Workshop) -> None:
    east = workshop.worker("east")
    hold = await workshop.take()
    called = await workshop.start(hold, "echo begun; sleep 600")
    await until(lambda: "begun" in called.lines)
    broker = await Broker.connect(workshop.address, "box", None, "other")
    assert hold.holder is not None
    headers = {VERSION_HEADER: "9", "Sprint-Runner-Writer": hold.holder.header}
    await broker.stored(await broker.store(said_subject("box", hold.lane), b"{}", headers))
    with pytest.raises(MachineLostError, match="not 9: update both"):
        await called.outcome()
    await hold.release(keep=False)
    await until(lambda: not workshop.working())
    await broker.stored(await broker.store(job_subject("box", "later"), b"{}", {VERSION_HEADER: "9"}))
    await until(lambda: "version 1 of the messages about work, not 9: update both" in east.said)
    await broker.close()


async def test_a_bundle_that_does_not_verify_starts_nothing(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = SharedTree._put

    async def damaged(tree: SharedTree, broker: Broker, name: str, file: Path) -> None:
        os.truncate(file, 30)
        await put(tree, broker, name, file)

    monkeypatch.setattr(SharedTree, "_put", damaged)
    east = workshop.worker("east")
    hold = await workshop.take()
    called = await workshop.start(hold, "echo begun")
    outcome = await called.outcome()
    assert outcome.kind is OutcomeKind.COULD_NOT_START
    assert "the bundle is not the one that was sent: its SHA-256 differs" in outcome.reason
    assert not (east.folder / "data/lanes/box").exists()


async def test_a_full_stream_loses_nothing(workshop: Workshop) -> None:
    east = workshop.worker("east")
    hold = await workshop.take()
    broker = await Broker.connect(workshop.address, "box", None, "limits")
    name = lanes_stream("box").name
    config = (await broker.api(f"STREAM.INFO.{name}", {}))["config"]
    await broker.api(f"STREAM.UPDATE.{name}", {**config, "max_bytes": 20_000})
    called = await workshop.start(
        hold, "i=0; while [ $i -lt 9000 ]; do echo line $i; i=$((i+1)); done; echo made > made"
    )
    await until(lambda: "stores nothing more" in east.said)
    assert not called.process.is_ended
    await broker.api(f"STREAM.UPDATE.{name}", msgspec.to_builtins(config))
    outcome = await called.outcome()
    assert outcome.kind is OutcomeKind.SUCCESS
    assert (workshop.lane / "made").exists()
    await broker.close()
