"""The verb `forecast`: what would be started, or what is left of the batch, will cost and take.

As `preview`, it asks the running server, and reads a copy of the records where none runs; the backtest always does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import Any
from urllib.parse import urlencode

import msgspec

from cli.config import ServerConfig
from cli.forecast_text import backtest_lines, forecast_lines
from cli.records import copied_workspace
from cli.remote import REFUSED, Refused, RemoteServer
from forecast.backtest import Backtest
from orchestrator import StartRequest
from running.forecaster import Forecaster, tested
from running.lock import running_url
from running.preflight import BadRequest, NotNow
from running.selection import Selection
from runstate.fold import RunState
from runstate.forecast_view import ForecastView


def show_forecast(options: argparse.Namespace, config: ServerConfig) -> int:
    """Print the forecast or the backtest and return the exit code. Raises `CannotStart`."""
    stories = [key for key in (options.stories or "").split(",") if key] or None
    try:
        if options.backtest:
            result = asyncio.run(_tested(config))
            return _print(result, backtest_lines(result), as_json=options.json)
        found = _asked(config, stories) if running_url(config.data_dir) else asyncio.run(_own(config, stories))
    except (Refused, BadRequest, NotNow) as refusal:
        sys.stderr.write(f"refused: {refusal}\n")
        return REFUSED
    return _print(found, forecast_lines(found), as_json=options.json)


def _print(value: ForecastView | Backtest, lines: Any, *, as_json: bool) -> int:
    text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False) if as_json else "\n".join(lines)
    sys.stdout.write(text + "\n")
    return 0


def _asked(config: ServerConfig, stories: list[str] | None) -> ForecastView:
    query = urlencode({"stories": ",".join(stories)}) if stories else ""
    return msgspec.convert(RemoteServer(config).get(f"/api/forecast?{query}"), ForecastView)


async def _own(config: ServerConfig, stories: list[str] | None) -> ForecastView:
    request = StartRequest(None if stories else config.loaded.settings.default_batch_size, stories)
    async with copied_workspace(config) as workspace:
        forecaster = Forecaster(workspace, RunState(), Selection())
        rest = None if stories else await forecaster.rest()
        return rest or await forecaster.before_start(request)


async def _tested(config: ServerConfig) -> Backtest:
    async with copied_workspace(config) as workspace:
        return await tested(workspace)
