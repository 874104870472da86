"""The label of a batch: its number of cycles, which the page calls groups, and its stories, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

SHOWN_KEYS: Final = 8


def batch_label(cycles: int | None, only: Sequence[str] | None) -> str:
    """Return "2 groups", "all stories", or the given stories: "3 stories: 1-1, 1-2, 2-1"."""
    size = "" if cycles is None else f"{cycles} group{'' if cycles == 1 else 's'}"
    if not only:
        return size or "all stories"
    shown = ", ".join("-".join(key.split("-")[:2]) for key in only[:SHOWN_KEYS])
    more = f" and {len(only) - SHOWN_KEYS} more" if len(only) > SHOWN_KEYS else ""
    stories = f"{len(only)} {'story' if len(only) == 1 else 'stories'}: {shown}{more}"
    return f"{size} of {stories}" if size else stories
