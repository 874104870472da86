"""Edits of a section of `sprint-runner.yaml`, such as `commands:`: only the entries that change are written anew.

Knows block style, an entry a line with its values indented below. The caller proves the result by parsing it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

INDENT: Final = "  "
_ENTRY: Final = re.compile(r"""^([ ]+)("[^"\n]*"|'[^'\n]*'|[^\s#"':][^:\n]*?)[ \t]*:(?:[ \t]|\r?$)""")
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*")


def with_section(text: str, name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return the text with the entries of `after` in the section; an empty section is taken out."""
    lines = text.splitlines(keepends=True)
    start = next((at for at, line in enumerate(lines) if re.match(rf"{re.escape(name)}[ \t]*:", line)), None)
    if start is None:
        gap = "" if not text or text.endswith("\n") else "\n"
        return text + gap + "".join([f"{name}:\n", *_written(after, INDENT)]) if after else text
    end = _end_of(lines, start + 1)
    if not after:
        return "".join([*lines[:start], *lines[end:]])
    body = _changed(lines[start + 1 : end], before, after)
    return "".join([*lines[:start], lines[start], *body, *lines[end:]])


def _end_of(lines: Sequence[str], start: int) -> int:
    """Return where the section ends: after its last line that is indented; comments below belong to what follows."""
    end = start
    for at in range(start, len(lines)):
        if lines[at].strip() and not lines[at].startswith((" ", "#")):
            break
        if lines[at].startswith(" ") and lines[at].strip():
            end = at + 1
    return end


def _changed(lines: Sequence[str], before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the lines of the section's body after the change."""
    found = next((match for line in lines if (match := _ENTRY.match(line))), None)
    indent = INDENT if found is None else found[1]
    kept: list[str] = []
    key: str | None = None  # of the entry whose lines are left out, since it is written anew or gone
    for line in lines:
        match = _ENTRY.match(line)
        if match is not None and match[1] == indent:
            named = _unquoted(match[2])
            key = named if named in before and before.get(named) != after.get(named) else None
            if key is not None and key in after:
                kept += _written({key: after[key]}, indent)
        if key is None or line.lstrip().startswith("#"):
            kept.append(line)
    new = {name: value for name, value in after.items() if name not in before}
    if kept and not kept[-1].endswith("\n"):
        kept[-1] += "\n"
    return [*kept, *_written(new, indent)]


def _unquoted(key: str) -> str:
    return key[1:-1] if key[0] in "\"'" else key


def _written(entries: Mapping[str, Any], indent: str) -> list[str]:
    lines: list[str] = []
    for name, values in entries.items():
        lines.append(f"{indent}{_scalar(name)}:\n")
        lines += [f"{indent}{INDENT}{item}: {_scalar(value)}\n" for item, value in values.items()]
    return lines


def _scalar(value: Any) -> str:
    """Return a value as YAML; words that YAML might take for something else are quoted."""
    plain = isinstance(value, str) and _PLAIN.fullmatch(value) is not None and yaml.safe_load(value) == value
    return value if plain else json.dumps(value, ensure_ascii=False)
