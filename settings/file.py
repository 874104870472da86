"""Edits of `sprint-runner.yaml`: single values are replaced, added or removed, every other byte is kept.

All or nothing: every change is validated first, then the new text is parsed and compared with the requested values
before it is returned.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from settings.check import check
from settings.load import FILE_NAME
from settings.model import SettingsError, SettingValues
from settings.section_edit import with_section
from settings.table import BY_NAME

_SCALAR = r"""(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\n#]*?)"""
_REST = r"([ \t]*(?:[ \t]#[^\n]*)?\r?)"  # the comment after the value, and the end of the line


def edited(text: str, changes: Mapping[str, Any]) -> str:
    """Return the text of the file with the changed settings; raises `SettingsError` if that is impossible.

    None removes a setting from the file, which restores its default.
    """
    for name, value in changes.items():
        if value is not None or name not in BY_NAME:
            check(name, value, where="request")
        if not BY_NAME[name].editable:
            raise SettingsError(f"request: {name} can only be set in {FILE_NAME}, by environment or by flag")
    before = _parsed(text)
    new = text
    for name, value in changes.items():
        if BY_NAME[name].kind == "mapping" and not _is_on_one_line(new, name):
            new = with_section(new, name, before.get(name) or {}, value or {})
        else:
            new = _with(new, name, value)
    removed = {name for name, value in changes.items() if value is None}
    # The edit is by lines, YAML is not: only the parsed result proves that it has changed what it should.
    if not _parses_to(new, {name: value for name, value in {**before, **changes}.items() if name not in removed}):
        raise SettingsError(f"{FILE_NAME} is written in a way that cannot be changed safely here: edit it by hand")
    return new


def _is_on_one_line(text: str, name: str) -> bool:
    return re.search(rf"^{re.escape(name)}[ \t]*:[ \t]*\{{", text, re.MULTILINE) is not None


def _parses_to(text: str, wanted: Mapping[str, Any]) -> bool:
    try:
        return _parsed(text) == wanted
    except SettingsError:
        return False


def _parsed(text: str) -> SettingValues:
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError(f"{FILE_NAME} cannot be read as YAML: {' '.join(str(error).split())}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError(f"{FILE_NAME} must be a mapping of settings")
    return content


def _with(text: str, name: str, value: Any) -> str:
    """Replace the value on the setting's line and keep its comment, or add a line at the end."""
    written = json.dumps(value, ensure_ascii=False)  # JSON scalars are YAML scalars
    line = re.compile(rf"^({re.escape(name)}[ \t]*:)[ \t]*{_SCALAR}{_REST}$", re.MULTILINE)
    if value is None:
        return _without(text, line)
    if line.search(text) is not None:
        return line.sub(lambda match: f"{match[1]} {written}{match[2]}", text, count=1)
    gap = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{gap}{name}: {written}\n"


def _without(text: str, line: re.Pattern[str]) -> str:
    """Remove the setting's line; a comment after its value is kept on its own line."""
    found = line.search(text)
    if found is None:
        return text
    rest = found[2].strip()
    end = found.end() + (text[found.end() : found.end() + 1] == "\n" and not rest)
    return text[: found.start()] + (found[2].lstrip() if rest else "") + text[end:]
