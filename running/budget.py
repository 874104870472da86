"""Money and tokens: what the batch and the day have used, the warning at 80 %, the pause at 100 %.

A cap that is reached is a state, compared with the ledger whenever a command wants to start: no resume, answer or
pause opens the gate past it. Only a larger cap does, or for the day's a new day.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Final

from payloads import Attention, BatchWarning
from running.waits import Pausable
from running.workspace import Workspace, emit_durable
from store.commands import cost_of_batch, cost_since, tokens_of_batch, tokens_since

WARN_AT: Final = 0.8  # share of a cap at which the operator is warned
_Key = tuple[str, float, int, bool]


@dataclass(frozen=True, slots=True)
class Cap:
    """One cap, in US dollars or in tokens, and what is spent of it. `day` is that of the day's cap (ms), 0 for the
    batch's."""

    name: str
    limit: float
    spent: float
    day: int
    remedy: str
    in_tokens: bool = False

    @property
    def reached(self) -> bool:
        return self.spent >= self.limit

    def __str__(self) -> str:
        if self.in_tokens:
            return f"{self.spent:,.0f} of the {self.name}'s budget of {self.limit:,.0f} tokens are used"
        return f"${self.spent:.2f} of the {self.name}'s budget of ${self.limit:.2f} is spent"


class Budget:
    """The caps of one batch. `batch_cap` is the one it was started with; without one that of the settings counts."""

    def __init__(self, workspace: Workspace, batch_id: int | None, batch_cap: float | None) -> None:
        self._workspace = workspace
        self._batch_id = batch_id
        self._batch_cap = batch_cap
        self._warned: set[_Key] = set()
        self._reported: set[_Key] = set()

    async def refusal(self) -> str | None:
        """Return which cap is reached and what opens it again, None where none is."""
        reached = [cap for cap in await self._caps() if cap.reached]
        return f"{reached[0]}: {reached[0].remedy}" if reached else None

    async def remaining(self) -> float | None:
        """Return the US dollars that the smallest cap leaves, for all commands that run; None without a cap."""
        left = [cap.limit - cap.spent for cap in await self._caps() if not cap.in_tokens]
        return max(0.0, min(left)) if left else None

    async def look(self, gate: Pausable) -> None:
        """Compare the ledger with the caps, before and after every command: warn, and close the gate at a full one."""
        if gate.closed or self._batch_id is None:
            return
        for cap in await self._caps():
            await self._compare(gate, self._batch_id, cap)

    async def _caps(self) -> list[Cap]:
        settings, database = self._workspace.settings(), self._workspace.database
        found = []
        usd = self._batch_cap or settings.budget_batch_usd
        if usd and self._batch_id is not None:
            spent = await database.read(cost_of_batch, self._batch_id)
            own = "stop the batch and start another one with a larger budget"
            found.append(Cap("batch", usd, spent, 0, own if self._batch_cap else "raise budget_batch_usd to continue"))
        if settings.budget_day_usd:
            today = today_ms(self._workspace.clock())
            remedy = "raise budget_day_usd, or wait for the next day"
            found.append(Cap("day", settings.budget_day_usd, await database.read(cost_since, today), today, remedy))
        return found + await self._token_caps()

    async def _token_caps(self) -> list[Cap]:
        """Of models without a price only the tokens are known."""
        settings, database = self._workspace.settings(), self._workspace.database
        found = []
        if settings.budget_batch_tokens and self._batch_id is not None:
            used = await database.read(tokens_of_batch, self._batch_id)
            remedy = "raise budget_batch_tokens to go on"
            found.append(Cap("batch", settings.budget_batch_tokens, used, 0, remedy, in_tokens=True))
        if settings.budget_day_tokens:
            today = today_ms(self._workspace.clock())
            remedy = "raise budget_day_tokens, or wait for the next day"
            used = await database.read(tokens_since, today)
            found.append(Cap("day", settings.budget_day_tokens, used, today, remedy, in_tokens=True))
        return found

    async def _compare(self, gate: Pausable, batch_id: int, cap: Cap) -> None:
        """Each cap is warned of once and reported once, a raised one and that of another day again."""
        key = (cap.name, cap.limit, cap.day, cap.in_tokens)
        if cap.spent >= cap.limit * WARN_AT and key not in self._warned:
            self._warned.add(key)
            await emit_durable(BatchWarning(batch_id=batch_id, warning_type="budget", message=str(cap)))
        if cap.reached and key not in self._reported:
            self._reported.add(key)
            await emit_durable(Attention(kind="budget", message=f"{cap}: {cap.remedy}"))
        if cap.reached:
            gate.pause("budget")


def today_ms(now: float) -> int:
    """Return local midnight before a time in seconds, as ms since the epoch, also on days of a clock change."""
    midnight = datetime.datetime.combine(datetime.date.fromtimestamp(now), datetime.time())
    return int(midnight.timestamp() * 1000)
