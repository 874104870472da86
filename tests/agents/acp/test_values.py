"""Tables: tokens in every spelling, choices in every shape, permissions by mode, the operator's words as answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents import Usage
from agents.acp import forms, permissions
from agents.acp.options import MODE, MODEL, choice_of, current_model, mode_for, model_for
from agents.acp.permissions import Decision
from agents.acp.protocol import error_words
from agents.acp.usage import piece_usage, session_cost, tokens, turn_model, turn_usage
from agents.json_values import Json

TOKENS: list[tuple[Json, Usage | None]] = [
    ({}, None),
    ({"totalTokens": 5}, None),
    # what was cached is beside the input (Claude), thoughts inside of the output (Codex) or beside it (opencode)
    (
        {"inputTokens": 600, "outputTokens": 240, "cachedReadTokens": 400, "totalTokens": 1240},
        Usage(600, 240, 400),
    ),
    (
        {"inputTokens": 200, "outputTokens": 240, "thoughtTokens": 40, "cachedReadTokens": 400, "totalTokens": 840},
        Usage(200, 240, 400),
    ),
    (
        {"inputTokens": 100, "outputTokens": 100, "thoughtTokens": 20, "cachedReadTokens": 200, "totalTokens": 420},
        Usage(100, 120, 200),
    ),
    # what was cached is part of the input
    ({"inputTokens": 300, "outputTokens": 100, "cachedReadTokens": 200, "totalTokens": 400}, Usage(100, 100, 200)),
    (
        {"inputTokens": 300, "outputTokens": 100, "thoughtTokens": 7, "cachedReadTokens": 200, "totalTokens": 407},
        Usage(100, 107, 200),
    ),
    ({"inputTokens": 3, "outputTokens": 4, "thoughtTokens": 5}, Usage(3, 4)),  # without a total nothing is added
    ({"input_tokens": 600, "output_tokens": 240}, Usage(600, 240)),
    ({"inputTokens": "many", "outputTokens": -3}, Usage()),
]


@pytest.mark.parametrize(("counts", "usage"), TOKENS)
def test_tokens(counts: Json, usage: Usage | None) -> None:
    assert tokens(counts) == usage


def test_the_models_of_a_turn_come_before_its_sum() -> None:
    """The sum leaves out what the program has asked a model for on the side."""
    one = {"model": "a", "token_count": {"inputTokens": 610, "outputTokens": 243, "totalTokens": 853}}
    other = {"model": "b", "token_count": {"inputTokens": 10, "outputTokens": 3}}
    answer = {"usage": {"inputTokens": 600, "outputTokens": 240}, "_meta": {"quota": {"model_usage": [one]}}}
    assert (turn_usage(answer), turn_model(answer)) == (Usage(610, 243), "a")
    answer["_meta"] = {"quota": {"model_usage": [one, other]}}
    assert (turn_usage(answer), turn_model(answer)) == (Usage(620, 246), None)
    answer["_meta"] = {"quota": {"token_count": {"input_tokens": 1, "output_tokens": 2}}}
    assert turn_usage(answer) == Usage(1, 2)
    answer["_meta"] = 7
    assert turn_usage(answer) == Usage(600, 240)
    assert turn_usage({"stopReason": "end_turn"}) is None


def test_pieces_and_costs() -> None:
    assert piece_usage({"_meta": {"usage": {"inputTokens": 5, "outputTokens": 6}}}) == Usage(5, 6)
    assert piece_usage({}) is None
    assert session_cost({"cost": {"amount": 0.5, "currency": "USD"}}) == 0.5
    assert session_cost({"cost": {"amount": 0.5, "currency": "EUR"}}) is None
    assert session_cost({"cost": {"amount": "much", "currency": "USD"}}) is None


# -- choices


def option(category: str, *values: str, **fields: Any) -> Json:
    options = [{"value": value, "name": value} for value in values]
    return {"id": "o", "category": category, "type": "select", "currentValue": values[0], "options": options, **fields}


def test_options_come_before_the_older_ways() -> None:
    session = {
        "configOptions": [option("model", "m-1", "m-2"), option("mode", "ask")],
        "models": {"currentModelId": "old", "availableModels": [{"modelId": "old"}]},
    }
    choice = choice_of(session, MODEL)
    assert choice is not None
    assert (choice.method, choice.values, choice.current) == ("session/set_config_option", ("m-1", "m-2"), "m-1")
    assert choice.params("s", "m-2") == {"sessionId": "s", "configId": "o", "value": "m-2"}
    older = choice_of({"models": session["models"]}, MODEL)
    assert older is not None
    assert (older.method, older.params("s", "old")) == ("session/set_model", {"sessionId": "s", "modelId": "old"})
    assert choice_of({"configOptions": [option("mode", "x", type="boolean")]}, MODE) is None
    assert choice_of({"configOptions": 3, "modes": []}, MODE) is None


@pytest.mark.parametrize(
    ("offered", "name"),
    [
        ("claude-opus-5-5", "claude-opus-5-5"),
        ("$runtime|openai|mock-model(openai)", "mock-model"),
        ("gpt-6.1-sol[low]", "gpt-6.1-sol[low]"),
    ],
)
def test_the_current_model_by_its_plain_name(offered: str, name: str) -> None:
    assert current_model({"configOptions": [option("model", offered)]}) == name


def test_a_model_is_found_by_its_bare_name() -> None:
    choice = choice_of({"configOptions": [option("model", "acme/big", "gpt-6[low]", "gpt-6[high]")]}, MODEL)
    assert choice is not None
    assert model_for("acme/big", choice) == "acme/big"
    assert model_for("big", choice) == "acme/big"
    assert model_for("gpt-6", choice) == "gpt-6[low]"
    assert model_for("gpt-6[high]", choice) == "gpt-6[high]"
    assert model_for("small", choice) is None


@pytest.mark.parametrize(
    ("word", "modes", "found"),
    [
        ("bypassPermissions", ("default", "autoEdit", "yolo", "plan"), "yolo"),
        ("acceptEdits", ("default", "autoEdit", "yolo", "plan"), "autoEdit"),
        ("acceptEdits", ("default", "auto", "acceptEdits"), "acceptEdits"),
        ("plan", ("read-only", "agent"), "read-only"),
        ("autopilot", ("autopilot",), "autopilot"),
        ("bypassPermissions", ("ask",), None),
    ],
)
def test_modes_by_our_words(word: str, modes: tuple[str, ...], found: str | None) -> None:
    assert mode_for(word, choice_of({"modes": {"availableModes": [{"id": mode} for mode in modes]}}, MODE)) == found


# -- permissions

YES, ALWAYS, NO = (
    {"optionId": "1", "name": "Allow once", "kind": "allow_once"},
    {"optionId": "2", "name": "Always allow", "kind": "allow_always"},
    {"optionId": "3", "name": "Reject", "kind": "reject_once"},
)


def request(kind: str, path: str | None = None, options: list[Json] | None = None) -> Json:
    call: Json = {"toolCallId": "t", "kind": kind, "title": "It", "locations": [{"path": path}] if path else []}
    return {"toolCall": call, "options": [ALWAYS, YES, NO] if options is None else options}


DECISIONS = [
    *((None, kind, Decision.ALLOW) for kind in ("read", "search", "think")),
    *((None, kind, Decision.ASK) for kind in ("edit", "delete", "execute", "fetch", "other")),
    *(("bypassPermissions", kind, Decision.ALLOW) for kind in ("edit", "execute", "fetch", "switch_mode")),
    *(("acceptEdits", kind, Decision.ALLOW) for kind in ("read", "edit", "move")),
    *(("acceptEdits", kind, Decision.ASK) for kind in ("execute", "fetch", "other")),
    *(("plan", kind, Decision.REFUSE) for kind in ("edit", "execute", "other", "switch_mode")),
    ("plan", "read", Decision.ALLOW),
    ("a mode of its own", "execute", Decision.ASK),
]


@pytest.mark.parametrize(("mode", "kind", "decision"), DECISIONS)
def test_permissions_by_mode(mode: str | None, kind: str, decision: Decision, tmp_path: Path) -> None:
    assert permissions.decide(mode, request(kind, str(tmp_path / "a.py")), tmp_path) is decision


def test_edits_are_accepted_only_inside_the_work_tree(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    (root / "out").symlink_to(tmp_path)
    for path in ("/etc/passwd", "../x", str(tmp_path / "x"), "out/x", "a\0b"):
        assert permissions.decide("acceptEdits", request("edit", path), root) is Decision.ASK
    assert permissions.decide("acceptEdits", request("edit"), root) is Decision.ASK, "it names no file"
    assert permissions.decide("acceptEdits", request("edit", "src/a.py"), root) is Decision.ALLOW


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [
        ("Allow once", "1"),
        ("always allow", "2"),
        ("1", "2"),
        ("3", "3"),
        ("yes, go on", "1"),
        ("Yes", "1"),
        ("no", "3"),
        ("never do that", "3"),
        ("No one answers. Decide for yourself", "3"),
    ],
)
def test_words_as_the_answer_to_a_permission(answer: str, chosen: str) -> None:
    assert permissions.answered(request("execute"), answer) == {"outcome": {"outcome": "selected", "optionId": chosen}}


def test_without_a_choice_a_permission_is_cancelled() -> None:
    cancelled = {"outcome": {"outcome": "cancelled"}}
    assert permissions.selected(request("execute", options=[]), True) == cancelled
    assert permissions.selected(request("execute", options=[YES]), False) == cancelled


def test_the_question_names_what_is_to_be_done_and_the_choices() -> None:
    asked = request("execute")
    asked["toolCall"] |= {"rawInput": {"command": "rm -rf build"}, "content": [{"type": "text", "text": "in /tmp"}]}
    said = "May it do this: Bash: rm -rf build (in /tmp)? (Always allow / Allow once / Reject)"
    assert permissions.question_of(asked, "/") == said
    second = {"title": "Run it?", "subject": {"type": "command", "command": "make", "cwd": "/x"}, "options": [YES]}
    assert permissions.question_of(second, "/") == "May it do this: Run it?? (Allow once)"
    assert permissions.tool_call_of(second)["rawInput"]["command"] == "make"
    assert permissions.tool_call_of({"toolCall": 3, "subject": []}) == {}


# -- questions

COLOUR = {
    "type": "string",
    "title": "Colour",
    "oneOf": [{"const": "r", "title": "Red"}, {"const": "b", "title": "Blue"}],
}
OTHER = {"type": "string", "title": "Other"}


def form(required: list[str] | None = None, **properties: Json) -> Json:
    schema: Json = {"type": "object", "properties": properties, "required": required or []}
    return {"mode": "form", "message": "Which?", "requestedSchema": schema}


ANSWERS: list[tuple[Json, str, Json | None]] = [
    (form(colour=COLOUR), "blue", {"colour": "b"}),
    (form(colour=COLOUR), "r", {"colour": "r"}),
    (form(colour=COLOUR), "2", {"colour": "b"}),
    (form(colour=COLOUR), "green", None),
    (form(colour=COLOUR, other=OTHER), "Red", {"colour": "r"}),
    (form(colour=COLOUR, other=OTHER), "none of them, green", {"other": "none of them, green"}),
    (form(colour=COLOUR, other=OTHER), "colour: Blue\nother: dark", {"colour": "b", "other": "dark"}),
    (form(colour=COLOUR, other=OTHER), '{"colour": "b"}', {"colour": "b"}),
    (form(["name"], name={"type": "string"}, colour=COLOUR), "ACME", {"name": "ACME"}),
    (form(["a", "b"], a={"type": "string"}, b={"type": "string"}), "one", None),
    (form(["a", "b"], a={"type": "string"}, b={"type": "string"}), "a: one\nb: two", {"a": "one", "b": "two"}),
    (form(sure={"type": "boolean"}), "yes", {"sure": True}),
    (form(sure={"type": "boolean"}), "perhaps", None),
    (form(count={"type": "integer"}), "12", {"count": 12}),
    (form(count={"type": "integer"}), "1.5", None),
    (form(share={"type": "number"}), "1.5", {"share": 1.5}),
    (form(share={"type": "number"}), "nan", None),
    (form(some={"type": "array", "items": {"enum": ["x", "y", "z"]}}), "x, z", {"some": ["x", "z"]}),
    (form(some={"type": "array", "items": {"enum": ["x"]}}), "x, q", None),
    ({"message": "Go on?"}, "yes", {}),
]


@pytest.mark.parametrize(("asked", "answer", "content"), ANSWERS)
def test_words_as_the_answer_to_a_form(asked: Json, answer: str, content: Json | None) -> None:
    expected = forms.DECLINED if content is None else {"action": "accept", "content": content}
    assert forms.answer_of(asked, answer) == expected


def test_the_question_has_the_choices_of_a_form() -> None:
    assert forms.question_of(form(colour=COLOUR, other=OTHER)) == "Which? (Red / Blue)"
    assert forms.question_of(form(["n"], n={"type": "integer"}, c=COLOUR)) == "Which? (n: integer; Colour: Red / Blue)"
    assert forms.question_of({"message": "Go on?"}) == "Go on?"
    assert forms.question_of({"requestedSchema": 3}) == "The agent asks."


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ({"code": 1, "message": "Internal error", "data": {"details": "no key"}}, "no key"),
        ({"code": 1, "message": "Refused", "data": "no key"}, "Refused: no key"),
        ({"code": 1, "message": "no key", "data": {"error": {"message": "no key"}}}, "no key"),
        ({"code": 7}, "error 7"),
        ({"code": 1, "message": "Internal error: Invalid API key"}, "Invalid API key"),
        ({"code": 1, "message": "Internal error"}, "Internal error"),
    ],
)
def test_the_words_of_an_error(error: Json, words: str) -> None:
    assert error_words(error) == words
