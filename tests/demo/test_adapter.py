"""Tests of the scripted agent with the runner's adapter: every end is distinguished, all usage is counted."""

from __future__ import annotations

import json
import sys
import time
import uuid
from pathlib import Path

import pytest

from agents import AgentSpec, Call, Outcome, OutcomeKind, Record, ToolCall, preflight, start
from tests.demo.bench import AGENT, STORIES, DemoBench

KEY = STORIES[2]


def spec(bench: DemoBench, *flags: str) -> AgentSpec:
    env = {"DEMO_AGENT_HOME": str(bench.home)}
    return AgentSpec("demo", "claude", (sys.executable, str(AGENT), "--speed", "max", *flags), env=env)


async def perform(
    bench: DemoBench, prompt: str, *flags: str, resume: str | None = None
) -> tuple[Outcome, list[Record]]:
    records: list[Record] = []
    call = Call(prompt, bench.root, f"{uuid.uuid4().hex}:1", bench.home.with_name("stream.ndjson"), resume=resume)
    process = await start(spec(bench, *flags), call, records.append)
    return await process.wait(), records


async def test_its_preflight_is_good(bench: DemoBench) -> None:
    found = await preflight(spec(bench))
    assert (found.version, found.problem) == ("2.1.330 (Demo Agent)", None)


async def test_a_good_call_is_a_success_with_its_costs(bench: DemoBench) -> None:
    bench.run("create-story", KEY)
    outcome, records = await perform(bench, bench.prompt("dev-story", KEY))
    assert (outcome.kind, outcome.exit_code, outcome.malformed_lines) == (OutcomeKind.SUCCESS, 0, 0)
    assert outcome.text.splitlines()[-1] == "[DEV-STORY-COMPLETE: YES]"
    assert (outcome.cost_usd or 0) > 0.05
    assert outcome.usage.output_tokens > 1_000
    assert {each.name for each in records if isinstance(each, ToolCall)} == {"Read", "Write", "Edit", "Bash"}


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        ("fail", OutcomeKind.FAILED),
        ("crash", OutcomeKind.TRUNCATED),
        ("usage-limit:60", OutcomeKind.USAGE_LIMIT),
        ("auth", OutcomeKind.AUTH),
        ("overloaded", OutcomeKind.TRANSIENT),
    ],
)
async def test_every_bad_end_is_distinguished(
    bench: DemoBench, tmp_path: Path, behaviour: str, kind: OutcomeKind
) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"commit": behaviour}))
    outcome, _ = await perform(bench, bench.prompt("commit", KEY), "--script", str(script))
    assert outcome.kind is kind, outcome.reason
    assert outcome.reason
    if kind is OutcomeKind.USAGE_LIMIT:
        assert 0 < (outcome.resets_at or 0) - time.time() <= 60


async def test_a_resumed_call_is_not_charged_twice(bench: DemoBench) -> None:
    first, _ = await perform(bench, bench.prompt("story-discovery", KEY))
    second, _ = await perform(bench, "Continue.", resume=first.session_id)
    assert second.kind is OutcomeKind.SUCCESS
    assert (second.cost_usd or 0) < 1.5 * (first.cost_usd or 0)
