"""Agents that take messages: the prompt is the first, more may follow, and the end of the input is our doing."""

from __future__ import annotations

import textwrap
from dataclasses import replace

from agents import AgentProcess, Final, MessageTaken, OutcomeKind, Started, Text, start
from agents.claude_options import INPUT, REPLAY
from tests.agents.children import PATIENT, QUICK, AgentBench, ended

HEAR = """
def hear():
    line = sys.stdin.readline()
    if not line:
        return None
    given = json.loads(line)
    say(**given, isReplay=True)
    return given["message"]["content"][0]["text"]
assert sys.argv[-3:] == ["--input-format", "stream-json", "--replay-user-messages"]
"""


async def begin(bench: AgentBench, script: str, prompt: str = "do it", patient: bool = True) -> AgentProcess:
    call = replace(bench.call(prompt), options=frozenset({INPUT, REPLAY}))
    return await start(bench.spec(HEAR + script), call, bench.receive, PATIENT if patient else QUICK)


async def test_the_prompt_is_a_message_and_the_result_ends_the_input(bench: AgentBench) -> None:
    process = await begin(bench, "init(); text(hear()); result(); assert hear() is None", "häl\nlo \u2028")
    outcome = await ended(process)
    assert (outcome.kind, outcome.text, outcome.exit_code) == (OutcomeKind.SUCCESS, "häl\nlo \u2028", 0)


async def test_a_long_prompt_arrives_whole(bench: AgentBench) -> None:
    process = await begin(bench, "time.sleep(0.3); init(); text(str(len(hear()))); result()", "x" * 5_000_000)
    assert (await ended(process)).text == "5000000"


async def test_a_message_is_heard_while_it_works(bench: AgentBench) -> None:
    process = await begin(bench, "hear(); init(); text(hear()); result(); assert hear() is None")
    await bench.until(Started)
    assert process.say(7, "and this")
    outcome = await ended(process)
    assert "<operator-message>\nand this\n</operator-message>" in outcome.text
    assert outcome.taken == (7,)
    assert [record for record in bench.records if isinstance(record, MessageTaken)] == [MessageTaken(7, "and this")]
    assert not process.say(8, "too late")


async def test_a_message_that_is_left_at_the_result_begins_another_turn(bench: AgentBench) -> None:
    """What it said before the message is no reply to it; the input is closed after the last turn."""
    script = (
        "hear(); init(); text('first'); sys.stdin.read(0); time.sleep(0.5); result(); hear(); text('second'); result()"
    )
    process = await begin(bench, script + "; assert hear() is None")
    await bench.until(Text)
    assert process.say(3, "one more")
    outcome = await ended(process)
    assert (outcome.kind, outcome.text, outcome.taken) == (OutcomeKind.SUCCESS, "second", (3,))


async def test_a_message_that_is_not_taken_is_reported_by_none(bench: AgentBench) -> None:
    process = await begin(bench, "hear(); init(); time.sleep(0.5); result(); sys.exit(0)")
    await bench.until(Started)
    assert process.say(3, "one more")
    outcome = await ended(process)
    assert (outcome.kind, outcome.taken) == (OutcomeKind.SUCCESS, ())


async def test_one_without_the_option_takes_none(bench: AgentBench) -> None:
    process = await bench.start("init(); text(sys.stdin.read()); result()", graces=PATIENT)
    assert not process.say(1, "and this")
    assert (await ended(process)).text == "do it"


async def test_more_is_expected_as_long_as_work_goes_on_behind_a_result(bench: AgentBench) -> None:
    script = """
    hear(); init(); say(type="system", subtype="background_tasks_changed", tasks=[{"task_id": "b"}])
    text("first"); result()
    text(hear()); say(type="system", subtype="background_tasks_changed", tasks=[]); result(); assert hear() is None
    """
    process = await begin(bench, textwrap.dedent(script))
    await bench.until(Final)
    assert process.say(2, "second")
    assert (await ended(process)).taken == (2,)


async def test_before_a_stop_the_input_is_closed(bench: AgentBench) -> None:
    """Only so does the real program report what it has used when it is interrupted."""
    script = """
    def interrupted(*_):
        assert hear() is None
        result(ok=False, subtype="error_during_execution", errors=["[ede_diagnostic] x"]); os._exit(0)
    signal.signal(signal.SIGINT, interrupted)
    hear(); init(); time.sleep(600)
    """
    process = await begin(bench, textwrap.dedent(script))
    await bench.until(Started)
    process.stop()
    outcome = await ended(process)
    assert (outcome.kind, outcome.cost_usd) == (OutcomeKind.STOPPED, 0.5)


async def test_one_that_never_reads_is_ended_all_the_same(bench: AgentBench) -> None:
    process = await begin(bench, "init(); time.sleep(600)", "x" * 5_000_000, patient=False)
    await bench.until(Started)
    process.stop()
    assert (await ended(process)).kind is OutcomeKind.STOPPED


async def test_one_that_ends_at_once_is_a_failed_start(bench: AgentBench) -> None:
    process = await begin(bench, "sys.exit(\"error: unknown option '--input-format'\")", "x" * 5_000_000)
    outcome = await ended(process)
    assert outcome.kind is OutcomeKind.COULD_NOT_START
    assert "--input-format" in outcome.reason
