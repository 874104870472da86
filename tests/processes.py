"""Processes that carry an agent's mark."""

from __future__ import annotations

from agents.marks import _carries, _needle, _pids


def marked(mark_prefix: str) -> list[int]:
    """Return the pids of living processes whose mark begins with `mark_prefix`."""
    return [pid for pid in _pids() if _carries(pid, _needle(mark_prefix))]
