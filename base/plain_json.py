"""The check that a value is plain JSON: that it can be encoded, stored and decoded unchanged, everywhere."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

MAX_DEPTH: Final = 64  # levels of nesting; deeper ones exhaust the stack of recursive JSON readers
INT64_MAX: Final = 2**63 - 1  # the largest integer that SQLite and most clients can hold


class NotPlain(ValueError):
    """A value that JSON cannot represent unchanged; the message begins with its path."""


def check_plain(value: object, path: str = "$", depth: int = 0) -> None:
    """Reject what JSON cannot represent unchanged: non-finite numbers, huge integers, sets, bytes, other objects.

    Raises `NotPlain`.
    """
    # By exact class first, the cheapest test: this runs for every value of every event.
    if value.__class__ is str:
        _check_text(value, path)
    elif value.__class__ in _SCALARS or isinstance(value, Enum):
        _check_scalar(value, path)
    elif depth >= MAX_DEPTH:
        raise NotPlain(f"{path} is nested deeper than {MAX_DEPTH} levels")
    # Only the outermost value may be another mapping: callers copy that to a dict before they encode it.
    elif isinstance(value, dict) or (depth == 0 and isinstance(value, Mapping)):
        _check_mapping(value, path, depth)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            check_plain(item, f"{path}[{index}]", depth + 1)
    else:
        raise NotPlain(f"{path} is {kind_of(value)}, which JSON does not have")


def _check_scalar(value: object, path: str) -> None:
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, int):
        if not -INT64_MAX <= value <= INT64_MAX:
            raise NotPlain(f"{path} is an integer of more than 64 bits")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise NotPlain(f"{path} is {value}, not a finite number")
    elif value is not None:
        raise NotPlain(f"{path} is {kind_of(value)}, which JSON does not have")


def _check_text(value: str, path: str) -> None:
    if value.isascii():  # the common case, and free: a string knows whether it is ASCII
        return
    try:
        value.encode()
    except UnicodeEncodeError:
        raise NotPlain(f"{ascii(path)[1:-1]} contains a lone surrogate, which UTF-8 cannot encode") from None


def _check_mapping(value: Mapping[Any, Any], path: str, depth: int) -> None:
    for key, item in value.items():
        if key.__class__ is not str:
            raise NotPlain(f"{path} has the key {key!r}; keys must be text")
        item_path = f"{path}.{key}"
        _check_text(key, item_path)
        check_plain(item, item_path, depth + 1)


_SCALARS: Final = (None.__class__, bool, int, float)  # exactly these: subclasses may encode differently


def kind_of(value: object) -> str:
    """Return the name of a value's class, for messages."""
    return value.__class__.__name__
