"""The usage and changes of a command, as `metrics` of its events and as columns of its row."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from agents import Outcome, Usage
from git.trees import Diff
from payloads import Metrics, or_unset


def used(usage: Usage, cost_usd: float | None, estimated_usd: float) -> Metrics:
    """Return tokens and cost. `estimated_usd` is the part of the cost that the agent did not report itself.

    An agent that reports neither has used something all the same: unknown is not zero.
    """
    if not usage and cost_usd is None:
        return Metrics()
    return Metrics(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        cost_usd=or_unset(cost_usd),
        estimated_usd=UNSET if cost_usd is None else estimated_usd,
    )


def metrics_of(outcome: Outcome, change: Diff | None) -> Metrics:
    """Return all metrics at the end of a call; `change` is None if git did not measure it."""
    metrics = used(outcome.usage, outcome.cost_usd, outcome.estimated_usd)
    metrics.duration_ms = outcome.duration_ms
    metrics.turns, metrics.exit_code = or_unset(outcome.turns), or_unset(outcome.exit_code)
    if change is not None:
        metrics.files_changed = change.files_changed
        metrics.lines_added, metrics.lines_removed = change.lines_added, change.lines_removed
    return metrics


def columns_of(metrics: Metrics | None) -> dict[str, Any]:
    """Return the columns of a command's row for its metrics; they have the same names."""
    return {} if metrics is None else msgspec.to_builtins(metrics)
