"""The forecasts of one server: for a start, and for what is left of the batch, refreshed after each command.

Promises: nothing of it runs on the event loop but the reading of rows; a forecast that cannot be made keeps no batch
from starting.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from base.tasks import end_tasks
from events import Event, EventType
from forecast.backtest import Backtest, backtest
from payloads import BatchForecast
from running.batch_record import StartRequest, only_stories
from running.forecast import forecast_of, kept_forecast
from running.forecast_inputs import ForecastInputs, Scope, read_history, rest_inputs, start_inputs
from running.forecast_windows import read_windows
from running.preflight import BadRequest, NotNow
from running.preset_choice import choose_preset, preset_of, with_gates
from running.selection import Selection
from running.workspace import Workspace
from runstate.fold import RunState
from runstate.forecast_view import ForecastView
from settings import names_of
from store.batches import get_active_batch
from workflow import Preset

log = logging.getLogger("sprint_runner.forecast")

SETTLE_S: Final = 1.0  # after a commit, until the forecast is made again
OLD_S: Final = 60.0  # after which one that is asked for is made again, as the running command takes longer

# After these, what is left is another thing.
REFRESHED_BY: Final = frozenset(
    {
        *(EventType.BATCH_START, EventType.BATCH_RESUME, EventType.BATCH_PAUSE, EventType.BATCH_END),
        *(EventType.COMMAND_END, EventType.CYCLE_END, EventType.RUN_QUEUE, EventType.STORY_SKIP),
    }
)


class Forecaster:
    """The forecasts. `latest` is that of the batch that runs, None between batches; `on_change` is called for a new
    one. It is made `settle_s` after a command has ended."""

    def __init__(
        self, workspace: Workspace, run_state: RunState, selection: Selection, *, settle_s: float = SETTLE_S
    ) -> None:
        self.latest: ForecastView | None = None
        self.on_change: Callable[[ForecastView | None], None] = _ignore
        self._workspace = workspace
        self._run_state = run_state
        self._selection = selection
        self._settle_s = settle_s
        self._task: asyncio.Task[None] | None = None
        self._stale = False

    # -- before a start ----------------------------------------------------------------------------------------

    async def before_start(self, request: StartRequest) -> ForecastView:
        """Return the forecast for a batch that would be started. Raises `BadRequest` and `NotNow`."""
        workspace = self._workspace
        agent = names_of(request.agent or workspace.settings().agent)[0]
        if agent not in workspace.agents:
            known = ", ".join(sorted(workspace.agents))
            raise BadRequest("agent", f"there is no agent {agent!r}; known are {known}")
        await self._selection.load(workspace.database)
        preset = await choose_preset(workspace, agent, fresh=False)
        return await self._at_start(request, agent, with_gates(preset, request.gates, workspace.settings().gates))

    async def kept(self, request: StartRequest, agent: str, preset: Preset) -> BatchForecast | None:
        """Return what is kept of the forecast with a batch that starts; None where none can be made."""
        try:
            return kept_forecast(await self._at_start(request, agent, preset))
        # The batch is what the operator wants: it starts without a forecast.
        except Exception:
            log.exception("no forecast could be made for the batch")
            return None

    async def _at_start(self, request: StartRequest, agent: str, preset: Preset) -> ForecastView:
        scope = Scope(agent, request.stories, request.cycles, request.start_at)
        return await self._made(await start_inputs(self._workspace, self._selection, preset, scope))

    async def _made(self, inputs: ForecastInputs) -> ForecastView:
        count = len(inputs.begun) + sum(len(keys) for keys in inputs.cycles)
        windows = await read_windows(self._workspace, inputs.conditions.agent, inputs.samples, count)
        return await asyncio.to_thread(forecast_of, replace(inputs, windows=windows))

    # -- of the batch that runs --------------------------------------------------------------------------------

    def committed(self, events: Sequence[Event]) -> None:
        """Take note of a commit; a subscriber of events."""
        if not any(event.type in REFRESHED_BY for event in events):
            return
        self._stale = True
        # The next command starts meanwhile: a forecast has time, and must not take the processor from it.
        self._start(self._settle_s)

    def _start(self, wait_s: float) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._refresh(wait_s), name="forecast")

    async def current(self) -> ForecastView | None:
        """Return the forecast for what is left of the open batch, made once for all who ask at the same time."""
        if await self._workspace.database.read(get_active_batch) is None:
            return None
        now = self._workspace.clock() * 1000
        if self._stale or self.latest is None or now - self.latest.at > OLD_S * 1000:
            self._stale = True
            self._start(0.0)
        if self._task is not None:
            await asyncio.shield(self._task)
        return self.latest

    async def stop(self) -> None:
        await end_tasks(self._task)

    async def _refresh(self, wait_s: float) -> None:
        """Make the forecast again until nothing has changed meanwhile: of many commits at once, one is made."""
        while self._stale:
            await asyncio.sleep(wait_s)
            wait_s, self._stale = self._settle_s, False
            try:
                self.latest = await self.rest()
            # A forecast that fails must not be the last one: the next command brings another.
            except Exception:
                log.exception("the forecast of the batch could not be made")
                self.latest = None
            self.on_change(self.latest)

    async def rest(self) -> ForecastView | None:
        """Return the forecast for what is left of the open batch, None without one. Raises `NotNow`."""
        workspace, database = self._workspace, self._workspace.database
        row = await database.read(get_active_batch)
        if row is None:
            return None
        preset = await preset_of(workspace, row)
        if preset.makes_plan:
            return None
        await self._selection.load(database)
        scope = Scope(row.agent, only_stories(row) or None, row.max_cycles)
        return await self._made(await rest_inputs(workspace, self._selection, preset, scope, row, self._run_state.run))

    async def for_preview(self, request: StartRequest, *, default: bool) -> ForecastView | None:
        """Return the forecast beside a preview: of the open batch where nothing is named (`default`); None for none."""
        with suppress(NotNow):  # the preview says by itself why a start would be refused
            rest = await self.rest() if default else None
            return rest or await self.before_start(request)
        return None

    # -- how right they are ------------------------------------------------------------------------------------

    async def tested(self) -> Backtest:
        return await tested(self._workspace)


async def tested(workspace: Workspace) -> Backtest:
    """Return how often the truth lay inside of the range, over the history of the project."""
    history = await read_history(workspace)
    return await asyncio.to_thread(lambda: backtest(history.samples))


def _ignore(_latest: ForecastView | None) -> None:
    return None
