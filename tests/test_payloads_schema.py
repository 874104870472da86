"""The JSON Schema of all events, read by hand: what msgspec writes is a small part of the language."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from payloads import PAYLOADS, EventType, InvalidEvent, json_schema, validate_payload
from tests.test_payloads import FIELDS, JSON, OPTIONAL, REQUIRED, VALID, wrong_values


def allows(schema: Any, value: Any, root: Any) -> bool:
    """Whether a schema accepts a value, for the keywords that occur in ours."""
    unknown = set(schema) - {
        "$ref", "$schema", "$defs", "title", "description", "type", "const", "enum", "anyOf", "oneOf", "properties",
        "required", "items", "minimum", "default", "additionalProperties",
        "prefixItems", "minItems", "maxItems",
    }  # fmt: skip
    assert not unknown
    if "$ref" in schema:
        return allows(root["$defs"][schema["$ref"].rpartition("/")[2]], value, root)
    if "oneOf" in schema:
        return sum(allows(each, value, root) for each in schema["oneOf"]) == 1
    if "anyOf" in schema:
        return any(allows(each, value, root) for each in schema["anyOf"])
    return is_listed(schema, value) and is_of_type(schema, value) and holds_right(schema, value, root)


def is_listed(schema: Any, value: Any) -> bool:
    listed = [schema["const"]] if "const" in schema else schema.get("enum", [value])
    return value in listed and ("minimum" not in schema or (type(value) is int and value >= schema["minimum"]))


def is_of_type(schema: Any, value: Any) -> bool:
    kinds = {
        "integer": lambda: type(value) is int or (type(value) is float and value.is_integer()),
        "number": lambda: type(value) in (int, float),
        "string": lambda: isinstance(value, str),
        "object": lambda: isinstance(value, dict),
        "array": lambda: isinstance(value, list),
        "boolean": lambda: isinstance(value, bool),
        "null": lambda: value is None,
    }
    wanted = schema.get("type", [])
    wanted = [wanted] if isinstance(wanted, str) else wanted
    return not wanted or any(kinds[kind]() for kind in wanted)


def holds_right(schema: Any, value: Any, root: Any) -> bool:
    if isinstance(value, list):
        first = schema.get("prefixItems", [])
        fits = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
        pairs = [*zip(first, value, strict=False), *((schema["items"], item) for item in value[len(first) :])]
        return fits and all(allows(wanted, item, root) for wanted, item in pairs)
    if not isinstance(value, dict):
        return True
    properties = schema.get("properties", {})
    return set(schema.get("required", [])) <= set(value) and all(
        allows(properties[name], item, root) for name, item in value.items() if name in properties
    )


SCHEMA = json_schema()


def envelope(type: str, payload: Any, **other: Any) -> dict[str, Any]:
    return {"type": type, "payload": payload, "timestamp": 1706112000000, "seq": 1, "batch_id": None, **other}


def test_the_schema_names_its_dialect_and_every_type() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert [each["properties"]["type"]["const"] for each in SCHEMA["oneOf"]] == [type.value for type in EventType]


@pytest.mark.parametrize(("type", "payload"), VALID.items())
def test_the_schema_accepts_what_may_be_emitted(type: str, payload: dict[str, Any]) -> None:
    for emitted in (payload, {**payload, "extra": {"a": [1]}}):
        assert allows(SCHEMA, envelope(type, emitted), SCHEMA)
        assert allows(SCHEMA, envelope(type, emitted, batch_id=42), SCHEMA)


@pytest.mark.parametrize(("type", "field", "right"), [row[:3] for row in OPTIONAL])
def test_the_schema_accepts_the_optional_keys(type: str, field: str, right: Any) -> None:
    assert allows(SCHEMA, envelope(type, {**VALID[type], field: right}), SCHEMA)


@pytest.mark.parametrize(("type", "field"), REQUIRED)
def test_the_schema_refuses_a_missing_key(type: str, field: str) -> None:
    payload = {name: value for name, value in VALID[type].items() if name != field}
    assert not allows(SCHEMA, envelope(type, payload), SCHEMA)


@pytest.mark.parametrize(("type", "field"), REQUIRED)
def test_the_schema_refuses_a_wrong_type(type: str, field: str) -> None:
    for wrong in wrong_values(type, field):
        assert not allows(SCHEMA, envelope(type, {**VALID[type], field: wrong}), SCHEMA)


@pytest.mark.parametrize(
    "change", [{"type": "nope"}, {"seq": 0}, {"seq": "1"}, {"timestamp": None}, {"batch_id": "42"}, {"payload": []}]
)
def test_the_schema_refuses_a_wrong_envelope(change: dict[str, Any]) -> None:
    assert not allows(SCHEMA, {**envelope("error", VALID["error"]), **change}, SCHEMA)


@pytest.mark.parametrize("name", ["type", "payload", "timestamp", "seq", "batch_id"])
def test_the_schema_wants_every_key_of_the_envelope(name: str) -> None:
    emitted = envelope("error", VALID["error"])
    del emitted[name]
    assert not allows(SCHEMA, emitted, SCHEMA)


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(list(VALID)), st.sampled_from(FIELDS), JSON)
def test_schema_and_check_agree(type: str, field: str, value: Any) -> None:
    payload = {**VALID[type], field: value}
    try:
        validate_payload(type, payload)
    except InvalidEvent as error:
        assume("lone surrogate" not in str(error))
        accepted = False
    else:
        accepted = True
    assert allows(SCHEMA, envelope(type, payload), SCHEMA) is accepted or integral(value)


def integral(value: Any) -> bool:
    """JSON Schema takes 1.0 for an integer, which Python does not."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (isinstance(value, float) and value.is_integer()) or any(integral(each) for each in inner)


def test_the_schema_shows_every_declared_key() -> None:
    for envelope, (type, payload) in zip(SCHEMA["oneOf"], PAYLOADS.items(), strict=True):
        name = envelope["properties"]["payload"]["$ref"].rpartition("/")[2]
        assert envelope["title"] == type
        assert list(SCHEMA["$defs"][name]["properties"]) == list(payload.__struct_fields__)
