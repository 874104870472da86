"""The cleaning of events before they are stored and shown: secrets are masked, control codes made visible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from security.controls import acts, visible_value
from security.masking import Masker, strings_of


def clean_values(values: Sequence[Any], masker: Masker) -> Sequence[Any]:
    """Return JSON values without secrets and control codes; the same objects where nothing was found.

    All are searched at once: events come in bursts, and the start of a search costs more than its length.
    """
    strings = [text for value in values for text in strings_of(value)]
    if not acts("\n".join(strings)) and not masker.finds(strings):
        return values
    return [visible_value(masker.value(value)) for value in values]


__all__ = ["clean_values"]
