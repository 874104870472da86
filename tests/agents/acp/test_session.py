"""The order of a call, and what stops it before and in its prompt: one sentence, a bounded wait, the lines kept."""

from __future__ import annotations

import json

import pytest

from agents import Denied, Note, OutcomeKind, Question, Started, Text, ToolCall, ToolResult
from agents.acp import connection, session
from agents.records import Retry, UsageSeen
from tests.agents.acp.conftest import AcpBench
from tests.agents.children import ended, hasten

NOT_BEGUN = [
    ("greet(version=3)", OutcomeKind.COULD_NOT_START, "It speaks version 3 of the Agent Client Protocol, and not 1."),
    ("greet(version='1')", OutcomeKind.COULD_NOT_START, "It speaks version '1' of the Agent Client Protocol"),
    ("greet(version=2)", OutcomeKind.COULD_NOT_START, "It speaks version 2 of the Agent Client Protocol, and not 1."),
    ("error(hear(), -32603, 'Internal error', data={'details': 'no home'})", OutcomeKind.COULD_NOT_START, "No home."),
    ("greet(); error(hear(), -32603, 'bad folder')", OutcomeKind.COULD_NOT_START, "Bad folder."),
    ("greet(); error(hear(), -32000, 'Authentication required')", OutcomeKind.AUTH, "Authentication required."),
    (
        "greet(auth=['login']); error(hear(), -32000, 'Authentication required')",
        OutcomeKind.AUTH,
        "Authentication required. It offers: Run login.",
    ),
    ("greet(); error(hear(), 1, '429 Too Many Requests: status 429')", OutcomeKind.TRANSIENT, "429 Too Many Requests"),
    ("sys.stderr.write('Error: unknown option --acp\\n'); sys.exit(2)", OutcomeKind.COULD_NOT_START, "The agent ended"),
    ("print('usage: small [options]'); sys.exit(1)", OutcomeKind.COULD_NOT_START, "The agent ended with exit code 1"),
    ("greet(); sys.exit(0)", OutcomeKind.TRUNCATED, "The agent ended with exit code 0 without a final record."),
]


@pytest.mark.parametrize(("script", "kind", "reason"), NOT_BEGUN)
async def test_what_cannot_begin_says_why(acp: AcpBench, script: str, kind: OutcomeKind, reason: str) -> None:
    outcome = await acp.run(script + "\nhear()")
    assert (outcome.kind, outcome.reason[: len(reason)]) == (kind, reason)


@pytest.mark.parametrize(
    ("script", "method"),
    [
        ("time.sleep(600)", "initialize"),
        ("print('Welcome to the small agent!', flush=True); time.sleep(600)", "initialize"),
        ("greet(); time.sleep(600)", "session/new"),
        ("greet(auth=['api-key']); error(hear(), -32000, 'x'); time.sleep(600)", "authenticate"),
    ],
)
async def test_a_request_without_a_response_times_out(
    acp: AcpBench, monkeypatch: pytest.MonkeyPatch, script: str, method: str
) -> None:
    monkeypatch.setattr(session, "HANDSHAKE_S", 1.0)
    outcome = await acp.run(script)
    assert outcome.kind is OutcomeKind.STALLED
    assert outcome.reason.startswith(f"No answer to {method} for 1 s.")


async def test_a_login_by_key_is_used_and_none_that_needs_a_browser(acp: AcpBench) -> None:
    outcome = await acp.run(
        """
        greet(auth=["browser", "openai-api-key"])
        error(hear(), -32000, "Authentication required")
        login = hear()
        assert login["params"] == {"methodId": "openai-api-key"}
        result(login); opened(); text("in"); result(hear(), stopReason="end_turn")
        """
    )
    assert (outcome.kind, outcome.text) == (OutcomeKind.SUCCESS, "in")


async def test_a_login_of_the_settings_comes_first(acp: AcpBench) -> None:
    acp.settings = {"auth_method": "vertex"}
    outcome = await acp.run(
        """
        greet(auth=["vertex"]); login = hear()
        assert (login["method"], login["params"]) == ("authenticate", {"methodId": "vertex"})
        result(login); opened(); result(hear(), stopReason="end_turn")
        """
    )
    assert outcome.kind is OutcomeKind.SUCCESS


STOPS = [
    ("result(m, stopReason='end_turn')", OutcomeKind.SUCCESS, ""),
    ("result(m, stopReason='max_tokens')", OutcomeKind.LIMIT, "The reply was cut off at the output limit."),
    ("result(m, stopReason='max_turn_requests')", OutcomeKind.LIMIT, "The limit of requests in a turn was reached."),
    ("result(m, stopReason='refusal')", OutcomeKind.FAILED, "The agent refuses to continue with this prompt."),
    ("result(m, stopReason='cancelled')", OutcomeKind.FAILED, "The turn was cancelled."),
    ("result(m, stopReason='_new')", OutcomeKind.FAILED, "The turn ended with '_new'."),
    ("error(m, -32000, 'Login expired')", OutcomeKind.AUTH, "Login expired."),
    ("error(m, -32603, 'API Error: 401 Unauthorized')", OutcomeKind.AUTH, "API Error: 401 Unauthorized."),
    ("error(m, -32603, 'Internal error', data={'details': '503 unavailable'})", OutcomeKind.TRANSIENT, "503"),
    ("error(m, -32603, 'model not found: x')", OutcomeKind.COULD_NOT_START, "Model not found: x."),
    ('error(m, 4, "You\'ve hit your usage limit. Try again in 2 hours.")', OutcomeKind.USAGE_LIMIT, "You've hit"),
    ("error(m, 402, 'credit balance is too low')", OutcomeKind.AUTH, "Credit balance is too low. Add credit"),
    ("error(m, -32603, 'the tool broke')", OutcomeKind.FAILED, "The tool broke."),
    ("sys.exit(0)", OutcomeKind.TRUNCATED, "The agent ended with exit code 0 without a final record."),
    ("os.kill(os.getpid(), 11)", OutcomeKind.TRUNCATED, "The agent was killed by SIGSEGV without a final record."),
]


@pytest.mark.parametrize(("end", "kind", "reason"), STOPS)
async def test_every_end_of_a_turn_is_judged(acp: AcpBench, end: str, kind: OutcomeKind, reason: str) -> None:
    outcome = await acp.run(f"m = prompted(); text('so far'); {end}\nhear()")
    assert outcome.kind is kind, outcome.reason
    assert outcome.reason.startswith(reason)
    assert outcome.text == "so far"
    assert outcome.session_id == "s-1"


CHOICES = [
    ({"model": "x"}, "opened()", "It does not let one choose a model: leave `model` out"),
    ({"model": "x"}, "opened(models={'availableModels': [{'modelId': 'a'}, {'modelId': 'b'}]})", "Unknown model 'x'"),
    ({"permission_mode": "wild"}, "opened()", "There is no mode 'wild': it offers none."),
    (
        {"permission_mode": "wild"},
        "opened(modes={'availableModes': [{'id': 'ask'}, {'id': 'code'}]})",
        "There is no mode 'wild': it offers ask, code.",
    ),
]


@pytest.mark.parametrize(("settings", "script", "reason"), CHOICES)
async def test_what_is_not_offered_cannot_be_chosen(
    acp: AcpBench, settings: dict[str, str], script: str, reason: str
) -> None:
    acp.settings = settings
    outcome = await acp.run(f"greet(); {script}; hear()")
    assert outcome.kind is OutcomeKind.COULD_NOT_START
    assert outcome.reason.startswith(reason)


async def test_mode_and_model_are_set_in_the_way_that_is_offered(acp: AcpBench) -> None:
    acp.settings = {"permission_mode": "bypassPermissions", "model": "big"}
    outcome = await acp.run(
        """
        greet()
        option = {"id": "m", "category": "model", "type": "select", "currentValue": "small"}
        groups = [{"group": "g", "name": "g", "options": [{"value": "acme/big", "name": "Big"}]}]
        opened(modes={"currentModeId": "ask", "availableModes": [{"id": "ask"}, {"id": "yolo"}]},
               configOptions=[{**option, "options": groups}])
        mode = hear()
        assert (mode["method"], mode["params"]["modeId"]) == ("session/set_mode", "yolo")
        result(mode)
        model = hear()
        assert (model["method"], model["params"]["configId"], model["params"]["value"]) == (
            "session/set_config_option", "m", "acme/big")
        result(model, configOptions=[{**option, "currentValue": "acme/big", "options": groups}])
        result(hear(), stopReason="end_turn")
        """
    )
    assert (outcome.kind, outcome.model) == (OutcomeKind.SUCCESS, "acme/big")


async def test_a_mode_that_the_program_refuses_still_decides_its_permissions(acp: AcpBench) -> None:
    acp.settings = {"permission_mode": "bypassPermissions"}
    outcome = await acp.run(
        """
        greet(); opened(modes={"currentModeId": "ask", "availableModes": [{"id": "ask"}, {"id": "yolo"}]})
        error(hear(), -32603, "not as root")
        m = hear()
        options = [{"optionId": "y", "name": "Yes", "kind": "allow_once"}]
        got = ask("session/request_permission", toolCall={"toolCallId": "t", "kind": "execute"}, options=options)
        assert got["result"] == {"outcome": {"outcome": "selected", "optionId": "y"}}
        result(m, stopReason="end_turn")
        """
    )
    assert outcome.kind is OutcomeKind.SUCCESS


DAMAGE = """
m = prompted()
os.write(1, b"\\xff\\xfe not a line\\n" + b'{"jsonrpc": "2.0", "method": "session/upd\\n')
os.write(1, b'[1, 2]\\n"text"\\nnull\\n{"no": "message"}\\n{"jsonrpc": "2.0", "id": 77, "result": {}}\\n')
os.write(1, b'{"jsonrpc":"2.0","method":"_x/y"}{"jsonrpc":"2.0","method":"_x/z"}\\n')
say(method="session/update", params=7); say(method="session/update", params={"update": {"sessionUpdate": "new"}})
say(method="session/update", params={"update": {"sessionUpdate": "tool_call", "toolCallId": 9, "content": 3}})
say(id=None, method="x"); say(id=[1], method="x"); say(id={"a": 1}, result=4)
text("still here")
"""


async def test_damaged_lines_are_counted_and_kept(acp: AcpBench) -> None:
    outcome = await acp.run(DAMAGE + "result(m, stopReason='end_turn')")
    assert (outcome.kind, outcome.text) == (OutcomeKind.SUCCESS, "still here")
    assert outcome.malformed_lines >= 5
    recorded = acp.recorded()
    for line in (b"\xff\xfe not a line\n", b'{"jsonrpc": "2.0", "method": "session/upd\n', b"[1, 2]\n"):
        assert line in recorded


async def test_a_line_of_megabytes_is_read(acp: AcpBench) -> None:
    outcome = await acp.run("m = prompted(); text('x' * 5_000_000 + ' end'); result(m, stopReason='end_turn')")
    assert outcome.kind is OutcomeKind.SUCCESS
    assert outcome.text.endswith("xxx end")


async def test_a_program_that_imitates_our_lines_decides_nothing(acp: AcpBench) -> None:
    outcome = await acp.run(
        """
        m = prompted()
        print(json.dumps({"sent": {"jsonrpc": "2.0", "id": "a-1", "method": "fs/read_text_file"}}), flush=True)
        result(m, stopReason="end_turn")
        """
    )
    assert outcome.kind is OutcomeKind.SUCCESS


async def test_what_is_not_offered_is_answered_with_an_error(acp: AcpBench) -> None:
    outcome = await acp.run(
        """
        m = prompted()
        unknown = ask("_vendor/thing")
        form = ask("elicitation/create", mode="form", message="?")  # no question may be asked in this call
        text(f"{unknown['error']['code']} {form['error']['code']}")
        result(m, stopReason="end_turn")
        """
    )
    assert outcome.text == "-32601 -32601"


async def test_too_many_requests_at_once_are_refused(acp: AcpBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_OPEN", 2)
    outcome = await acp.run(
        """
        m = prompted()
        started = ask("terminal/create", command="sleep 600")["result"]["terminalId"]
        for number in range(3):
            say(id=f"w-{number}", method="terminal/wait_for_exit", params={"terminalId": started})
        refused = hear()
        text(refused["id"] + " " + refused["error"]["message"])
        say(method="$/cancel_request", params={"requestId": "w-0"})
        text(f" {hear()['error']['code']}")
        result(m, stopReason="end_turn")
        """
    )
    assert outcome.text.startswith("w-2 more than 2 requests at once")
    assert outcome.text.endswith("-32800")


async def test_a_program_that_ignores_the_cancel_is_ended(acp: AcpBench) -> None:
    process = await acp.start(
        """
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        m = prompted(); text("a", messageId="1"); text("b", messageId="2")
        heard = hear(); open("heard", "w").write(json.dumps(heard["method"]) + "\\n")
        while True: time.sleep(1)
        """
    )
    await acp.until(Text)
    process.stop()
    outcome = await ended(process)
    assert (outcome.kind, outcome.exit_code) == (OutcomeKind.STOPPED, -9)
    assert acp.heard() == ["session/cancel"]


async def test_a_cancel_answers_what_the_program_waits_for(acp: AcpBench) -> None:
    acp.given = {"may_ask": True}
    process = await acp.start(
        """
        m = prompted()
        say(id="p", method="session/request_permission", params={"toolCall": {"toolCallId": "t"}, "options": []})
        heard = [hear(), hear()]
        open("heard", "w").write("".join(json.dumps(one) + "\\n" for one in heard))
        result(m, stopReason="cancelled")
        """
    )
    await acp.until(Question)
    process.stop()
    outcome = await ended(process)
    assert (outcome.kind, outcome.exit_code) == (OutcomeKind.STOPPED, 0)
    cancel, answer = sorted(acp.heard(), key=lambda one: "result" in one)
    assert cancel["method"] == "session/cancel"
    assert answer["result"] == {"outcome": {"outcome": "cancelled"}}
    assert not any(isinstance(record, Denied) for record in acp.records)


async def test_what_the_operator_refuses_is_no_fault_of_the_settings(acp: AcpBench) -> None:
    acp.given = {"may_ask": True}
    process = await acp.start(
        """
        m = prompted()
        options = [{"optionId": "n", "name": "No", "kind": "reject_once"}]
        call = {"toolCallId": "t", "kind": "edit", "rawInput": {"path": "a.py"}}
        got = ask("session/request_permission", toolCall=call, options=options)
        text(got["result"]["outcome"]["optionId"]); result(m, stopReason="end_turn")
        """
    )
    await acp.until(Question)
    assert process.answer("better not")
    outcome = await ended(process)
    assert (outcome.text, outcome.refused) == ("n", "")
    assert Note("You have refused: Edit a.py") in acp.records


async def test_a_turn_that_ends_before_the_answer_is_over(acp: AcpBench) -> None:
    acp.given = {"may_ask": True}
    outcome = await acp.run(
        """
        m = prompted()
        say(id="q", method="elicitation/create", params={"mode": "form", "message": "Which?"})
        text("I did not wait."); result(m, stopReason="end_turn"); time.sleep(600)
        """
    )
    assert (outcome.kind, outcome.text) == (OutcomeKind.SUCCESS, "I did not wait.")


async def test_silence_is_measured_again_after_an_answer(acp: AcpBench) -> None:
    acp.given = {"may_ask": True}
    process = await acp.start(
        """
        m = prompted()
        schema = {"type": "object", "properties": {"a": {"type": "string"}}}
        got = ask("elicitation/create", mode="form", message="Which?", requestedSchema=schema)
        assert got["result"] == {"action": "accept", "content": {"a": "this"}}, got
        time.sleep(600)
        """
    )
    await acp.until(Question)
    hasten(process, silence_s=0.3)
    assert process.answer("this")
    outcome = await ended(process)
    assert outcome.kind is OutcomeKind.STALLED
    assert outcome.reason.startswith("No output for 0.3 s.")


async def test_a_program_that_does_not_read_is_ended(acp: AcpBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.dialogue.MAX_UNREAD_BYTES", 100_000)
    (acp.call().cwd / "big").write_text("x" * 300_000)
    outcome = await acp.run(
        """
        m = prompted()
        for number in range(5):
            say(id=f"r-{number}", method="fs/read_text_file", params={"path": os.path.abspath("big")})
        time.sleep(600)
        """
    )
    assert outcome.kind is OutcomeKind.STALLED
    assert outcome.reason.startswith("It does not read what it is sent.")


async def test_tool_calls_are_reported_once_with_what_they_do(acp: AcpBench) -> None:
    outcome = await acp.run(
        """
        m = prompted(); text("I look.", messageId="1")
        update("tool_call", toolCallId="a", title="bash", kind="execute", status="pending", rawInput={})
        update("tool_call_update", toolCallId="a", title="run", rawInput={"command": "pytest -q"}, status="in_progress")
        failed = {"metadata": {"exit": 3}, "output": "1 failed"}
        update("tool_call_update", toolCallId="a", status="completed", rawOutput=failed)
        place = [{"path": os.path.abspath("src/a.py")}]
        update("tool_call_update", toolCallId="b", title="Write", kind="edit", status="completed", locations=place)
        update("tool_call", toolCallId="c", title="Thinking hard", kind="think", status="pending")
        text("Done.", messageId="2")
        result(m, stopReason="end_turn")
        """
    )
    assert outcome.text == "Done."
    assert [record.summary for record in acp.records if isinstance(record, ToolCall)] == [
        "Bash: pytest -q",
        "Edit src/a.py",
        "Thinking hard",
    ]
    assert [(record.id, record.ok, record.text) for record in acp.records if isinstance(record, ToolResult)] == [
        ("a", False, "1 failed"),
        ("b", True, ""),
    ]


async def test_a_loaded_session_costs_what_this_call_has_cost(acp: AcpBench) -> None:
    acp.given = {"resume": "s-1"}
    outcome = await acp.run(
        """
        greet(loadSession=True)
        load = hear()
        assert (load["method"], load["params"]["sessionId"]) == ("session/load", "s-1")
        text("what was said before")
        update("usage_update", used=1, size=2, cost={"amount": 0.5, "currency": "USD"})
        result(load)
        m = hear()
        update("usage_update", used=1, size=2, cost={"amount": 0.6, "currency": "USD"})
        text("new"); update("usage_update", used=1, size=2, cost={"amount": 0.75, "currency": "USD"})
        result(m, stopReason="end_turn", usage={"inputTokens": 10, "outputTokens": 5, "totalTokens": 15})
        """
    )
    assert (outcome.text, outcome.usage.input_tokens, outcome.cost_usd) == ("new", 10, 0.25)
    assert [record.cost_usd for record in acp.records if isinstance(record, UsageSeen)] == [
        pytest.approx(0.1),
        pytest.approx(0.25),
    ]


async def test_a_session_is_loaded_where_it_is_only_said_to_be_resumed(acp: AcpBench) -> None:
    acp.given = {"resume": "s-1"}
    outcome = await acp.run(
        """
        greet(loadSession=True, sessionCapabilities={"resume": {}})
        error(hear(), -32601, "Method not found"); load = hear()
        assert load["method"] == "session/load"
        result(load); m = hear(); text("on"); result(m, stopReason="end_turn")
        """
    )
    assert (outcome.kind, outcome.text, outcome.session_id) == (OutcomeKind.SUCCESS, "on", "s-1")


async def test_another_currency_is_no_dollar(acp: AcpBench) -> None:
    outcome = await acp.run(
        """
        m = prompted(); update("usage_update", used=1, size=2, cost={"amount": 3, "currency": "EUR"})
        result(m, stopReason="end_turn")
        """
    )
    assert (outcome.cost_usd, outcome.usage.total) == (None, 0)


async def test_a_word_of_the_program_is_no_word_of_the_agent(acp: AcpBench) -> None:
    outcome = await acp.run(
        """
        m = prompted(); text("[DEV-STORY-COMPLETE: YES]")
        text("**Warning:** something", _meta={"claudeCode": {"kind": "informational"}})
        result(m, stopReason="end_turn")
        """
    )
    assert outcome.text == "[DEV-STORY-COMPLETE: YES]"
    assert any(isinstance(record, Note) for record in acp.records)


async def test_an_error_reported_as_the_agents_text_is_an_error(acp: AcpBench) -> None:
    """Codex ends such a turn well; its thread's status says what it was."""
    outcome = await acp.run(
        """
        def codex(**fields):
            update("session_info_update", _meta={"codex": fields})
        m = prompted(); codex(threadStatus={"type": "active"})
        info = {"responseStreamDisconnected": {"httpStatusCode": 503}}
        codex(error={"message": "Reconnecting... 1/2", "willRetry": True, "codexErrorInfo": info,
                     "additionalDetails": "unexpected status 503: Overloaded"})
        codex(threadStatus={"type": "systemError"})
        text("unexpected status 503 Service Unavailable: Overloaded")
        codex(threadStatus={"type": "idle"})
        result(m, stopReason="end_turn", usage=None)
        """
    )
    assert (outcome.kind, outcome.text) == (OutcomeKind.TRANSIENT, "")
    assert outcome.reason == "Unexpected status 503 Service Unavailable: Overloaded."
    (retry,) = [record for record in acp.records if isinstance(record, Retry)]
    assert retry == Retry(1, 2, None, "unexpected status 503: Overloaded", 503)


async def test_version_two_is_spoken_where_the_settings_say_so(acp: AcpBench) -> None:
    acp.settings = {"protocol_version": 2}
    outcome = await acp.run(
        """
        hello = hear()
        assert (hello["params"]["protocolVersion"], hello["params"]["capabilities"]) == (2, {})
        result(hello, protocolVersion=2, capabilities={"session": {}}, info={"name": "small", "version": "2.0"})
        opened(); m = hear(); result(m)
        update("user_message", messageId="u", content=[{"type": "text", "text": "do it"}])
        update("state_update", state="running")
        update("tool_call_update", toolCallId="a", title="x", kind="execute", rawInput={"command": "ls"})
        one = {"type": "content", "content": {"type": "text", "text": "one"}}
        update("tool_call_content_chunk", toolCallId="a", content=one)
        update("tool_call_update", toolCallId="a", status="completed")
        update("agent_message", messageId="1", content=[{"type": "text", "text": "whole"}])
        print("[" + json.dumps({"jsonrpc": "2.0", "method": "x"}) + "]", flush=True)
        update("state_update", state="idle", stopReason="end_turn", usage={"inputTokens": 3, "outputTokens": 4})
        """
    )
    assert (outcome.kind, outcome.text, outcome.usage.total) == (OutcomeKind.SUCCESS, "whole", 7)
    assert next(record.version for record in acp.records if isinstance(record, Started)) == "2.0"
    assert [record.text for record in acp.records if isinstance(record, ToolResult)] == ["one"]


async def test_who_speaks_only_version_one_is_spoken_to_in_it(acp: AcpBench) -> None:
    acp.settings = {"protocol_version": 2}
    outcome = await acp.run("m = prompted(); text('one'); result(m, stopReason='end_turn')")
    assert (outcome.kind, outcome.text) == (OutcomeKind.SUCCESS, "one")


async def test_the_recording_has_both_sides_in_their_order(acp: AcpBench) -> None:
    await acp.run("m = prompted(); text('x'); result(m, stopReason='end_turn')")
    lines = [json.loads(line) for line in acp.recorded().splitlines()]
    assert [line["sent"]["method"] if "sent" in line else line.get("method", "answer") for line in lines] == [
        *("initialize", "answer", "session/new", "answer", "session/prompt", "session/update", "answer")
    ]
