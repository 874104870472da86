"""The frontmatter grammar of ticket files. It is not YAML, and a YAML reader would see other values.

One `key: value` a line, the later of two equal keys counts. A value ends at three blanks and `#`;
a comment behind one blank is allowed only after a quoted value.
"""

import json
import re
from dataclasses import dataclass, field

from sprint.model import SprintError

Scalar = str | int | bool
Value = Scalar | list[Scalar]

_COMMENT = re.compile(r"\s{3,}#.*$")
_DOUBLE = re.compile(r'("(?:[^"\\]|\\.)*")(?:\s+#.*)?$')
_SINGLE = re.compile(r"'((?:[^']|'')*)'(?:\s+#.*)?$")
_NUMBER = re.compile(r"-?\d{1,18}$")
_FENCE = "---"


class TreeError(SprintError):
    """A ticket tree that cannot be used; the sentence names the file. Nothing may be started from it."""


@dataclass(frozen=True, slots=True)
class Front:
    """The values of a block and the text below it; `closed` is false for a block without an end."""

    values: dict[str, Value] = field(default_factory=dict)
    body: str = ""
    closed: bool = True

    def text(self, key: str) -> str:
        """A value as text, "" where it is absent or a list."""
        value = self.values.get(key, "")
        return "" if isinstance(value, list) else _shown(value)

    def flag(self, key: str) -> bool:
        return is_true(self.values.get(key))

    def items(self, key: str) -> list[Scalar]:
        """A value as a list: one item for a single value, none where there is nothing."""
        value = self.values.get(key, "")
        if isinstance(value, list):
            return value
        return [] if value == "" else [value]


def is_true(value: object) -> bool:
    """Whether a flag is set: `true`, or any text that says so without regard to case."""
    return isinstance(value, bool | str) and str(value).lower() == "true"


def decoded(data: bytes) -> str:
    """UTF-8 without a byte-order mark, every line end as a newline. Raises UnicodeDecodeError."""
    text = data.decode("utf-8-sig")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def split_front(text: str) -> tuple[list[str], str, bool] | None:
    """The lines of the block, the text below, whether it closes; None for a text without frontmatter."""
    # A blank behind the fence, or a line before it, means that there is no frontmatter.
    if not text.startswith(_FENCE + "\n"):
        return None
    # From 3, the newline of the opening fence, since a block may be empty.
    end = text.find(f"\n{_FENCE}\n", 3)
    if end >= 0:
        return text[4:end].split("\n") if end > 3 else [], text[end + 5 :], True
    if text.endswith(f"\n{_FENCE}"):
        return text[4:-4].split("\n"), "", True
    return text[4:].split("\n"), "", False


def parse_front(text: str, *, strict: bool) -> Front | None:
    """The frontmatter of a text; None if there is none. `strict`: a block list raises TreeError."""
    found = split_front(text)
    if found is None:
        return None
    lines, body, closed = found
    values: dict[str, Value] = {}
    for line in lines:
        bare = line.strip()
        # Plans hold block lists such as `deferred:`, which the tool skips; nothing here needs them.
        if bare.startswith("- ") and strict:
            raise TreeError("frontmatter lists must be inline: `key: [a, b]`")
        if not bare or bare[0] == "#" or (not strict and (line[0] in " \t" or bare.startswith("- "))):
            continue
        key, colon, value = bare.partition(":")
        if colon:
            values[key.strip()] = value_of(value)
    return Front(values, body, closed)


def value_of(text: str) -> Value:
    """The text behind the colon."""
    text = _COMMENT.sub("", text).strip()
    if text.startswith("[") and text.endswith("]"):
        inner = text[1:-1].strip()
        # The grammar splits at every comma, also inside of quotes.
        return [_scalar(item) for item in inner.split(",")] if inner else []
    return _scalar(text)


def _scalar(text: str) -> Scalar:
    text = text.strip()
    if (quoted := _DOUBLE.match(text)) is not None:
        try:
            # `strict=False` permits control characters in the text, such as a tab, which JSON forbids.
            return str(json.loads(quoted[1], strict=False))
        except ValueError:
            return text
    if (single := _SINGLE.match(text)) is not None:
        return single[1].replace("''", "'")
    if text in ("true", "false"):
        return text == "true"
    return int(text) if _NUMBER.match(text) else text


def _shown(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
