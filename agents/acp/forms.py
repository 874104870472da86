"""Questions of a program (`elicitation/create`) as questions to the operator, and the operator's words as their answer.

A form has named fields. One answer in words fills a single field, or the one field that must be filled; several are
filled by lines such as `colour: blue`, or by a JSON object. A choice is named by its title, its value or its number.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from agents import json_values
from agents.acp.permissions import QUESTION_CHARS
from agents.json_values import Json
from agents.text import one_line

DECLINED: Final[Json] = {"action": "decline"}
CANCELLED: Final[Json] = {"action": "cancel"}
_LINE: Final = re.compile(r"^\s*([^:\n]{1,80}?)\s*:\s*(.+?)\s*$", re.MULTILINE)
_YES: Final = ("yes", "y", "true", "1", "on")
_NO: Final = ("no", "n", "false", "0", "off")


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form. `choices` are pairs of value and title; empty where any text will do."""

    name: str
    title: str
    kind: str
    required: bool
    choices: tuple[tuple[str, str], ...] = ()

    def value_of(self, reply: str) -> Any:
        """The value that words mean, None where they mean none."""
        reply = reply.strip()
        if self.kind == "array":
            values = [self._choice(part.strip()) for part in reply.split(",")]
            return values if all(value is not None for value in values) else None
        if self.choices:
            return self._choice(reply)
        if self.kind == "boolean":
            return True if reply.casefold() in _YES else False if reply.casefold() in _NO else None
        if self.kind in ("integer", "number"):
            return _number(reply, self.kind == "integer")
        return reply or None

    def _choice(self, reply: str) -> str | None:
        for number, (value, title) in enumerate(self.choices, 1):
            if reply.casefold() in (value.casefold(), title.casefold(), str(number)):
                return value
        return None if self.choices else reply


def fields_of(request: Json) -> tuple[Field, ...]:
    """The fields of a form."""
    schema = json_values.as_object(request.get("requestedSchema"))
    required = schema.get("required")
    named = required if isinstance(required, list) else []
    properties = json_values.as_object(schema.get("properties"))
    return tuple(_field(name, json_values.as_object(shape), name in named) for name, shape in properties.items())


def question_of(request: Json) -> str:
    """The question with the choices of its fields."""
    message = json_values.as_text(request.get("message")) or "The agent asks."
    fields = fields_of(request)
    # What is neither a choice nor required is room for a remark beside the others.
    main = [field for field in fields if field.choices or field.required] or list(fields)
    shown = []
    for field in main:
        names = " / ".join(title for _, title in field.choices)
        shown.append(names if len(main) == 1 else f"{field.title}: {names or field.kind}")
    choices = "; ".join(part for part in shown if part)
    return one_line(f"{message} ({choices})" if choices else message, QUESTION_CHARS)


def answer_of(request: Json, reply: str) -> Json:
    """The answer to a form; words that fit none of its fields decline it."""
    fields = fields_of(request)
    content = _from_json(fields, reply) or _from_lines(fields, reply) or _from_words(fields, reply)
    if fields and not content:
        return DECLINED
    if any(field.required and field.name not in content for field in fields):
        return DECLINED
    return {"action": "accept", "content": content}


def _from_json(fields: tuple[Field, ...], reply: str) -> Json:
    try:
        given = json_values.as_object(json.loads(reply))
    except (ValueError, RecursionError):
        return {}
    return {field.name: given[field.name] for field in fields if field.name in given}


def _from_words(fields: tuple[Field, ...], reply: str) -> Json:
    """The first choice that fits; else the first text, where no other field must be filled."""
    must = [field for field in fields if field.required] or list(fields)
    by_choice = [field for field in must if field.choices or field.kind != "string"]
    for field in (*by_choice, *(field for field in fields if not field.choices and field.kind == "string")):
        value = field.value_of(reply)
        if value is not None and not [other for other in fields if other.required and other is not field]:
            return {field.name: value}
    return {}


def _from_lines(fields: tuple[Field, ...], reply: str) -> Json:
    given = {name.casefold(): value for name, value in _LINE.findall(reply)}
    content = {}
    for field in fields:
        words = given.get(field.name.casefold()) or given.get(field.title.casefold())
        value = None if words is None else field.value_of(words)
        if value is not None:
            content[field.name] = value
    return content


def _field(name: str, shape: Json, required: bool) -> Field:
    kind = json_values.as_text(shape.get("type")) or "string"
    listed = json_values.as_object(shape.get("items")) if kind == "array" else shape
    titled = json_values.as_objects(listed.get("oneOf")) or json_values.as_objects(listed.get("anyOf"))
    choices = [(str(entry.get("const")), str(entry.get("title") or entry.get("const"))) for entry in titled]
    if not choices and isinstance(listed.get("enum"), list):
        choices = [(str(value), str(value)) for value in listed["enum"]]
    return Field(name, json_values.as_text(shape.get("title")) or name, kind, required, tuple(choices))


def _number(reply: str, whole: bool) -> float | int | None:
    try:
        return int(reply) if whole else json_values.as_number(float(reply))
    except ValueError:
        return None
