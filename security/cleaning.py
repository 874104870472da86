"""Events as they may be stored and shown: without secrets, and without what would act on a reader's screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from security.controls import acts, visible_value
from security.masking import Masker, strings_of


def clean_values(values: Sequence[Any], masker: Masker) -> Sequence[Any]:
    """JSON values without secrets and control codes; those in which nothing was found are returned themselves.

    All are searched at once: events come in bursts, and a search costs far more to begin than to continue.
    """
    strings = [text for value in values for text in strings_of(value)]
    if not acts("\n".join(strings)) and not masker.finds(strings):
        return values
    return [visible_value(masker.value(value)) for value in values]


__all__ = ["clean_values"]
