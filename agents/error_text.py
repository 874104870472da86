"""The sentence in an error that a program prints as JSON, whole or in a wrapping of its own."""

from __future__ import annotations

import json
import re
from typing import Final as Constant

from agents import json_values

READ_CHARS: Constant = 16_000  # of an error; what is longer is a response body with its sentence at the beginning
DEPTH: Constant = 4  # of JSON in the strings of JSON; Gemini nests it once

_WRAPPED: Constant = re.compile(r"^\[?API Error:\s*(.*?)\]?$", re.DOTALL)


def plain(message: str) -> str:
    """What an error says, without braces: `{"error": {"message": "Too long"}}` is "Too long"; a text without JSON
    stays as it is, apart from the wrapping `[API Error: …]`."""
    text = message.strip()[:READ_CHARS]
    for _ in range(DEPTH):
        found = _WRAPPED.match(text) if text.startswith("[") else None
        text = found[1].strip() if found else text
        sentence = _said(text)
        if sentence is None:
            return text
        text = sentence.strip()
    return text


def _said(text: str) -> str | None:
    """The message of the first object in `text`, after any text before it; None where there is none."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(text[start:])
    except (ValueError, RecursionError):
        return None
    outer = json_values.as_object(value)
    inner = json_values.as_object(outer.get("error"))
    sentence = json_values.as_text(inner.get("message")) or json_values.as_text(outer.get("message"))
    sentence = sentence or json_values.as_text(outer.get("error"))
    if sentence is None:
        return None
    before = text[:start].strip().rstrip(":").strip()
    return f"{before}: {sentence}" if before else sentence
