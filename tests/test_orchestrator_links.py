"""A gate that is decided by a link: once, with a use that is committed with the decision, by two at the same time."""

from __future__ import annotations

import asyncio

import pytest

from running.gates import GateDecision
from running.links import ANSWERED, USED, LinkRefused, Links
from security.links import link_key
from tests.conftest import MakeRunner
from tests.running.projects import READY
from tests.running.test_gates import at_gate

BASE = "https://box.example"


async def test_a_gate_is_decided_by_one_of_its_links(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, gates=["commit"])
    database, steering = runner.workspace.database, runner.orchestrator.steering
    links = Links(database, link_key(b"k" * 32), BASE, runner.workspace.clock)
    await runner.start()
    gate = await at_gate(runner)
    made = {link.label: link.url.removeprefix(f"{BASE}/link/") for link in await links.for_event("attention", gate)}
    assert list(made) == ["Approve", "Skip it", "Stop the run", "Open the page"]
    approve = await links.open(made["Approve"])
    presses = [steering.decide(gate["gate_id"], GateDecision.GO, None, link=approve.digest) for _ in range(2)]
    done = await asyncio.gather(*presses, return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["NoneType", "NotNow"]
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}
    for text, sentence in ((made["Approve"], USED), (made["Skip it"], ANSWERED)):
        with pytest.raises(LinkRefused) as caught:
            await links.open(text)
        assert str(caught.value) == sentence
