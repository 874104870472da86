"""What opencode's sub-agents use, from its stored sessions; a small program prints what the real one printed."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from agents import Note, Outcome, OutcomeKind, Usage, UsageSeen, start
from agents.opencode import UNCOUNTED
from agents.opencode_sessions import reply_of
from tests.agents.children import PATIENT, AgentBench, ended
from tests.agents.streams import RECORDINGS, read, recording

FOLDER = RECORDINGS / "opencode"
STREAM = FOLDER / "subagent_counted_1.18.33.ndjson"
STORED = FOLDER / "export_subagent_1.18.33.json"
CHILD = "ses_dd85b6480ffeBDermX0O1EdkyX"
ONE = Usage(100, 120, 200)  # of every reply

PROGRAM = """
if sys.argv[1] == "run":
    sys.stdin.read()
    sys.stdout.write(open({stream!r}).read())
else:
    assert sys.argv[1] == "export"
    session = json.load(open({stored!r}))
    for message in session["messages"]:
        message["info"]["time"]["created"] = time.time() * 1000
    {change}
    print(json.dumps(session))
"""


async def run(bench: AgentBench, change: str = "") -> Outcome:
    script = PROGRAM.format(stream=str(STREAM), stored=str(STORED), change=change or "pass")
    process = await start(bench.spec(script, "opencode"), bench.call(), bench.receive, PATIENT)
    return await ended(process)


def notes(bench: AgentBench) -> list[str]:
    return [record.text for record in bench.records if isinstance(record, Note)]


def test_the_stream_names_the_session_and_not_what_it_used() -> None:
    _, tally = read(recording("opencode", STREAM.stem))
    assert tally.sub_sessions == [CHILD]
    assert tally.usage == ONE + ONE


async def test_the_replies_of_a_sub_agent_are_counted(bench: AgentBench) -> None:
    outcome = await run(bench)
    assert (outcome.kind, outcome.usage) == (OutcomeKind.SUCCESS, ONE + ONE + ONE + ONE)
    assert outcome.cost_usd == pytest.approx(4 * 0.00216)
    assert outcome.estimated_usd == 0
    assert notes(bench) == []
    assert sum(isinstance(record, UsageSeen) for record in bench.records) == 4


async def test_what_an_earlier_call_has_used_is_not_counted_again(bench: AgentBench) -> None:
    outcome = await run(bench, 'session["messages"][1]["info"]["time"]["created"] -= 3_600_000')
    assert outcome.usage == ONE + ONE + ONE


async def test_so_are_its_own_sub_agents(bench: AgentBench) -> None:
    below = """
    if sys.argv[2] == "ses_below":
        for message in session["messages"]:
            message["info"]["id"] += "b"
    part = {"tool": "task", "state": {"metadata": {"sessionId": "ses_below"}}}
    session["messages"][1]["parts"].append(part)  # it names itself, too
    """
    outcome = await run(bench, below.replace("    ", "", 1).strip())
    assert outcome.usage.total == 6 * ONE.total


@pytest.mark.parametrize(
    "change",
    [
        "sys.exit('Error: Session not found')",
        "print('[1, 2'); sys.exit()",
        "print('{' * 100000); sys.exit()",
        """session["messages"][1]["parts"] += [
        {"tool": "task", "state": {"metadata": {"sessionId": f"s{n}"}}} for n in range(30)]""",
        """session["messages"][1]["parts"].append({"tool": "task", "state": {"metadata": {"sessionId": "--all"}}})""",
    ],
    ids=["no such session", "half a line", "too deep", "too many", "an option as its name"],
)
async def test_what_cannot_be_counted_is_reported(bench: AgentBench, change: str) -> None:
    outcome = await run(bench, change)
    assert (outcome.kind, outcome.usage) == (OutcomeKind.SUCCESS, ONE + ONE)
    assert notes(bench) == [UNCOUNTED]


def test_only_replies_have_a_cost() -> None:
    messages: list[Any] = json.loads(STORED.read_text())["messages"]
    replies = [reply_of(message) for message in messages]
    assert [reply is None for reply in replies] == [True, False, False]
    assert replies[1] == UsageSeen("msg_227a49c04001qirMRHT36NYk2G", ONE, "mock/mock-model", 0.00216)
    assert reply_of(messages[1], time.time()) is None
    assert reply_of({}) is None
