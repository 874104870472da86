"""TOML as lists of tickets are written: one plain value a line. Anything else is left to the full parser.

Several times as fast as that, and never of another opinion: a text that is not wholly of this form, a key that occurs
twice, an escape, a date or a table of another kind gives None.
"""

import re
from typing import Any, Final

_CONTROL: Final = r"\x00-\x08\x0a-\x1f\x7f"
_SCALAR: Final = rf'"[^"\\{_CONTROL}]*"|-?(?:0|[1-9][0-9]*)|true|false'
_VALUE: Final = re.compile(rf"[ \t]*([A-Za-z0-9_-]+)[ \t]*=[ \t]*({_SCALAR}|\[[^\[\]{{}}'#{_CONTROL}]*\])[ \t]*")
_ITEMS: Final = re.compile(rf"[ \t]*(?:(?:{_SCALAR})(?:[ \t]*,[ \t]*(?:{_SCALAR}))*[ \t]*,?[ \t]*)?")
_ITEM: Final = re.compile(_SCALAR)
_TABLE: Final = re.compile(r"[ \t]*\[\[([A-Za-z0-9_-]+)\]\][ \t]*")
_NOTHING: Final = re.compile(rf"[ \t]*(?:#[^{_CONTROL}]*)?")
# Longer ones are refused by Python itself; what then happens is the full parser's to say.
_DIGITS: Final = 18

_WORDS: Final = {"true": True, "false": False}


def parse_plain(text: str) -> dict[str, Any] | None:
    """The root of a text, None where it is not of the plain form."""
    root: dict[str, Any] = {}
    tables: dict[str, list[dict[str, Any]]] = {}
    table = root
    for line in text.split("\n"):
        if (found := _VALUE.fullmatch(line)) is not None:
            key, value = found[1], _value(found[2])
            if key in table or value is None:
                return None
            table[key] = value
        elif (header := _TABLE.fullmatch(line)) is not None:
            if header[1] not in tables and header[1] in root:
                return None
            table = {}
            tables.setdefault(header[1], []).append(table)
            root[header[1]] = tables[header[1]]
        elif _NOTHING.fullmatch(line) is None:
            return None
    return root


def _value(text: str) -> Any:
    if text[0] == '"':
        return text[1:-1]
    if text[0] == "[":
        inner = text[1:-1]
        if _ITEMS.fullmatch(inner) is None:
            return None
        items = [_value(item) for item in _ITEM.findall(inner)]
        return None if None in items else items
    return _WORDS[text] if text in _WORDS else int(text) if len(text) <= _DIGITS else None
