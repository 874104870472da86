"""What a forecast knows of the usage windows of an agent's account: what is left, and what stories took of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import agents
from forecast.quota import WindowForecast, WindowState, WindowUse, shares_between, window_forecast
from forecast.samples import Sample
from running.workspace import Workspace
from store import quota as table
from store.quota import QuotaWindow

LOOK_BACK_MS: Final = 30 * 86_400_000  # of readings: the allowances of a subscription change


async def read_windows(
    workspace: Workspace, agent: str, samples: Sequence[Sample], stories: int
) -> list[WindowForecast]:
    """Return for how many of so many stories each window of the agent's account is enough."""
    account, now = agents.account_of(workspace.agents[agent]), workspace.clock()
    open_ones = [window for window in workspace.quota.windows_of(account) if window.ends_at() > now]
    if not open_ones:
        return []
    readings = await workspace.database.read(table.history, int(now * 1000) - LOOK_BACK_MS)
    states = [
        WindowState(account, one.name, one.used, None if one.resets_at is None else int(one.resets_at * 1000))
        for one in open_ones
    ]
    return await asyncio.to_thread(
        _forecasts, states, readings, [one for one in samples if one.agent == agent], stories
    )


def _forecasts(
    states: Sequence[WindowState], readings: Sequence[QuotaWindow], samples: Sequence[Sample], stories: int
) -> list[WindowForecast]:
    finished = [sample.ended_at for sample in samples]
    found = []
    for state in states:
        own = [
            (one.at, one.used_fraction) for one in readings if (one.account, one.window) == (state.account, state.name)
        ]
        found.append(window_forecast(state, WindowUse(state.name, shares_between(own, finished)), stories))
    return found
