"""The fold over the news of runners: once, without a gap, and as it was last known while a runner is away."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from fleet.model import Fleet, Gap
from fleet.service import changed_parts
from fleet.source import (
    Committed,
    Envelope,
    Facts,
    Heard,
    Listed,
    Lost,
    News,
    Removed,
    RunnerId,
    RunnerInfo,
    Snapshot,
)
from runstate.server_state import Budgets, ServerState
from runstate.views import FoldedRun, run_view

ID = RunnerId("local", "a")
INFO = RunnerInfo(project="Shop", machine="m")


def snapshot(seq: int = 0, epoch: str = "e1", today: float = 0.0) -> Snapshot:
    run = run_view(FoldedRun(seq=seq), ServerState(limits=Budgets(today_usd=today)), "idle")
    return Snapshot(ID, epoch, seq, msgspec.json.encode(run), 1000 + seq)


def started(seq: int, batch: int = 1, epoch: str = "e1") -> Committed:
    payload: dict[str, Any] = {"batch_id": batch, "max_cycles": 2}
    return Committed(ID, epoch, (Envelope("batch:start", payload, 5000, seq, batch),), 2000 + seq)


def ended(seq: int, epoch: str = "e1") -> Envelope:
    payload: dict[str, Any] = {"batch_id": 1, "cycles_completed": 1, "status": "completed"}
    return Envelope("batch:end", payload, 6000, seq, 1)


@pytest.fixture
def fleet() -> Fleet:
    made = Fleet()
    for news in (Listed(ID, INFO), snapshot()):
        assert made.apply(news) == ID
    return made


def state_of(fleet: Fleet) -> str:
    state = fleet.state(ID)
    assert state is not None
    assert state.run is not None
    return state.run.state


def test_an_event_counts_once_whatever_is_delivered_twice(fleet: Fleet) -> None:
    assert fleet.apply(started(1)) == ID
    assert fleet.apply(started(1)) is None
    both = Committed(ID, "e1", (*started(1).events, ended(2)), 9000)
    assert fleet.apply(both) == ID
    assert (state_of(fleet), fleet.position(ID)) == ("idle", ("e1", 2))


@pytest.mark.parametrize("news", [started(2), started(1, epoch="e2"), Committed(ID, "e1", (ended(1), ended(3)), 9)])
def test_a_gap_changes_nothing(fleet: Fleet, news: News) -> None:
    with pytest.raises(Gap):
        fleet.apply(news)
    assert (state_of(fleet), fleet.position(ID)) == ("idle", ("e1", 0))


def test_another_database_is_another_run(fleet: Fleet) -> None:
    fleet.apply(started(1))
    fleet.apply(snapshot(7, "e2", today=3.0))
    assert (state_of(fleet), fleet.position(ID)) == ("idle", ("e2", 7))
    with pytest.raises(Gap):
        fleet.apply(started(8, epoch="e1"))
    assert fleet.apply(started(8, epoch="e2")) == ID


def test_who_is_lost_stays_as_it_was_known(fleet: Fleet) -> None:
    fleet.apply(started(1))
    assert fleet.apply(Lost(ID, "It does not answer.")) == ID
    assert fleet.apply(Lost(ID, "It does not answer.")) is None
    state = fleet.state(ID)
    assert state is not None
    assert (state.lost, state.heard_at, state_of(fleet)) == ("It does not answer.", 2001, "running")
    assert fleet.apply(Heard(ID, 3000)) == ID
    assert fleet.apply(Heard(ID, 2500)) is None
    state = fleet.state(ID)
    assert state is not None
    assert (state.lost, state.heard_at) == (None, 3000)


def test_facts_are_those_of_the_server(fleet: Fleet) -> None:
    facts = ServerState(limits=Budgets(today_usd=2.5))
    assert fleet.apply(Facts(ID, facts)) == ID
    assert fleet.apply(Facts(ID, facts)) is None
    state = fleet.state(ID)
    assert state is not None
    assert state.run is not None
    assert state.run.limits.today_usd == 2.5


def test_a_removed_runner_is_nobody(fleet: Fleet) -> None:
    assert fleet.apply(Removed(ID)) == ID
    assert fleet.apply(Removed(ID)) is None
    assert fleet.apply(started(1)) is None
    assert (fleet.state(ID), fleet.states()) == (None, [])


def test_only_what_differs_of_a_run_is_sent(fleet: Fleet) -> None:
    before = fleet.state(ID)
    fleet.apply(started(1))
    now = fleet.state(ID)
    assert before is not None
    assert now is not None
    assert before.run is not None
    assert now.run is not None
    assert set(changed_parts(before.run, now.run)) == {"state", "batch", "seq"}
    assert changed_parts(now.run, now.run) == {}
