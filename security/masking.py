"""Masking of secrets in foreign text: keys and tokens by their known shapes, and the server's own secrets by value.

Promises: masking takes time in proportion to the text, whatever it contains; a text without a secret is returned
unchanged; masked text is not masked again. Values are masked before they are encoded, each text of a JSON value
separately, so that no escape of the encoding is beside a key. A secret without a recognisable shape (a short password)
is not found.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import quote, quote_plus

import msgspec

from security.names import is_secret_name, secret_values
from security.shapes import BEGINNINGS, GROUPS

VALUE_MIN: Final = 8  # characters of a value that is masked wherever it occurs; shorter ones occur in ordinary words
VALUE_MAX: Final = 64 * 1024  # characters; a longer variable is no key
CUT_CHARS: Final = 300  # at the end of a text that was cut off, where the beginning of a key may be
BETWEEN: Final = "\n\0\n"  # a separator that no secret contains
PRIVATE_KEY: Final = "[masked: private key]"

_COLOUR: Final = r"\x1b\[[0-9;]{0,20}[mK]"
_COLOURS: Final = re.compile(rf"(?:{_COLOUR})+")
# The characters of a secret around a place where a tool such as grep changes the colour.
_WORD: Final = r"[A-Za-z0-9_.~+/=%:-]"
# Of consecutive codes only the first is checked: otherwise a text of nothing but codes took ten times as long.
_FIRST_CODE: Final = "".join(rf"(?<!\x1b\[[0-9;]{{{digits}}}[mK]\x1b\[)" for digits in range(21))
_COLOURED_WORD: Final = re.compile(
    rf"\x1b\[(?<={_WORD}\x1b\[)(?>(?<![mK]\x1b\[)|{_FIRST_CODE})[0-9;]{{0,20}}[mK](?:{_COLOUR})*+{_WORD}"
)
_KEY_OPEN: Final = re.compile(r"-----BEGIN [A-Z ]{0,60}PRIVATE KEY(?: BLOCK)?-----(?!.{0,65536}-----END)", re.DOTALL)
_KEY_LINES: Final = re.compile(r"(?:[+> -]?\s{0,40}[A-Za-z0-9+/=]{1,2000}\s{0,8}){1,1000}+")
_KEY_HEADER: Final = re.compile(r"[+> -]?\s{0,40}(?:[A-Za-z-]{1,40}: .{0,200})?\s{0,8}")
_KEY_LINE_MIN: Final = 16  # characters of a key's line, but for its last one

T = TypeVar("T")


class Masker:
    """Masks secrets by shape, and the given values wherever they occur, in every encoding that is known."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        written = {form for value in values if VALUE_MIN <= len(value) <= VALUE_MAX for form in _forms(value)}
        self._values = sorted(written, key=len, reverse=True)  # a longer one may hold a shorter one

    def text(self, text: str) -> str:
        """Return the text with every secret in it replaced by `[masked: what it was]`.

        A line with a colour code within a secret loses its colours.
        """
        if "\x1b" in text and _COLOURED_WORD.search(text):
            # Before anything is masked: the part of a key before its colour may have a shape, and the rest has none.
            plain = _COLOURS.sub("", text)
            if self._mask(plain) != plain:
                text = "\n".join(self._line(line) for line in text.split("\n"))
        masked = self._mask(text)
        if not masked.endswith("…"):
            return masked
        return masked[:-CUT_CHARS] + BEGINNINGS.sub("[masked: key]…", masked[-CUT_CHARS:])

    def value(self, value: Any) -> Any:
        """Return a JSON value with all of its texts masked; the same object where none contains a secret."""
        return _Walk(self).value(value, "") if self.finds(strings_of(value)) else value

    def finds(self, strings: Sequence[str]) -> bool:
        """Whether any of some texts may hold a secret: one search over all of them."""
        joined = BETWEEN.join(strings)
        # The lines of a private key have no shape, so its first line is reason enough to check each of them.
        found = "-----BEGIN" in joined or self.text(joined) != joined
        return found or ("…" in joined and any(text.endswith("…") for text in strings))

    def struct(self, value: T, kind: type[T]) -> T:
        """Return a typed value with all of its texts masked."""
        plain = msgspec.to_builtins(value)
        masked = self.value(plain)
        return value if masked is plain else msgspec.convert(masked, type=kind)

    def json(self, data: bytes) -> bytes:
        """Return JSON with all of its texts masked; the same bytes where none contains a secret."""
        try:
            value = msgspec.json.decode(data)
            masked = self.value(value)
            return data if masked is value else msgspec.json.encode(masked)
        except (ValueError, OverflowError, RecursionError):  # no JSON, a number too large, too deep
            return self.bytes(data)

    def bytes(self, data: bytes) -> bytes:
        """Return bytes of any kind, masked as text; bytes that are not UTF-8 are kept."""
        return self.text(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def lines(self) -> LineMasker:
        """Return a masker of consecutive lines."""
        return LineMasker(self)

    def _mask(self, text: str) -> str:
        for value in self._values:
            if value in text:
                text = text.replace(value, "[masked: value of a variable]")
        for trigger, found, group in _GROUPS:
            if trigger in text and (found is None or found(text)):
                for sub, masked in group.substitutions:
                    text = sub(masked, text)
        return text

    def _line(self, line: str) -> str:
        if "\x1b" not in line:
            return line
        plain = _COLOURS.sub("", line)
        masked = self._mask(plain)
        return line if masked == plain else masked


class LineMasker:
    """Masks consecutive texts, such as the lines of a private key, which have no shape one by one."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._open = False
        self._within = False  # at least one line of a key was seen

    @property
    def is_open(self) -> bool:
        """Whether a private key has begun and not ended."""
        return self._open

    def text(self, text: str) -> str:
        """Return the next text, masked."""
        if not self._open:
            self._open, self._within = _opens(text), False
            return self._masker.text(text)
        if "-----END" in text:
            self._open = False
            before, _, after = text.partition("-----END")
            return f"{PRIVATE_KEY}-----END{self._masker.text(after)}" if before.strip("+> -") else text
        if self._is_key(text):
            self._within = True
            return PRIVATE_KEY
        if _KEY_HEADER.fullmatch(text) is None:
            self._open = False
        return self._masker.text(text)

    def _is_key(self, text: str) -> bool:
        longest = max((len(line.strip("+> -\t\r")) for line in text.split("\n")), default=0)
        return (self._within or longest >= _KEY_LINE_MIN) and _KEY_LINES.fullmatch(text) is not None


class _Walk:
    """Masks a value text by text; texts under the same name follow each other, such as the lines of a change."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._lines: dict[str, LineMasker] = {}

    def value(self, value: Any, name: str) -> Any:
        if isinstance(value, str):
            return self._lines.setdefault(name, LineMasker(self._masker)).text(value) if value else value
        if isinstance(value, dict):
            return {self._masker.text(key): self.value(item, key) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item, name) for item in value]
        return value


def strings_of(value: Any) -> list[str]:
    """Return every text of a JSON value, names of fields included."""
    found: list[str] = []
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            waiting.extend(reversed(value.values()))
            found.extend(key for key in value if isinstance(key, str))
        elif isinstance(value, list | tuple):
            waiting.extend(reversed(value))
    return found


def _opens(text: str) -> bool:
    """Whether a private key begins in a text and does not end in it."""
    start = text.rfind("-----BEGIN")
    if start < 0 or (found := _KEY_OPEN.match(text, start)) is None:
        return False
    rest = text[found.end() :]
    return not rest.strip() or _KEY_LINES.fullmatch(rest.strip()) is not None


def _forms(value: str) -> set[str]:
    """Return a value as it is, and encoded as JSON, as JSON in JSON, as HTML and for URLs."""
    try:
        written = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
        written |= {json.dumps(form)[1:-1] for form in tuple(written)}
        return written | {quote(value, safe=""), quote_plus(value), quote(value), html.escape(value)}
    except UnicodeEncodeError:  # bytes of the environment that are not text
        return {value}


_GROUPS: Final = [(group.trigger, group.prefilter and group.prefilter.search, group) for group in GROUPS]

__all__ = ["LineMasker", "Masker", "is_secret_name", "secret_values", "strings_of"]
