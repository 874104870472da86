"""Every mishap of the scripted agent over the Agent Client Protocol: each ends as it does natively."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents import Denied, OutcomeKind, Question, Record, Started, Text, read_transcript, replay
from agents.spec import AgentSpec
from agents.transcript import EntryKind
from tests.agents.acp import scripted
from tests.agents.children import PATIENT, ended, hasten
from tests.demo.bench import make
from tests.demo.test_mishaps import ENDS, PRINTS, STAYS, Simulator
from tests.processes import marked

PROGRAM = (str(Path(scripted.__file__)),)


@pytest.fixture
def simulator(tmp_path: Path) -> Simulator:
    return Simulator(make(tmp_path), tmp_path, kind="acp", program=PROGRAM)


@pytest.mark.parametrize(("words", "kind", "reason"), ENDS)
async def test_every_end_is_the_native_one(simulator: Simulator, words: str, kind: OutcomeKind, reason: str) -> None:
    outcome = await simulator.run(words)
    assert outcome.kind is kind, outcome.reason
    assert bool(outcome.reason) == (kind is not OutcomeKind.SUCCESS)
    if kind in (OutcomeKind.TRUNCATED, OutcomeKind.USAGE_LIMIT, OutcomeKind.FAILED):
        assert outcome.reason.startswith(reason)
    assert (outcome.resets_at is not None) == (kind is OutcomeKind.USAGE_LIMIT)
    assert marked(simulator.mark) == []


@pytest.mark.parametrize(("words", "noise"), PRINTS)
async def test_whatever_it_prints_the_work_is_read(simulator: Simulator, words: str, noise: int) -> None:
    outcome = await simulator.run(words)
    assert outcome.kind is OutcomeKind.SUCCESS, outcome.reason
    assert "[STORY-DISCOVERY-COMPLETE: YES]" in outcome.text
    assert noise <= outcome.malformed_lines <= 3 * noise  # a line of garbage may hold an end of line


@pytest.mark.parametrize(("words", "sign", "reason"), [row for row in STAYS if "question" not in row[0]])
async def test_a_program_that_stays_is_ended(
    simulator: Simulator, words: str, sign: type[Record] | None, reason: str
) -> None:
    process = await simulator.start(words)
    if sign is Text:  # a reply is passed on when it is whole, which this one never is
        await simulator.until(lambda: (simulator.folder / "sessions").exists() and marked(simulator.mark)[1:])
    await simulator.until(lambda: simulator.has(Started) > 1)
    hasten(process, silence_s=1.0)
    outcome = await ended(process)
    assert outcome.kind is OutcomeKind.STALLED
    assert outcome.reason.startswith("No output for 1 s.")
    assert marked(simulator.mark) == []


async def test_a_permission_that_may_not_be_given_is_a_denial(simulator: Simulator) -> None:
    outcome = await simulator.run("denied")
    assert outcome.kind is OutcomeKind.SUCCESS
    assert simulator.has(Denied) == 1
    assert outcome.refused.startswith("It was not permitted to use Bash (Bash: rm -rf build)")


async def test_a_question_is_answered_within_the_call(simulator: Simulator) -> None:
    process = await simulator.start(["question:Which of the two?", "ok"], may_ask=True)
    await simulator.until(lambda: simulator.has(Question))
    hasten(process, silence_s=0.01, timeout_s=0.01)  # limits do not run while a person is asked
    assert [record for record in simulator.records if isinstance(record, Question)] == [
        Question("Which of the two? (Yes / No)", live=True)
    ]
    hasten(process, silence_s=60, timeout_s=60)
    assert process.answer("no")
    assert not process.answer("yes")
    outcome = await ended(process)
    assert outcome.kind is OutcomeKind.SUCCESS
    assert "[STORY-DISCOVERY-COMPLETE: YES]" in outcome.text


async def test_a_stop_cancels_the_turn_and_its_question(simulator: Simulator) -> None:
    process = await simulator.start("question:Which of the two?", may_ask=True)
    await simulator.until(lambda: simulator.has(Question))
    process.stop()
    outcome = await ended(process)
    assert outcome.kind is OutcomeKind.STOPPED
    assert marked(simulator.mark) == []


async def test_a_stop_in_the_middle_books_what_was_used(simulator: Simulator) -> None:
    simulator.graces = PATIENT
    process = await simulator.start("silent")
    await simulator.until(lambda: simulator.has(Started) > 1 and len(marked(simulator.mark)) > 1)
    process.stop()
    outcome = await ended(process)
    assert outcome.kind is OutcomeKind.STOPPED
    assert outcome.exit_code in (0, 1), "cancelled, not killed"


async def test_a_session_is_loaded_and_its_history_is_no_work(simulator: Simulator) -> None:
    first = await simulator.run("fail:not yet")
    assert first.session_id is not None
    process = await simulator.start("ok", resume=first.session_id, booked=first.usage)
    outcome = await ended(process)
    assert (outcome.kind, outcome.session_id) == (OutcomeKind.SUCCESS, first.session_id)
    assert "An earlier reply" not in outcome.text
    texts = [record.text for record in simulator.records if isinstance(record, Text)]
    assert not any("An earlier reply" in text for text in texts)


@pytest.mark.parametrize("word", ["resume", "no-load", "v2"])
async def test_sessions_by_what_is_offered(simulator: Simulator, word: str) -> None:
    simulator.program = (*PROGRAM, "--acp", word)
    first = await simulator.run("ok")
    assert (first.kind, first.session_id is not None) == (OutcomeKind.SUCCESS, True)
    outcome = await ended(await simulator.start("ok", resume=first.session_id))
    if word == "no-load":
        assert outcome.kind is OutcomeKind.FAILED
        assert outcome.reason == f"The session {first.session_id} could not be resumed: it does not offer that."
    else:
        assert outcome.kind is OutcomeKind.SUCCESS, outcome.reason


async def test_an_unknown_session_is_lost(simulator: Simulator) -> None:
    outcome = await ended(await simulator.start("ok", resume="00000000-0000-4000-8000-000000000000"))
    assert outcome.kind is OutcomeKind.FAILED
    assert "could not be resumed: Session not found" in outcome.reason


async def test_the_recording_says_what_the_call_knew(simulator: Simulator) -> None:
    outcome = await simulator.run("ok")
    path = simulator.folder / "streams" / "1.ndjson"
    spec = AgentSpec("demo", "acp", PROGRAM)
    again = replay(spec, path, simulator.bench.root)
    assert (again.kind, again.text, again.usage, again.cost_usd) == (
        outcome.kind,
        outcome.text,
        outcome.usage,
        outcome.cost_usd,
    )
    assert (again.session_id, again.model) == (outcome.session_id, outcome.model)
    entries = read_transcript(path)
    assert {EntryKind.STARTED, EntryKind.TEXT, EntryKind.TOOL, EntryKind.FINAL} <= {entry.kind for entry in entries}
    assert all(entry.ok for entry in entries if entry.kind is EntryKind.TOOL)


async def test_what_is_not_reported_is_unknown(simulator: Simulator) -> None:
    simulator.program = (*PROGRAM, "--acp", "no-usage")
    outcome = await simulator.run("ok")
    assert outcome.kind is OutcomeKind.SUCCESS
    assert (outcome.usage.total, outcome.cost_usd, outcome.resets_at) == (0, None, None)
