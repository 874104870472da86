"""The budgets of batch and day: a warning at 80 % of the cost, a pause at 100 %."""

from __future__ import annotations

import datetime
from typing import Final

from payloads import Attention, BatchWarning
from running.gate import Gate
from running.workspace import Workspace, emit_durable
from store.commands import cost_of_batch, cost_since

WARN_AT: Final = 0.8  # share of a cap at which the operator is warned


class Budget:
    """The budgets of one batch, in US dollars; None is no limit. A resume by the operator lifts a reached one."""

    def __init__(self, workspace: Workspace, batch_id: int, batch_cap: float | None) -> None:
        self._workspace = workspace
        self._batch_id = batch_id
        self._batch_cap = batch_cap
        self._warned: set[tuple[str, int]] = set()
        self._reached: set[tuple[str, int]] = set()

    async def look(self, gate: Gate) -> None:
        """Compare the ledger with the caps; called after every command."""
        settings = self._workspace.settings()
        caps = {"batch": self._batch_cap or settings.budget_batch_usd, "day": settings.budget_day_usd}
        if gate.closed or not any(caps.values()):
            return
        database, today = self._workspace.database, today_ms(self._workspace.clock())
        spent = {
            "batch": await database.read(cost_of_batch, self._batch_id),
            "day": await database.read(cost_since, today),
        }
        for name, cap in caps.items():
            if cap is not None:
                await self._compare(gate, (name, today if name == "day" else 0), spent[name], cap)

    async def _compare(self, gate: Gate, of: tuple[str, int], spent: float, cap: float) -> None:
        """Check one budget: it warns once and pauses once, that of the day again on another day."""
        said = f"${spent:.2f} of the {of[0]}'s budget of ${cap:.2f} is spent"
        if spent >= cap * WARN_AT and of not in self._warned:
            self._warned.add(of)
            await emit_durable(BatchWarning(batch_id=self._batch_id, warning_type="budget", message=said))
        if spent >= cap and of not in self._reached:
            self._reached.add(of)
            await emit_durable(Attention(kind="budget", message=f"{said}: the batch is paused"))
            gate.pause("budget")


def today_ms(now: float) -> int:
    """Return local midnight before a time in seconds, as ms since the epoch, also on days of a clock change."""
    midnight = datetime.datetime.combine(datetime.date.fromtimestamp(now), datetime.time())
    return int(midnight.timestamp() * 1000)
