"""The choices that a question names at its end: `… ? (Allow once / Reject)`."""

from __future__ import annotations

import re
from typing import Final

CHOICES_MAX: Final = 4  # choices that are offered
CHOICE_MAX: Final = 60  # characters of a choice
_CHOICES: Final = re.compile(r"\? \(([^()]+)\)$")


def choices_of(question: str) -> list[str]:
    """Return the choices that a question names at its end, none where it names none or too many."""
    found = _CHOICES.search(question)
    names = [] if found is None else found[1].split(" / ")
    return names if 2 <= len(names) <= CHOICES_MAX and all(0 < len(name) <= CHOICE_MAX for name in names) else []
