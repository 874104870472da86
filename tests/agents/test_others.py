"""Tests of the other parsers: the forms that need a special rule."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from agents.adapter import Cause, Ending
from agents.records import Denied, Final, LimitSeen, Note, Record, Retry, Text, ToolCall, ToolResult
from agents.registry import ADAPTERS, UnknownKind, adapter_for
from agents.spec import AgentSpec, Call, OutcomeKind, Usage
from agents.usage import Tally


def read(kind: str, *lines: dict[str, Any], stderr: bytes = b"") -> list[Record]:
    parser = adapter_for(kind).parser("/project")
    records = [record for line in lines for record in parser.feed(json.dumps(line).encode())]
    records += parser.feed_stderr(stderr)
    return [*records, *parser.close()]


def argv(kind: str, mode: str | None, resume: str | None = None) -> list[str]:
    spec = AgentSpec(kind, kind, (kind,), model="m-1", permission_mode=mode)
    return adapter_for(kind).argv(spec, Call("PROMPT", Path("/p"), "m", Path("/s"), resume=resume))


def test_command_lines() -> None:
    assert argv("codex", "acceptEdits", "T") == [
        *("codex", "exec", "--json", "--skip-git-repo-check", "-m", "m-1", "-s", "workspace-write", "resume", "T", "-"),
    ]
    assert "--dangerously-bypass-approvals-and-sandbox" in argv("codex", "bypassPermissions")
    assert argv("gemini", "bypassPermissions", "S") == [
        *("gemini", "--output-format", "stream-json", "--skip-trust", "-m", "m-1"),
        *("--approval-mode", "yolo", "--resume", "S"),
    ]
    assert argv("opencode", "bypassPermissions", "S") == [
        *("opencode", "run", "--format", "json", "-m", "m-1", "--auto", "--session", "S"),
    ]
    assert argv("qwen", "acceptEdits", "S") == [
        *("qwen", "--output-format", "stream-json", "-m", "m-1", "--approval-mode", "auto-edit", "--resume", "S"),
    ]
    for kind in ADAPTERS:
        assert "PROMPT" not in argv(kind, None)
        assert "--continue" not in argv(kind, None, "S")


def test_unknown_kind() -> None:
    with pytest.raises(UnknownKind, match="claude, codex"):
        adapter_for("cursor")


# -- Codex


def turn(**usage: int) -> dict[str, Any]:
    return {"type": "turn.completed", "usage": usage}


def test_codex_tools() -> None:
    command = {"id": "i", "type": "command_execution", "command": "/bin/bash -lc 'pytest -q'", "aggregated_output": ""}
    change = {"id": "j", "type": "file_change", "changes": [{"path": "/project/a.py", "kind": "update"}]}
    records = read(
        "codex",
        {"type": "item.started", "item": command},
        {"type": "item.completed", "item": {**command, "aggregated_output": "boom", "status": "failed"}},
        {"type": "item.completed", "item": {**change, "status": "completed"}},
        {"type": "item.completed", "item": {"id": "k", "type": "error", "message": "Model metadata not found"}},
    )
    summaries = [record.summary for record in records if isinstance(record, ToolCall)]
    assert summaries == ["Bash: pytest -q", "Edit a.py"]
    assert [record for record in records if isinstance(record, ToolResult)] == [
        ToolResult("i", False, "boom", 4),
        ToolResult("j", True, "", 0),
    ]
    assert isinstance(records[-1], Note)


def test_codex_usage_excludes_what_was_cached() -> None:
    (final,) = read("codex", turn(input_tokens=1200, cached_input_tokens=1000, output_tokens=40))
    assert isinstance(final, Final)
    assert final.usage == Usage(200, 40, 1000)


def test_codex_totals_of_a_resumed_thread() -> None:
    (final,) = read("codex", turn(input_tokens=2400, cached_input_tokens=2000, output_tokens=80))
    fresh, known, unknown = Tally(), Tally(None, True, Usage(200, 40, 1000)), Tally(None, True)
    for tally in (fresh, known, unknown):
        tally.add(final)
    assert fresh.usage == Usage(400, 80, 2000)
    assert known.usage == Usage(200, 40, 1000)
    assert unknown.usage == Usage(400, 80, 2000)  # better too much than nothing


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Reconnecting... 1/5 (stream disconnected)", Retry(1, 5, None, "stream disconnected")),
        ("Reconnecting... waiting for network (Connection failed)", Retry(0, None, None, "Connection failed")),
        (
            "Reconnecting... 2/5 (unexpected status 401 Unauthorized: bad key)",
            Retry(2, 5, None, "unexpected status 401 Unauthorized: bad key", 401, True),
        ),
    ],
)
def test_codex_reconnecting_is_no_failure(message: str, expected: Retry) -> None:
    assert read("codex", {"type": "error", "message": message}) == [expected]


def test_codex_usage_limit_with_a_time() -> None:
    words = "You\u2019ve hit your usage limit. Upgrade, or try again in 2 hours 30 minutes."
    limit, final = read("codex", {"type": "turn.failed", "error": {"message": words}})
    assert isinstance(limit, LimitSeen)
    assert limit.resets_at == pytest.approx(time.time() + 9000, abs=5)
    assert isinstance(final, Final)
    assert final.kind is OutcomeKind.USAGE_LIMIT


def test_codex_denials_are_on_stderr() -> None:
    stderr = b"2026 ERROR codex_core::tools::router: error=patch rejected: writing is blocked by read-only sandbox"
    assert read("codex", stderr=stderr) == [
        Denied("sandbox", None, "patch rejected: writing is blocked by read-only sandbox")
    ]


# -- Gemini


def said(content: str, delta: bool = True) -> dict[str, Any]:
    return {"type": "message", "timestamp": "t", "role": "assistant", "content": content, "delta": delta}


def gemini_result(**fields: Any) -> dict[str, Any]:
    return {"type": "result", "timestamp": "t", "status": "success", "stats": {}, **fields}


def test_gemini_text_comes_in_pieces() -> None:
    records = read("gemini", said("One li"), said("ne.\nTwo"), said(" lines.\nThree"), gemini_result())
    assert [record.text for record in records if isinstance(record, Text)] == ["One line.", "Two lines.", "Three"]


def test_gemini_success_after_a_loop_is_none() -> None:
    warning = {"type": "error", "timestamp": "t", "severity": "warning", "message": "Loop detected, stopping execution"}
    final = read("gemini", warning, gemini_result())[-1]
    assert isinstance(final, Final)
    assert final.kind is OutcomeKind.FAILED


def test_gemini_thoughts_are_charged_as_output() -> None:
    stats = {"total_tokens": 1300, "input_tokens": 1200, "output_tokens": 40, "cached": 1000, "input": 200}
    (final,) = read("gemini", gemini_result(stats=stats))
    assert isinstance(final, Final)
    assert final.usage == Usage(200, 100, 1000)


def test_gemini_retries_are_on_stderr() -> None:
    stderr = b"Attempt 3 failed with status 429. Retrying with backoff... _ApiError: {...}"
    (retry,) = read("gemini", stderr=stderr)
    assert isinstance(retry, Retry)
    assert (retry.attempt, retry.status) == (3, 429)
    tally = Tally()
    tally.add(retry)
    verdict = adapter_for("gemini").judge(tally, Ending(-9, Cause.SILENCE, "No output for 15 min."))
    assert verdict.kind is OutcomeKind.TRANSIENT


def test_gemini_tools_that_were_not_offered() -> None:
    records = read(
        "gemini",
        {"type": "tool_use", "timestamp": "t", "tool_id": "x", "tool_name": "write_file", "parameters": {}},
        {
            "type": "tool_result",
            "timestamp": "t",
            "tool_id": "x",
            "status": "error",
            "output": "no",
            "error": {"type": "tool_not_registered", "message": "Tool not found"},
        },
    )
    assert Denied("write_file", "x", "Tool not found") in records


# -- opencode


def part(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "timestamp": 1, "sessionID": "ses", "part": fields}


def test_opencode_ends_with_a_step() -> None:
    tokens = {"input": 200, "output": 28, "reasoning": 12, "cache": {"read": 1000, "write": 5}}
    step = part("step_finish", id="p", reason="stop", tokens=tokens, cost=0.25)
    tally = Tally()
    for record in read("opencode", part("step_start"), step):
        tally.add(record)
    assert tally.final is not None
    assert (tally.final.kind, tally.usage, tally.cost_usd) == (OutcomeKind.SUCCESS, Usage(200, 40, 1000, 5), 0.25)
    assert tally.session_id == "ses"


def test_opencode_without_prices_is_estimated() -> None:
    tokens = {"input": 1_000_000, "output": 0, "cache": {}}
    tally = Tally("anthropic/claude-sonnet-4-5")
    for record in read("opencode", part("step_finish", id="p", reason="stop", tokens=tokens, cost=0)):
        tally.add(record)
    assert tally.cost_usd == pytest.approx(3.0)


def test_opencode_refused_permission_is_no_success() -> None:
    refused = "The user rejected permission to use this."
    state = {"status": "error", "input": {"command": "ls"}, "error": refused}
    records = read(
        "opencode",
        part("step_start"),
        part("tool_use", tool="bash", callID="c", state=state),
        part("step_finish", id="p", reason="tool-calls", tokens={}, cost=0),
    )
    final = records[-1]
    assert isinstance(final, Final)
    assert (final.kind, Denied("bash", "c", refused) in records) == (OutcomeKind.FAILED, True)


def test_opencode_failed_commands() -> None:
    state = {"status": "completed", "input": {"command": "false"}, "output": "", "metadata": {"exit": 3}}
    records = read("opencode", part("tool_use", tool="bash", callID="c", state=state))
    assert records[-1] == ToolResult("c", False, "", 0)


# -- Qwen Code


def test_qwen_resumed_totals() -> None:
    usage = {"input_tokens": 2420, "output_tokens": 86, "cache_read_input_tokens": 2000}
    reply = {"input_tokens": 1200, "output_tokens": 40, "cache_read_input_tokens": 1000}
    message = {"id": "m", "content": [{"type": "text", "text": "Plum. " * 100}], "usage": reply}
    lines = (
        {"type": "assistant", "session_id": "s", "message": message},
        {"type": "result", "subtype": "success", "session_id": "s", "is_error": False, "usage": usage, "num_turns": 1},
    )
    for booked, expected in ((Usage(210, 43, 1000), Usage(210, 43, 1000)), (None, Usage(200, 40, 1000))):
        tally = Tally(None, True, booked)
        for record in read("qwen", *lines):
            tally.add(record)
        assert tally.usage == expected


def test_qwen_limits_have_no_result() -> None:
    verdict = adapter_for("qwen").judge(Tally(), Ending(53, stderr="Reached max session turns for this session.\n"))
    assert (verdict.kind, verdict.reason) == (OutcomeKind.LIMIT, "Reached max session turns for this session.")
