"""The operator's decisions in the worlds that matter: hint, skip, queue, gate, take-over, revert, branch,
and what is reported of the run afterwards.

One run for each world, since all of it is found in one run of a user's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents import Call
from orchestrator import NotNow
from running.brief.read import read_brief
from running.forecaster import Forecaster
from running.gates import GateDecision
from running.hints import keep_hint
from running.preview import PreviewRequest, preview
from running.receipts.writer import ReceiptWriter
from running.snapshot_branch import branch_before
from runstate.fold import RunState
from store.commands import get_commands_by_key
from store.ledger import Window, get_insights
from store.receipts import get_receipt
from store.run_queue import RunQueue
from tests.running.projects import Runner
from tests.running.test_gates import at_gate
from tests.test_orchestrator_takeover import take, until_session
from tests.worlds import World, git, make_world

STORIES = {
    "v6": {"1-1-a": "in-progress", "2-1-b": "in-progress", "2-2-c": "in-progress"},
    "tickets": {"1.1": "", "2.1": "", "2.2": ""},
}
WORLDS = [
    pytest.param(("folder", "v6", 1), marks=pytest.mark.worlds),
    pytest.param(("linked", "v6", 1), marks=pytest.mark.worlds),
    pytest.param(("detached", "v6", 1), marks=pytest.mark.worlds),
    ("top", "v6", 2),
    ("folder", "tickets", 1),
]


@pytest.fixture(params=WORLDS, ids=lambda world: "-".join(map(str, world)))
async def runner(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Runner]:
    layout, kind, lanes = request.param
    world = make_world(tmp_path, monkeypatch, layout, kind, lanes, STORIES[kind])
    first = next(iter(STORIES[kind]))
    command = "build-auto" if world.built else "dev-story"
    script = {command: {first: ["silent"]}}
    opened = await Runner.create(world.root, script, outside=tmp_path, parallel=lanes, verify="true", gates=["done"])
    opened.world = world  # type: ignore[attr-defined]
    yield opened
    await opened.close()


async def test_what_the_operator_does_holds_in_every_world(runner: Runner, calls: list[Call]) -> None:
    world: World = runner.world  # type: ignore[attr-defined]
    hinted, sent_back, skipped = STORIES[world.kind]
    command = "build-auto" if world.built else "dev-story"
    steering = runner.orchestrator.steering
    await keep_hint(runner.workspace, hinted, "Mind the gap.")
    await steering.skip(skipped, "later")
    await steering.set_queue(lambda _queue: RunQueue(stories=(sent_back,)))
    await runner.start()
    # The gate, with a further commit after its comments.
    gate = await at_gate(runner)
    assert gate["story_key"] == sent_back
    await steering.decide(gate["gate_id"], GateDecision.BACK, "Shorter, please.")
    gate = await at_gate(runner, 2)
    await steering.decide(gate["gate_id"], GateDecision.GO, None)
    # The story that hangs is done by hand, where it is worked on.
    await until_session(runner, command, hinted)
    taken = await take(runner, hinted)
    folder = Path(taken["folder"])
    assert folder == world.root if world.lanes == 1 else folder.is_relative_to(runner.workspace.data_dir)
    assert "Mind the gap." in next(call.prompt for call in calls if f"stories: {hinted}\n" in call.prompt)
    (folder / "hand.txt").write_text("by hand\n")
    returned = await runner.orchestrator.takeovers.hand_back(hinted)
    assert returned.files_changed == 1
    gate = await at_gate(runner, 3)
    await steering.decide(gate["gate_id"], GateDecision.GO, None)
    await runner.until_end()
    ended = runner.statuses()
    assert ended[hinted] == ended[sent_back] == "done"
    assert ended[skipped] != "done"
    assert (world.root / "hand.txt").read_text() == "by hand\n"
    assert git(world.root, "status", "--porcelain", "--", "hand.txt", "work") == ""
    await reports_are_true(runner, world, {hinted, sent_back}, skipped)
    # Back from before a command, and back altogether.
    rows = await runner.database.read(get_commands_by_key, hinted)
    developed = next(row for row in rows if row.agent == "operator")
    head = git(world.root, "rev-parse", "HEAD")
    branch, _ = await branch_before(runner.workspace, developed, None)
    assert "hand.txt" not in git(world.root, "ls-tree", "-r", "--name-only", "--full-tree", branch)
    assert git(world.root, "rev-parse", "HEAD") == head
    if world.layout.name == "detached":
        with pytest.raises(NotNow, match="is on a detached HEAD"):
            await runner.orchestrator.revert(hinted)
        git(world.root, "checkout", "-q", "-b", "rescued")
    await runner.orchestrator.revert(hinted)
    assert not (world.root / "hand.txt").exists()


async def reports_are_true(runner: Runner, world: World, done: set[str], skipped: str) -> None:
    """Receipts of the commits, the brief, its cost, and the forecast of what is left."""
    await ReceiptWriter(runner.workspace).write_all()
    made = [await runner.database.read(get_receipt, key) for key in sorted(done)]
    assert all(receipt is not None and receipt.noted_at is not None for receipt in made), made
    brief = await read_brief(runner.workspace, 1)
    assert brief is not None
    assert {story.story_key for story in brief.done} == done
    assert all(story.has_receipt for story in brief.done)
    ledger = await runner.database.read(get_insights, Window(batch=1))
    assert brief.cost.usd == pytest.approx(ledger.total[0].cost_usd)
    forecaster = Forecaster(runner.workspace, RunState(), runner.orchestrator.steering.selection)
    await runner.orchestrator.steering.bring_back(skipped)
    left = await preview(runner.workspace, PreviewRequest(), forecaster)
    assert [key for cycle in left.cycles for key in cycle.story_keys] == [skipped]
    assert left.forecast is not None
    assert left.forecast.stories == 1
