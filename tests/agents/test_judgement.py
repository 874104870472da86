"""What an end means for the story, by the recordings: the wrong surroundings, money, permissions, healed errors."""

from __future__ import annotations

import pytest

from agents import faults
from agents.adapter import BILLING_ADVICE, MODEL_ADVICE, Ending
from agents.gemini import Gemini
from agents.preflight import version_in
from agents.records import Denied, Final, SubSession, Text
from agents.registry import adapter_for
from agents.spec import OutcomeKind
from agents.text import last_words
from agents.usage import Tally
from tests.agents.streams import judge, read, recording

MODEL_ERRORS = [
    # As the programs print them, each through its own wrapping.
    "unexpected status 404 Not Found: model: nope-9, url: http://127.0.0.1:37371/v1/responses",
    '[API Error: {"error":{"code":404,"message":"models/nope-9 is not found for API version v1beta"}}]',
    "[API Error: 404 model: nope-9]",
    "There's an issue with the selected model (claude-nope-9). It may not exist or you may not have access to it.",
    "The 'nope-9' model is not supported when using Codex with a ChatGPT account.",
    "The model `nope-9` does not exist or you do not have access to it.",
    "model_not_found",
]


@pytest.mark.parametrize("message", MODEL_ERRORS)
def test_an_unknown_model_is_no_storys_fault(message: str) -> None:
    assert faults.kind_of(message) is OutcomeKind.COULD_NOT_START


@pytest.mark.parametrize(
    ("kind", "case"),
    [
        ("claude", "model_404_2.1.332"),
        ("claude", "err_model_404"),
        ("codex", "model_404_0.171.0"),
        ("opencode", "unknown_model"),
    ],
)
@pytest.mark.parametrize("resumed", [False, True])
def test_so_it_is_in_every_stream_and_says_what_to_do(kind: str, case: str, resumed: bool) -> None:
    recorded = recording(kind, case)
    _, tally = read(recorded)
    tally.resumed = resumed
    verdict = judge(recorded, tally)
    assert verdict.kind is OutcomeKind.COULD_NOT_START
    assert MODEL_ADVICE in verdict.reason


@pytest.mark.parametrize(
    "message",
    [
        "Your input exceeds the context window of this model. Please adjust your input and try again.",
        "Selected model is at capacity. Please try a different model.",
        "the model did not answer",
    ],
)
def test_other_words_about_models_are_not_taken_for_it(message: str) -> None:
    assert faults.kind_of(message) is not OutcomeKind.COULD_NOT_START


@pytest.mark.parametrize(("kind", "case"), [("claude", "err_credit_400"), ("codex", "err_429_quota")])
def test_no_money_is_not_answered_with_a_login(kind: str, case: str) -> None:
    recorded = recording(kind, case)
    _, tally = read(recorded)
    verdict = judge(recorded, tally)
    assert verdict.kind is OutcomeKind.AUTH
    assert verdict.reason.endswith(BILLING_ADVICE)
    assert "og in with" not in verdict.reason


def test_a_quota_that_fills_up_again_is_waited_for() -> None:
    message = "You exceeded your current quota, please check your plan and billing details. Please retry in 40.1s."
    assert faults.kind_of(message, 429) is OutcomeKind.USAGE_LIMIT
    limit = faults.limit_seen(message, 1000.0)
    assert limit is not None
    assert limit.resets_at == pytest.approx(1040.1)


def test_a_context_that_opencode_has_compacted_is_no_failure() -> None:
    recorded = recording("opencode", "overflow_healed")
    records, tally = read(recorded)
    assert recorded.exit_code == 1
    assert judge(recorded, tally).kind is OutcomeKind.SUCCESS
    assert tally.text.endswith("[DEV-STORY-COMPLETE: YES]")
    assert "ask for clarification" not in "".join(record.text for record in records if isinstance(record, Text))
    finals = [record for record in records if isinstance(record, Final)]
    assert all(final.more_expected for final in finals)  # no end in the middle is taken for the end


def test_an_exit_code_without_an_earlier_error_still_counts() -> None:
    adapter, tally = adapter_for("opencode"), Tally()
    tally.add(Final(OutcomeKind.SUCCESS))
    assert adapter.judge(tally, Ending(1)).kind is OutcomeKind.FAILED


def test_a_sub_agents_session_is_named_once() -> None:
    records, tally = read(recording("opencode", "subagent"))
    assert len([record for record in records if isinstance(record, SubSession)]) == 1
    assert len(tally.sub_sessions) == 1
    assert tally.usage.total == 3 * 420


@pytest.mark.parametrize(
    ("kind", "case", "tools"),
    [
        ("claude", "tools_denied_default", ["Bash", "Write"]),
        ("codex", "tools_read_only", ["sandbox"]),
        ("gemini", "tools_default_mode", ["run_shell_command", "write_file"]),
        ("opencode", "tools_permission_ask", ["bash"]),
        ("qwen", "tools_default_mode", ["run_shell_command", "write_file"]),
    ],
)
def test_what_was_refused_is_named_with_the_setting(kind: str, case: str, tools: list[str]) -> None:
    _, tally = read(recording(kind, case))
    assert all(tool in tally.refused for tool in tools)
    assert "permission_mode" in tally.refused


def test_a_tool_that_the_model_has_made_up_is_no_refusal() -> None:
    use = b'{"type":"tool_use","timestamp":"t","tool_name":"fly_to_moon","tool_id":"1","parameters":{}}'
    error = b'{"type":"tool_not_registered","message":"Tool not found"}'
    result = b'{"type":"tool_result","timestamp":"t","tool_id":"1","status":"error","error":' + error + b"}"
    parser = Gemini().parser()
    assert not [record for line in (use, result) for record in parser.feed(line) if isinstance(record, Denied)]
    line = b'{"type":"result","subtype":"success","is_error":false,"session_id":"s","permission_denials":'
    line += b'[{"tool_name":"fly_to_moon","tool_use_id":"1"}]}'
    assert not [record for record in adapter_for("qwen").parser().feed(line) if isinstance(record, Denied)]


def test_nothing_refused_is_nothing_said() -> None:
    assert Tally().refused == ""


def test_geminis_missing_key_is_named() -> None:
    stderr = (
        "When using Gemini API, you must specify the GEMINI_API_KEY environment variable.\n"
        "Update your environment and try again (no reload needed if using .env)!\n"
        "[STARTUP] Cannot measure phase 'cleanup_ops': start mark not found (likely cleared by reset).\n"
    )
    verdict = Gemini().judge(Tally(), Ending(41, stderr=stderr))
    assert verdict.kind is OutcomeKind.AUTH
    assert verdict.reason.startswith("When using Gemini API, you must specify the GEMINI_API_KEY")


@pytest.mark.parametrize(
    ("kind", "case", "words"),
    [
        ("codex", "err_400", "Your input exceeds the context window of this model."),
        ("gemini", "err_auth_400", "API key not valid."),
        ("gemini", "err_auth_401", "Request had invalid authentication credentials."),
        ("qwen", "err_auth_401", "401 Incorrect API key provided"),
    ],
)
def test_no_reason_is_json(kind: str, case: str, words: str) -> None:
    recorded = recording(kind, case)
    _, tally = read(recorded)
    assert judge(recorded, tally).reason.startswith(words)


def test_what_good_runs_print_too_is_no_reason() -> None:
    assert (
        last_words("Error of mine\n[STARTUP] Cannot measure phase 'x'\nRipgrep not available: x\n") == "Error of mine"
    )
    assert last_words("Reading additional input from stdin...\n") == ""


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("2.1.332 (Claude Code)\n", "2.1.332 (Claude Code)"),
        ("codex-cli 0.171.0\n", "codex-cli 0.171.0"),
        ("npm warn exec will be installed: @openai/codex@0.171.0\ncodex-cli 0.171.0\n", "codex-cli 0.171.0"),
        ("0.61.0\nThank you for using our company's wrapper!\n", "0.61.0"),
        ("*** wrapper 3 ***\n1.2\n", "1.2"),
        ("no number at all\n", "no number at all"),
        ("", None),
    ],
)
def test_a_wrappers_banner_is_not_the_version(printed: str, version: str | None) -> None:
    assert version_in(printed) == version
