"""What programs without a stream of their own have used: as aider prints it, as a script writes it, and not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agents import Note, Outcome, OutcomeKind, start
from agents.preflight import preflight
from agents.usage import Tally
from agents.used_report import number
from tests.agents.children import QUICK, AgentBench, ended

AIDER = {
    "input_tokens": r"Tokens: ([\d.,]+[kM]?) sent",
    "output_tokens": r"([\d.,]+[kM]?) received",
    "cost_usd": r"\$([\d.]+) session",
    "version": r"^Aider (v\S+)",
    "model": r"^Model: (\S+)",
    "session": r"session-id (\S+)",
}


async def run(bench: AgentBench, script: str, **settings: object) -> Outcome:
    spec = replace(bench.spec(script, "text"), **settings)  # type: ignore[arg-type]
    return await ended(await start(spec, bench.call(), bench.receive, QUICK))


async def test_patterns_find_what_is_printed(bench: AgentBench) -> None:
    script = """
    print("Aider v0.86.1"); print("Model: gpt-5-mini with diff edit format")
    print("Tokens: 2.3k sent, 120 received. Cost: $0.01 message, $0.01 session.")
    print("Tokens: 12,400 sent, 1.5k received. Cost: $0.03 message, $0.04 session.")
    sys.stderr.write("session-id abc\\n")
    """
    outcome = await run(bench, script, patterns=AIDER)
    assert outcome.kind is OutcomeKind.SUCCESS
    assert (outcome.usage.input_tokens, outcome.usage.output_tokens) == (12_400, 1_500)
    assert (outcome.cost_usd, outcome.estimated_usd) == (0.04, 0.0)
    assert (outcome.session_id, outcome.model) == ("abc", "gpt-5-mini")


async def test_without_a_cost_the_price_list_counts(bench: AgentBench) -> None:
    script = "print('Model: gpt-5-mini'); print('Tokens: 1M sent, 0 received')"
    outcome = await run(bench, script, patterns=AIDER)
    assert outcome.cost_usd == outcome.estimated_usd == pytest.approx(0.25)


async def test_a_report_is_read_when_it_has_ended(bench: AgentBench) -> None:
    script = """
    json.dump({"input_tokens": 10, "output_tokens": "1,000", "cost_usd": 0.5, "session": "s-9"}, open("used.json", "w"))
    """
    outcome = await run(bench, script, report="used.json")
    assert (outcome.usage.total, outcome.cost_usd, outcome.session_id) == (1010, 0.5, "s-9")


@pytest.mark.parametrize("script", ["pass", "open('used.json', 'w').write('{')"])
async def test_an_old_report_or_a_broken_one_is_not_counted(bench: AgentBench, script: str) -> None:
    (bench.folder / "used.json").write_text('{"input_tokens": 5, "cost_usd": 9}')
    outcome = await run(bench, script, report="used.json")
    assert outcome.kind is OutcomeKind.SUCCESS
    assert (outcome.usage.total, outcome.cost_usd) == (0, None)
    assert any("unknown" in record.text for record in bench.records if isinstance(record, Note))


async def test_nothing_said_is_unknown(bench: AgentBench) -> None:
    outcome = await run(bench, "print('Tokens: many')", patterns=AIDER)
    assert (outcome.usage.total, outcome.cost_usd) == (0, None)
    assert Tally().cost_usd is None


async def test_the_version_is_asked_for_where_a_flag_is_named(bench: AgentBench) -> None:
    spec = bench.spec("print('a banner'); print('mine', 1.5 if sys.argv[1:] == ['-V'] else 0)", "text")
    assert (await preflight(spec)).version is None
    assert (await preflight(replace(spec, version_flag="-V"))).version == "mine 1.5"


@pytest.mark.parametrize(
    ("text", "value"),
    [("$0.0123", 0.0123), ("1,234", 1234), ("12.4k", 12_400), ("1.5M", 1_500_000), ("7 tokens", 7), ("none", None)],
)
def test_numbers(text: str, value: float | None) -> None:
    assert number(text) == (None if value is None else pytest.approx(value))
