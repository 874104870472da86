"""Control codes in foreign text: they control terminals, and some reverse the direction of a line in a browser.

Sequences for colours and the cursor are removed; every other control character, and those for the direction of text,
are replaced by a symbol that names them. Line ends and tabs are kept.
"""

from __future__ import annotations

import re
from typing import Any, Final

from security.masking import strings_of

# ECMA-48: CSI and OSC sequences, then two-character escapes. Repetitions are bounded: an OSC may never end.
_SEQUENCE: Final = (
    r"\x1b(?:\[[0-?]{0,40}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,2048}(?:\x07|\x1b\\)|[ -/]{1,4}[0-~]|[@-Z\\^_])"
)
_CONTROL: Final = (
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
)
_ANY: Final = re.compile(rf"\r\n|{_SEQUENCE}|{_CONTROL}")
_ACTS: Final = re.compile(_CONTROL)  # a sequence begins with one too, and a set alone is searched for ten times as fast


def visible(text: str) -> str:
    """Return the text with symbols in place of control characters."""
    return _ANY.sub(_symbol, text)


def visible_value(value: Any) -> Any:
    """Return a JSON value with all of its texts made visible; the same object where nothing changes."""
    return _walked(value) if acts("\n".join(strings_of(value))) else value


def acts(text: str) -> bool:
    """Whether a text contains a control character."""
    return _ACTS.search(text) is not None


def _walked(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(key): _walked(item) for key, item in value.items()}
    return [_walked(item) for item in value] if isinstance(value, list | tuple) else value


def _symbol(found: re.Match[str]) -> str:
    text = found[0]
    if text == "\r\n":
        return "\n"
    if len(text) > 1:
        return ""
    code = ord(text)
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"[U+{code:04X}]"


__all__ = ["acts", "visible", "visible_value"]
