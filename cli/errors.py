"""The error of a program that cannot start."""

from __future__ import annotations


class CannotStart(RuntimeError):
    """The program cannot start; the message is one sentence on what the operator has to change."""
