"""Gates: a real run over a tree of tickets waits for a person, also over the end of the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator import NotNow
from running.gate import StopMode
from running.gates import GateDecision
from store.gates import GateRow
from tests.running.plans import EPIC_A, INITIATIVE, entries, git, make_stories, make_tickets, subjects, ticket
from tests.running.projects import Runner
from tests.running.test_builds import Open, calls, open_runner

__all__ = ["calls", "open_runner"]

ONE = entries(ticket(1, "One thing", "plan_checkpoint = true"))
GATED = "---\ntype: epic\nafter: [epic-a]\n---\n# B\n"


async def at_gate(runner: Runner, times: int = 1) -> dict[str, Any]:
    """The newest call for a decision, once the run is at so many gates."""
    count = 0

    def wanted(event: Any) -> bool:
        nonlocal count
        count += event.type == "attention" and event.payload["kind"] == "gate"
        return bool(count >= times)

    payload: dict[str, Any] = (await runner.until(wanted)).payload
    return payload


async def decide(runner: Runner, payload: dict[str, Any], decision: GateDecision, comments: str | None = None) -> None:
    await runner.orchestrator.steering.decide(payload["gate_id"], decision, comments)


async def test_a_plan_is_built_only_when_a_person_has_approved_it(tmp_path: Path, open_runner: Open) -> None:
    runner = await open_runner(make_tickets(tmp_path / "x", {f"{EPIC_A}/tickets.toml": ONE}))
    await runner.start(1)
    gate = await at_gate(runner)
    assert f"read {EPIC_A}/story-one-thing-plan.md" in gate["message"]
    assert gate["decisions"] == ["go", "back", "skip", "stop"]
    assert runner.statuses()["1.1"] == "ready-for-dev"
    assert not (runner.root / "work").exists()
    await decide(runner, gate, GateDecision.GO)
    await runner.until_end()
    assert runner.commands()[:2] == ["1.1 build-plan-1", "1.1 build-auto"]
    assert runner.statuses()["1.1"] == "done"
    assert [warning["message"] for warning in runner.of("batch:warning")] == [
        "1.1: the gate (plan) was answered with go"
    ]


async def test_a_plan_that_is_sent_back_is_planned_again_with_what_was_said(
    tmp_path: Path, open_runner: Open, calls: list[str]
) -> None:
    runner = await open_runner(make_tickets(tmp_path / "x", {f"{EPIC_A}/tickets.toml": ONE}))
    await runner.start(1)
    await decide(runner, await at_gate(runner), GateDecision.BACK, "use the library")
    await decide(runner, await at_gate(runner, 2), GateDecision.GO)
    await runner.until_end()
    assert runner.commands()[:3] == ["1.1 build-plan-1", "1.1 build-plan-2", "1.1 build-auto"]
    said = ["sends it back: use the library" in prompt for prompt in calls[:3]]
    assert said == [False, True, False]
    assert runner.statuses()["1.1"] == "done"


async def test_a_gate_and_an_approval_survive_the_end_of_the_server(tmp_path: Path, open_runner: Open) -> None:
    runner = await open_runner(make_tickets(tmp_path / "x", {f"{EPIC_A}/tickets.toml": ONE}))
    await runner.start(1)
    gate = await at_gate(runner)
    await runner.until(lambda event: event.type == "batch:pause")
    await runner.restart()
    assert [row.id for row in await runner.orchestrator.steering.gates()] == [gate["gate_id"]]
    await decide(runner, gate, GateDecision.GO)
    await runner.until_end()
    assert runner.commands().count("1.1 build-plan-1") == 1
    assert runner.statuses()["1.1"] == "done"
    with pytest.raises(NotNow, match="decided already"):
        await decide(runner, gate, GateDecision.BACK)


async def test_a_ticket_that_is_skipped_stays_as_it_is_and_others_go_on(tmp_path: Path, open_runner: Open) -> None:
    runner = await open_runner(make_tickets(tmp_path / "x", {f"{EPIC_A}/tickets.toml": ONE}))
    await runner.start()
    await decide(runner, await at_gate(runner), GateDecision.SKIP)
    await runner.until_end()
    assert runner.statuses() == {"1.1": "ready-for-dev", "2.1": "done"}


async def test_the_run_pauses_after_a_story_that_asks_for_it(tmp_path: Path, open_runner: Open) -> None:
    text = '- id: "1"\n  title: A\n  done_checkpoint: true\n- id: "2"\n  title: B\n'
    runner = await open_runner(make_stories(tmp_path / "x", text))
    await runner.start()
    gate = await at_gate(runner)
    assert runner.statuses() == {"1": "done", "2": ""}
    await decide(runner, gate, GateDecision.STOP)
    await runner.until_end()
    assert runner.of("batch:end")[0]["status"] == "stopped"
    assert runner.statuses() == {"1": "done", "2": ""}


async def test_an_epic_that_everything_waits_for_is_closed_by_a_person(tmp_path: Path, open_runner: Open) -> None:
    runner = await open_runner(make_tickets(tmp_path / "x", {f"{INITIATIVE}/epic-b/epic-b.md": GATED}))
    await runner.start()
    gate = await at_gate(runner)
    assert "waits for the epic epic-a, which only you close: 2 finished; it has no retrospective" in gate["message"]
    assert runner.statuses() == {"1.1": "done", "1.2": "done", "2.1": ""}
    await decide(runner, gate, GateDecision.GO)
    await runner.until_end()
    assert runner.statuses()["2.1"] == "done"
    assert "chore: close epic-a" in subjects(runner.root)
    assert git(runner.root, "status", "--porcelain") == ""


async def test_an_epic_closes_by_itself_only_when_we_proved_every_story(tmp_path: Path, open_runner: Open) -> None:
    files = {f"{INITIATIVE}/epic-b/epic-b.md": GATED}
    runner = await open_runner(make_tickets(tmp_path / "x", files), close_epics="auto")
    await runner.run()
    assert runner.statuses()["2.1"] == "done"
    assert runner.of("attention") == []


async def test_an_epic_with_a_story_that_we_did_not_prove_is_asked_for(tmp_path: Path, open_runner: Open) -> None:
    plan = "---\ntitle: One thing\nticket: 1\nstatus: done\n---\n"
    files = {f"{INITIATIVE}/epic-b/epic-b.md": GATED, f"{EPIC_A}/story-one-thing-plan.md": plan}
    runner = await open_runner(make_tickets(tmp_path / "x", files), close_epics="auto")
    await runner.start()
    await decide(runner, await at_gate(runner), GateDecision.SKIP)
    await runner.until_end()
    assert runner.statuses()["2.1"] == ""
    assert runner.of("batch:end")[0]["status"] == "completed"


async def test_a_build_that_left_nothing_to_read_is_one_question_and_never_built_again(
    tmp_path: Path, open_runner: Open
) -> None:
    script = {"build-auto": {"1.1": ["no-record"]}}
    runner = await open_runner(make_tickets(tmp_path / "x", {}), script, retries=3)
    await runner.start(1)
    gate = await at_gate(runner)
    assert "1.1 was built, but the build of 1.1 ended, and no file of it was found" in gate["message"]
    assert runner.commands() == ["1.1 build-auto"]
    await decide(runner, gate, GateDecision.GO)
    await runner.until_end()
    assert runner.commands("success")[0] == "1.1 build-auto"
    assert runner.statuses()["1.1"] == "done"


async def test_an_open_batch_goes_on_with_its_own_initiative_only(tmp_path: Path, open_runner: Open) -> None:
    other = "_bmad-output/initiative-y"
    files = {f"{EPIC_A}/tickets.toml": ONE, f"{other}/tickets.toml": ticket(1, "Elsewhere")}
    runner = await open_runner(make_tickets(tmp_path / "x", files))
    await runner.start(1)
    await at_gate(runner)
    await runner.until(lambda event: event.type == "batch:pause")
    user = runner.root / "_bmad/custom/config.user.toml"
    user.write_text('[core]\nactive_initiative = "initiative-y"\n')
    await runner.restart()
    assert f"was started on {INITIATIVE}/tickets.toml" in runner.of("attention")[-1]["message"]
    with pytest.raises(NotNow, match=f"the project shows {other}/tickets.toml now"):
        await runner.orchestrator.resume()
    user.write_text('[core]\nactive_initiative = "initiative-x"\n')
    await runner.restart()
    assert len(await runner.orchestrator.steering.gates()) == 1


async def test_a_build_that_is_sent_back_is_built_again_with_what_was_said(
    tmp_path: Path, open_runner: Open, calls: list[str]
) -> None:
    script = {"build-auto": {"1.1": ["no-record", "ok"]}}
    runner = await open_runner(make_tickets(tmp_path / "x", {}), script)
    await runner.start(1)
    await decide(runner, await at_gate(runner), GateDecision.BACK, "write the plan")
    await runner.until_end()
    assert runner.commands()[:2] == ["1.1 build-auto", "1.1 build-auto-2"]
    assert "sends it back: write the plan" in calls[1]
    assert runner.statuses()["1.1"] == "done"


async def test_the_second_round_of_a_plan_survives_the_end_of_the_server(tmp_path: Path, open_runner: Open) -> None:
    runner = await open_runner(make_tickets(tmp_path / "x", {f"{EPIC_A}/tickets.toml": ONE}))
    await runner.start(1)
    await decide(runner, await at_gate(runner), GateDecision.BACK, "use the library")
    second = await at_gate(runner, 2)
    await runner.until(lambda _: len(runner.of("batch:pause")) == 2)
    plan = runner.root / EPIC_A / "story-one-thing-plan.md"
    plan.write_text(plan.read_text() + "\nfixed by hand\n")
    await runner.restart()
    assert [row.id for row in await runner.orchestrator.steering.gates()] == [second["gate_id"]]
    await decide(runner, second, GateDecision.GO)
    await runner.until_end()
    assert runner.commands()[:3] == ["1.1 build-plan-1", "1.1 build-plan-2", "1.1 build-auto"]
    assert runner.statuses()["1.1"] == "done"
    moves = [(move["old_status"], move["new_status"]) for move in runner.of("story:status")]
    assert moves[:3] == [("backlog", "ready-for-dev"), ("ready-for-dev", "backlog"), ("backlog", "ready-for-dev")]


async def test_a_plan_gate_of_the_settings_halts_a_build_after_planning(tmp_path: Path, open_runner: Open) -> None:
    """The plan asks for nothing; the setting does, of every story."""
    plan = entries(ticket(1, "One thing"))
    runner = await open_runner(make_tickets(tmp_path / "x", {f"{EPIC_A}/tickets.toml": plan}), gates=["plan"])
    await runner.start(1)
    gate = await at_gate(runner)
    assert f"read {EPIC_A}/story-one-thing-plan.md" in gate["message"]
    await decide(runner, gate, GateDecision.BACK, "use the library")
    await decide(runner, await at_gate(runner, 2), GateDecision.GO)
    await runner.until_end()
    assert runner.commands()[:3] == ["1.1 build-plan-1", "1.1 build-plan-2", "1.1 build-auto"]
    assert runner.of("batch:start")[0]["gates"] == ["plan"]
    assert runner.statuses()["1.1"] == "done"


async def test_a_build_that_is_sent_back_after_its_commit_is_mended(tmp_path: Path, open_runner: Open) -> None:
    plan = entries(ticket(1, "One thing"))
    runner = await open_runner(make_tickets(tmp_path / "x", {f"{EPIC_A}/tickets.toml": plan}), gates=["done"])
    await runner.start(1)
    await decide(runner, await at_gate(runner), GateDecision.BACK, "use the library")
    await decide(runner, await at_gate(runner, 2), GateDecision.GO)
    await runner.until_end()
    made = [command.partition(" ")[2] for command in runner.commands("success")]
    assert made == ["build-auto", "commit", "dev-story-3", "code-review-1", "commit"]
    assert runner.statuses()["1.1"] == "done"
    assert git(runner.root, "status", "--porcelain", "work") == ""


async def test_a_batch_may_end_while_its_last_gate_is_decided(
    tmp_path: Path, open_runner: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = await open_runner(make_tickets(tmp_path / "x", {f"{EPIC_A}/tickets.toml": ONE}))
    await runner.start(1)
    gate = await at_gate(runner)
    await runner.until(lambda event: event.type == "batch:pause")
    read_gates = runner.orchestrator.steering.gates

    async def gates_of_a_batch_that_ends() -> list[GateRow]:
        runner.orchestrator.stop(StopMode.NOW)
        await runner.orchestrator.finished()
        return await read_gates()

    monkeypatch.setattr(runner.orchestrator.steering, "gates", gates_of_a_batch_that_ends)
    await decide(runner, gate, GateDecision.GO)
    assert [end["status"] for end in runner.of("batch:end")] == ["stopped"]
    assert runner.commands() == ["1.1 build-plan-1"]
