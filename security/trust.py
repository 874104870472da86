"""The comparison of a folder's settings with those that the operator has trusted. Pure, without I/O.

Settings are compared leaf by leaf, each under its dotted name, by a digest of the exact value; they are shown as text
with masked secrets. Promises: a text is shown completely or refused, never shortened; control characters and
bidirectional overrides are written out as escapes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from security.masking import Masker, is_secret_name

LEAVES_MAX: Final = 500
CHARS_MAX: Final = 64 * 1024  # of all values together: no operator reads more before trusting it
DEPTH_MAX: Final = 20  # mappings within mappings; aliases of YAML can make endless ones
SECRET: Final = "[masked: set]"  # noqa: S105 - the replacement of a secret
_PLAIN_KEY: Final = re.compile(r"[\w-]+")


class Unlistable(ValueError):
    """Values that cannot be listed for the operator; the message contains the reason."""


class Leaf(msgspec.Struct, frozen=True):
    """One value: its digest, and the text that is shown."""

    digest: str
    shown: str


class Difference(msgspec.Struct, frozen=True):
    """A value that is not trusted. `before` is the one that was; `value` is null where only that one exists."""

    name: str
    value: str | None
    before: str | None


def leaves(values: Mapping[str, Any]) -> dict[str, Leaf]:
    """Return every value under its dotted name. Raises `Unlistable`."""
    found: dict[str, Leaf] = {}
    masker, left = Masker(), CHARS_MAX
    try:
        for name, key, value in _flat("", values, DEPTH_MAX):
            text = _canonical(value, left)
            left -= len(name) + len(text)
            if left < 0 or len(found) >= LEAVES_MAX:
                raise Unlistable(
                    "the settings of this folder are too many or too long to be read before they are trusted"
                )
            shown = SECRET if is_secret_name(key) else masker.text(value if isinstance(value, str) else text)
            found[_written_out(name)] = Leaf(
                hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(), _written_out(shown)
            )
    except (TypeError, RecursionError) as error:
        raise Unlistable(f"the settings of this folder cannot be listed: {error}") from None
    return found


def fingerprint(present: Mapping[str, Leaf]) -> str:
    """Return the hash of exactly these values."""
    pairs = sorted((name, leaf.digest) for name, leaf in present.items())
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()


def differences(present: Mapping[str, Leaf], trusted: Mapping[str, Leaf]) -> list[Difference]:
    """Return what is not trusted: new and changed values, and those that are gone from a setting that remains."""
    settings = {setting_of(name) for name in present}
    names = [*present, *(name for name in trusted if name not in present and setting_of(name) in settings)]
    return [
        Difference(name, _shown(present.get(name)), _shown(trusted.get(name)))
        for name in names
        if _digest(present.get(name)) != _digest(trusted.get(name))
    ]


def setting_of(name: str) -> str:
    """Return the setting that a dotted name belongs to."""
    return name.partition(".")[0]


def _shown(leaf: Leaf | None) -> str | None:
    return None if leaf is None else leaf.shown


def _digest(leaf: Leaf | None) -> str | None:
    return None if leaf is None else leaf.digest


def _flat(prefix: str, values: Mapping[Any, Any], depth: int) -> Iterator[tuple[str, str, Any]]:
    """Yield the dotted name, the last key and the value of each leaf."""
    if depth == 0:
        raise Unlistable("the settings of this folder are nested too deeply to be listed")
    for key, value in values.items():
        name = f"{prefix}{key if _PLAIN_KEY.fullmatch(str(key)) else json.dumps(str(key))}"
        if isinstance(value, dict) and value:
            yield from _flat(f"{name}.", value, depth - 1)
        else:
            yield name, str(key), value


def _canonical(value: Any, longest: int) -> str:
    """Return the value as JSON with sorted keys; aliases that YAML multiplies are bounded while they are written."""
    parts: list[str] = []
    length = 0
    try:
        for part in json.JSONEncoder(ensure_ascii=False, sort_keys=True, default=repr).iterencode(value):
            parts.append(part)
            length += len(part)
            if length > longest:
                raise Unlistable("the settings of this folder are too long to be read before they are trusted")
    except ValueError as error:  # a list that holds itself
        raise Unlistable(f"the settings of this folder cannot be listed: {error}") from None
    return "".join(parts)


def _written_out(text: str) -> str:
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)
