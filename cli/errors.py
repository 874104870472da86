"""Why the program does not start."""

from __future__ import annotations


class CannotStart(RuntimeError):
    """What the operator has to change before the program can start, in one sentence."""
