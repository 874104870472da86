"""The prompt of a command: a Markdown template of `prompts/` with its placeholders filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from workflow import kind_of

_PLACEHOLDER: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")


class PromptError(RuntimeError):
    """A template that is missing or names a placeholder nobody fills; the message names the file."""


def render(folder: Path, command: str, values: Mapping[str, str]) -> str:
    """The prompt of a command such as `code-review-2`; raises `PromptError`. Values are put in as they are, once."""
    path = folder / f"{kind_of(command)}.md"

    def fill(match: re.Match[str]) -> str:
        try:
            return values[match[1]]
        except KeyError:
            raise PromptError(f"{path}: there is no placeholder {match[1]!r}") from None

    return _PLACEHOLDER.sub(fill, _template(path))


@cache
def _template(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise PromptError(f"{path}: cannot be read: {error.strerror}") from None
