"""Tests of the parser of Claude Code, line by line, with forms that no recording has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents.claude import Claude
from agents.records import (
    Action,
    Denied,
    Failure,
    Final,
    LimitSeen,
    Note,
    Question,
    Record,
    Retry,
    Started,
    Text,
    ToolCall,
    ToolResult,
    UsageSeen,
)
from agents.spec import AgentSpec, Call, OutcomeKind, Usage
from agents.usage import Tally
from tests.agents.children import line


def read(*lines: bytes) -> list[Record]:
    parser = Claude().parser("/srv/project")
    return [record for each in lines for record in parser.feed(each)]


def final(**fields: Any) -> Final:
    init = line(type="system", subtype="init")
    records = read(init, line(type="result", num_turns=1, **fields))
    assert isinstance(records[-1], Final)
    return records[-1]


def assistant(*blocks: dict[str, Any], id: str = "m", **fields: Any) -> bytes:
    return line(type="assistant", message={"id": id, "content": list(blocks), **fields})


def test_argv() -> None:
    spec = AgentSpec("c", "claude", ("claude", "--verbose-too"), model="opus", permission_mode="acceptEdits")
    call = Call("the prompt", Path("/p"), "m", Path("/s"), model="haiku", resume="id-1")
    assert Claude().argv(spec, call) == [
        *("claude", "--verbose-too", "-p", "--output-format", "stream-json", "--verbose", "--include-partial-messages"),
        *("--model", "haiku", "--permission-mode", "acceptEdits", "--resume", "id-1"),
    ]


@pytest.mark.parametrize(
    ("name", "arguments", "summary", "action"),
    [
        ("Edit", {"file_path": "/srv/project/src/app.py"}, "Edit src/app.py", Action.EDIT),
        ("Write", {"file_path": "/elsewhere/x"}, "Write /elsewhere/x", Action.EDIT),
        ("Read", {"file_path": "/srv/project2/x"}, "Read /srv/project2/x", Action.READ),
        ("Bash", {"command": "pytest -q\n  --maxfail 1"}, "Bash: pytest -q --maxfail 1", Action.RUN),
        ("Grep", {"pattern": "def main", "path": "/srv/project"}, "Search .", Action.SEARCH),
        ("Glob", {"pattern": "**/*.py"}, "Find **/*.py", Action.SEARCH),
        ("Agent", {"description": "check things", "prompt": "…"}, "Delegate check things", Action.DELEGATE),
        ("TodoWrite", {"todos": []}, "Plan", Action.PLAN),
        ("mcp__db__query", {"query": "select 1"}, "mcp__db__query: select 1", Action.OTHER),
        ("Strange", {}, "Strange", Action.OTHER),
    ],
)
def test_tool_summaries(name: str, arguments: dict[str, Any], summary: str, action: Action) -> None:
    (call,) = read(assistant({"type": "tool_use", "id": "t-1", "name": name, "input": arguments}))
    assert call == ToolCall("t-1", name, summary, action)


def test_tool_results_are_blocks_in_user_messages() -> None:
    records = read(
        line(type="user", message={"content": [{"type": "tool_result", "tool_use_id": "1", "content": "plain"}]}),
        line(
            type="user",
            message={
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "2",
                        "is_error": True,
                        "content": [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}],
                    }
                ]
            },
        ),
        line(type="user", message={"content": "a note"}),
        line(type="user", message=None),
    )
    assert records == [ToolResult("1", True, "plain", 5), ToolResult("2", False, "a\nb", 3)]


def test_a_question() -> None:
    asked = {"questions": [{"question": "Which  one?"}]}
    records = read(assistant({"type": "tool_use", "id": "t", "name": "AskUserQuestion", "input": asked}))
    assert records[1] == Question("Which one?")


def test_a_question_comes_with_all_that_may_be_chosen() -> None:
    first = {"question": "Which one?", "header": "Tea", "options": [{"label": "black"}, {"label": "green"}, {}, 7]}
    block = {"type": "tool_use", "id": "t", "name": "AskUserQuestion"}
    for given, said in (
        (
            {"questions": [first, {"question": "With\nmilk?", "options": "none"}]},
            "Which one? (black / green) With milk?",
        ),
        ({"questions": []}, "AskUserQuestion"),
        ({"questions": "?"}, "AskUserQuestion"),
        ({}, "AskUserQuestion"),
    ):
        assert read(assistant({**block, "input": given}))[1] == Question(said)


def test_usage_counts_once_per_message() -> None:
    usage = {"input_tokens": 10, "output_tokens": 1, "cache_read_input_tokens": 100}
    tally = Tally("claude-sonnet-4-5")
    for _ in range(3):
        for record in read(assistant({"type": "text", "text": "x" * 40}, usage=usage)):
            tally.add(record)
    assert tally.usage == Usage(10, 10, 100)


def test_partial_messages_know_the_output() -> None:
    delta = {"type": "message_delta", "usage": {"input_tokens": 10, "output_tokens": 77}}
    records = read(
        assistant({"type": "text", "text": "x"}, usage={"input_tokens": 10, "output_tokens": 1}),
        line(type="stream_event", event=delta, api_message_id="m"),
    )
    assert records[-1] == UsageSeen("m", Usage(10, 77))


def test_a_growing_reply_is_guessed_by_its_length() -> None:
    def event(**fields: Any) -> bytes:
        return line(type="stream_event", event=fields)

    usage = {"input_tokens": 10, "output_tokens": 1}
    start = {"id": "m", "model": "opus", "usage": usage}
    grow = event(type="content_block_delta", delta={"type": "text_delta", "text": "x" * 1000})
    whole = assistant({"type": "text", "text": "x" * 5000}, model="opus", usage=usage)
    end = event(type="message_delta", usage={"input_tokens": 10, "output_tokens": 1234})
    records = read(event(type="message_start", message=start), *([grow] * 5), whole, end)
    outputs = [record.usage.output_tokens for record in records if isinstance(record, UsageSeen)]
    assert outputs == [1, 500, 1000, 1250, 1234]


def test_subagents_are_distinguished() -> None:
    text = {"id": "m", "content": [{"type": "text", "text": "sub"}]}
    records = read(line(type="assistant", parent_tool_use_id="t-9", message=text))
    assert records == [Text("sub", "t-9")]
    tally = Tally()
    tally.add(records[0])
    assert (tally.text, tally.last_activity) == ("", "sub")


def test_synthetic_text_is_an_error_and_not_said() -> None:
    body = {"model": "<synthetic>", "content": [{"type": "text", "text": "API Error: 529"}]}
    assert read(line(type="assistant", message=body, error="overloaded", api_error_status=529)) == [
        Failure("overloaded", "API Error: 529", 529)
    ]
    assert read(line(type="assistant", message=body)) == [Note("API Error: 529")]


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        ("authentication_failed", 401, OutcomeKind.AUTH),
        ("authentication_failed", None, OutcomeKind.AUTH),
        ("billing_error", 400, OutcomeKind.AUTH),
        ("rate_limit", 429, OutcomeKind.TRANSIENT),
        ("overloaded", 529, OutcomeKind.TRANSIENT),
        ("server_error", None, OutcomeKind.TRANSIENT),
        ("invalid_request", 400, OutcomeKind.FAILED),
        ("model_not_found", 404, OutcomeKind.COULD_NOT_START),
        ("max_output_tokens", None, OutcomeKind.LIMIT),
        ("a_new_word", 503, OutcomeKind.TRANSIENT),
        ("a_new_word", None, OutcomeKind.FAILED),
    ],
)
def test_api_errors(error: str, status: int | None, kind: OutcomeKind) -> None:
    body = {"model": "<synthetic>", "content": [{"type": "text", "text": "API Error"}]}
    records = read(
        line(type="system", subtype="init"),
        line(type="assistant", message=body, error=error, api_error_status=status),
        line(type="result", subtype="success", is_error=True, api_error_status=status, result="API Error", num_turns=1),
    )
    assert isinstance(records[-1], Final)
    assert records[-1].kind is kind


def test_prose_about_limits_is_not_a_limit() -> None:
    said = "The endpoint keeps returning 429: You've hit your 5-hour limit"
    ended = final(subtype="success", is_error=True, result=said)
    assert ended.kind is OutcomeKind.FAILED


def test_a_rejected_window_is_a_usage_limit() -> None:
    info = {"status": "rejected", "resetsAt": 1900000000, "rateLimitType": "five_hour"}
    records = read(
        line(type="system", subtype="init"),
        line(type="rate_limit_event", rate_limit_info=info),
        line(type="result", subtype="success", is_error=True, result="limit", num_turns=1),
    )
    assert records[1] == LimitSeen(True, 1900000000.0, "five_hour")
    assert isinstance(records[-1], Final)
    assert records[-1].kind is OutcomeKind.USAGE_LIMIT


@pytest.mark.parametrize("later", [{"status": "allowed"}, {"status": "rejected", "isUsingOverage": True}])
def test_a_window_that_opened_again_is_none(later: dict[str, Any]) -> None:
    records = read(
        line(type="system", subtype="init"),
        line(type="rate_limit_event", rate_limit_info={"status": "rejected", "resetsAt": 1900000000}),
        line(type="rate_limit_event", rate_limit_info=later),
        line(type="result", subtype="error_during_execution", is_error=True, num_turns=1),
    )
    assert isinstance(records[-1], Final)
    assert records[-1].kind is OutcomeKind.FAILED


def test_retries() -> None:
    retry = {"type": "system", "subtype": "api_retry", "attempt": 2, "max_retries": 10, "retry_delay_ms": 1500.5}
    assert read(line(**retry, error_status=None, error="unknown")) == [Retry(2, 10, 1.5005, "unknown")]
    (refused,) = read(line(**retry, error_status=401, error="authentication_failed"))
    assert isinstance(refused, Retry)
    assert refused.fatal


def test_denials_are_reported_once() -> None:
    denied = {"tool_name": "Bash", "tool_use_id": "t"}
    records = read(
        line(type="system", subtype="permission_denied", message="no", **denied),
        line(type="result", subtype="success", is_error=False, permission_denials=[denied]),
    )
    assert [record for record in records if isinstance(record, Denied)] == [Denied("Bash", "t", "no")]
    older = read(line(type="result", subtype="success", is_error=False, permission_denials=[denied]))
    assert older[0] == Denied("Bash", "t", "")


def test_cost_of_a_resumed_session_leaves_out_the_earlier_runs() -> None:
    since = {"m": {"inputTokens": 5, "outputTokens": 6, "cacheReadInputTokens": 7, "costUSD": 0.25}}
    totals = {"m": {"inputTokens": 500, "outputTokens": 600, "costUSD": 9.0}}
    fields = {"total_cost_usd": 9.0, "modelUsage": totals, "model_usage_since_last_result": since}
    ended = final(subtype="success", is_error=False, **fields)
    assert (ended.usage, ended.cost_usd, ended.cumulative) == (Usage(5, 6, 7), 0.25, False)


def test_cost_of_older_versions_is_the_last_total() -> None:
    tally = Tally()
    for total, tokens in ((1.0, 10), (1.5, 15)):
        usage = {"m": {"inputTokens": tokens, "costUSD": total}}
        tally.add(final(subtype="success", is_error=False, total_cost_usd=total, modelUsage=usage))
    assert (tally.usage, tally.cost_usd) == (Usage(15), 1.5)


def test_init_and_unknown_lines() -> None:
    assert read(
        line(type="system", subtype="init", model="m", claude_code_version="2.1.330"),
        line(type="system", subtype="tomorrow"),
        line(type="tomorrow"),
        line(type=7),
        b"[]",
    )[:1] == [Started("s-1", "m", "2.1.330")]


def test_background_work_is_waited_for() -> None:
    task = {"task_id": "b1"}
    records = read(
        line(type="system", subtype="background_tasks_changed", tasks=[task]),
        line(type="result", subtype="success", is_error=False),
        line(type="system", subtype="background_tasks_changed", tasks=[]),
        line(type="result", subtype="success", is_error=False),
    )
    assert [record.more_expected for record in records if isinstance(record, Final)] == [True, False]


@pytest.mark.parametrize(
    ("mode", "command", "env", "complains"),
    [
        ("bypassPermissions", ("claude",), {}, True),
        ("bypassPermissions", ("claude",), {"IS_SANDBOX": "1"}, False),
        (None, ("claude", "--dangerously-skip-permissions"), {}, True),
        ("acceptEdits", ("claude",), {}, False),
    ],
)
def test_root_needs_a_sandbox(
    mode: str | None, command: tuple[str, ...], env: dict[str, str], complains: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    problem = Claude().problem(AgentSpec("c", "claude", command, permission_mode=mode), env)
    assert bool(problem) == complains
    if problem:
        assert "IS_SANDBOX=1" in problem
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert Claude().problem(AgentSpec("c", "claude", command, permission_mode=mode), env) is None
