"""`sprint-runner.yaml` as the page changes it: single values replaced, added or taken out, every other byte kept.

All or nothing: every change is checked first, the new text is parsed and must say exactly what was asked, and only
then is it handed back to be written as a whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from settings.check import check
from settings.load import FILE_NAME
from settings.model import SettingsError
from settings.table import BY_NAME

_SCALAR = r"""(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\n#]*?)"""
_REST = r"([ \t]*(?:[ \t]#[^\n]*)?\r?)"  # the comment behind the value, and the end of the line


def edited(text: str, changes: Mapping[str, Any]) -> str:
    """The text of the file with the given settings in it; raises `SettingsError` and then nothing is to be written.

    None takes a setting out of the file, so that its default holds again.
    """
    for name, value in changes.items():
        if value is not None or name not in BY_NAME:
            check(name, value, where="request")
        if not BY_NAME[name].editable:
            raise SettingsError(f"request: {name} can only be set in {FILE_NAME}, by environment or by flag")
    before = _parsed(text)
    new = text
    for name, value in changes.items():
        new = _with(new, name, value)
    gone = {name for name, value in changes.items() if value is None}
    if not _says(new, {name: value for name, value in {**before, **changes}.items() if name not in gone}):
        raise SettingsError(f"{FILE_NAME} is written in a way that cannot be changed safely here: edit it by hand")
    return new


def _says(text: str, wanted: Mapping[str, Any]) -> bool:
    try:
        return _parsed(text) == wanted
    except SettingsError:
        return False


def _parsed(text: str) -> dict[str, Any]:
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
    """Replace the value on the setting's own line, its comment kept, or add a line at the end."""
    written = json.dumps(value, ensure_ascii=False)  # JSON scalars are YAML scalars
    line = re.compile(rf"^({re.escape(name)}[ \t]*:)[ \t]*{_SCALAR}{_REST}$", re.MULTILINE)
    if value is None:
        return _without(text, line)
    if line.search(text) is not None:
        return line.sub(lambda match: f"{match[1]} {written}{match[2]}", text, count=1)
    gap = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{gap}{name}: {written}\n"


def _without(text: str, line: re.Pattern[str]) -> str:
    """Take the setting's line out; a comment behind its value stays, on a line of its own."""
    found = line.search(text)
    if found is None:
        return text
    rest = found[2].strip()
    end = found.end() + (text[found.end() : found.end() + 1] == "\n" and not rest)
    return text[: found.start()] + (found[2].lstrip() if rest else "") + text[end:]
