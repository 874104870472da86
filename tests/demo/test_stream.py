"""What the scripted agent prints has the keys that recordings of the real program have, and adds up."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from demo.tokens import DEFAULT_MODEL, Tokens, cost
from tests.demo.bench import STORIES, AgentRun, DemoBench
from tests.demo.conftest import DemoSprint

RECORDINGS = Path(__file__).parents[1] / "agents/recordings/claude"
CASES = ("tools_bypass", "partial_messages", "session_seed", "ratelimit_rejected_oauth", "err_overloaded_forever")
MORE_CASES = ("auth_401_oauth", "sigint_in_bash", "sigint_streaming", "session_resume_unknown", "err_max_turns")
VARYING = frozenset(["aborted", "error", "origin", "begun_message_ids", "structured_output", "isSynthetic"])

Line = dict[str, Any]


def kind(line: Line) -> str:
    """The type of a line, with its subtype or the type of its block or event."""
    detail = str(line.get("subtype", ""))
    if line["type"] in ("assistant", "user"):
        block = line["message"]["content"][0]
        detail = str(block["type"]) + (" synthetic" if line["message"].get("model") == "<synthetic>" else "")
        if block["type"] == "tool_result":
            detail += " failed" if block.get("is_error") else ""
    if line["type"] == "stream_event":
        detail = line["event"]["type"]
    if line["type"] == "result" and "terminal_reason" in line:
        detail += " " + line["terminal_reason"]
    return f"{line['type']} {detail}"


@cache
def recorded() -> dict[str, list[Line]]:
    lines: dict[str, list[Line]] = {}
    for case in (*CASES, *MORE_CASES):
        for text in (RECORDINGS / f"{case}.ndjson").read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            lines.setdefault(kind(line), []).append(line)
    return lines


def keys(line: Line) -> set[str]:
    """The keys of a line, and those nested in it, as paths."""
    found = set(line)
    for inner in ("message", "usage", "event", "rate_limit_info", "subagent_stats"):
        value = line.get(inner)
        if isinstance(value, dict):
            found |= {f"{inner}.{key}" for key in value}
    for model in (line.get("modelUsage") or {}).values():
        found |= {f"modelUsage.{key}" for key in model}
    return found


def check(lines: Iterable[Line]) -> set[str]:
    """Every line has what every recorded line of its kind has, and nothing that none of them has."""
    seen = set()
    for line in lines:
        name = kind(line)
        examples = [keys(each) for each in recorded().get(name, [])]
        assert examples, f"no recording has a line like {name}"
        always, ever = set.intersection(*examples), set.union(*examples)
        assert always - keys(line) - VARYING == set(), name
        assert keys(line) - ever - VARYING == set(), name
        seen.add(name)
    return seen


def test_lines_of_a_good_run_have_the_recorded_keys(sprint: DemoSprint) -> None:
    seen: set[str] = set()
    for run in sprint.runs.values():
        seen |= check(run.lines)
    assert {
        "system init",
        "system thinking_tokens",
        "assistant thinking",
        "assistant text",
        "assistant tool_use",
    } <= seen
    assert {"user tool_result", "result success completed"} <= seen


@pytest.mark.parametrize("mishap", ["usage-limit:60", "auth", "overloaded"])
def test_lines_of_api_errors_have_the_recorded_keys(bench: DemoBench, tmp_path: Path, mishap: str) -> None:
    bench.script = tmp_path / "script.json"
    bench.script.write_text(json.dumps({"commit": mishap}))
    run = bench.run("commit", STORIES[0])
    seen = check(run.lines)
    assert {"assistant text synthetic", "result success api_error"} <= seen
    assert run.code == 1


def test_other_ends_have_the_recorded_keys(bench: DemoBench) -> None:
    assert "result error_max_turns max_turns" in check(
        bench.call(bench.prompt("dev-story", STORIES[0]), "--max-turns", "1").lines
    )
    unknown = bench.call("hi", "--resume", "99999999-2222-4333-8444-555555555555")
    assert check(unknown.lines) == {"result error_during_execution"}


def test_partial_messages_have_the_recorded_keys_and_say_the_same(bench: DemoBench) -> None:
    run = bench.call(bench.prompt("story-discovery", STORIES[2]), "--include-partial-messages")
    seen = check(run.lines)
    assert "system status" in seen
    events = [line["event"] for line in run.lines if line["type"] == "stream_event"]
    said = [each["delta"]["text"] for each in events if each.get("delta", {}).get("type") == "text_delta"]
    texts = [block["text"] for block in run.blocks if block["type"] == "text"]
    assert "".join(said) == "".join(texts)
    final = [each["usage"]["output_tokens"] for each in events if each["type"] == "message_delta"]
    assert sum(final) == run.result["usage"]["output_tokens"]


def usage_of(run: AgentRun) -> dict[str, Tokens]:
    """The tokens of each reply; all its lines say the same."""
    replies: dict[str, Tokens] = {}
    for line in run.lines:
        if line["type"] == "assistant":
            usage = line["message"]["usage"]
            tokens = Tokens(
                usage["input_tokens"],
                usage["output_tokens"],
                usage["cache_read_input_tokens"],
                usage["cache_creation_input_tokens"],
            )
            assert replies.setdefault(line["message"]["id"], tokens) == tokens
    return replies


def test_replies_add_up_to_the_result(sprint: DemoSprint) -> None:
    for name, run in sprint.runs.items():
        total = sum(usage_of(run).values(), Tokens())
        usage, models = run.result["usage"], run.result["model_usage_since_last_result"]
        assert (usage["input_tokens"], usage["output_tokens"]) == (total.input, total.output), name
        assert usage["cache_read_input_tokens"] == models[DEFAULT_MODEL]["cacheReadInputTokens"] == total.cache_read
        assert run.result["total_cost_usd"] == pytest.approx(cost(DEFAULT_MODEL, total))
        assert run.result["num_turns"] == 1 + sum(block["type"] == "tool_result" for block in run.blocks)


def test_costs_are_plausible(sprint: DemoSprint) -> None:
    costs = {name: run.result["total_cost_usd"] for name, run in sprint.runs.items()}
    assert 0.03 < min(costs.values()) < max(costs.values()) < 0.6
    assert 3 < sum(costs.values()) < 8


def test_ids_are_of_their_own(sprint: DemoSprint) -> None:
    lines = [line for run in sprint.runs.values() for line in run.lines]
    assert len({line["uuid"] for line in lines}) == len(lines)
    assert len({run.result["session_id"] for run in sprint.runs.values()}) == len(sprint.runs)
    replies = [message for run in sprint.runs.values() for message in usage_of(run)]
    assert len(set(replies)) == len(replies)


def test_calls_of_tools_are_answered_once_in_order(sprint: DemoSprint) -> None:
    for run in sprint.runs.values():
        calls = [block["id"] for block in run.blocks if block["type"] == "tool_use"]
        answers = [block["tool_use_id"] for block in run.blocks if block["type"] == "tool_result"]
        assert calls == answers


def test_a_model_is_called_by_its_id_and_has_its_price(bench: DemoBench) -> None:
    prompt = bench.prompt("story-discovery", STORIES[2])
    usual, light = bench.call(prompt).result, bench.call(prompt, "--model", "haiku").result
    assert list(light["modelUsage"]) == ["claude-haiku-4-5"]
    assert light["total_cost_usd"] < usual["total_cost_usd"] / 2
