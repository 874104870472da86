"""Money and tokens: what the batch, the day, a story and a command have used, the warning at 80 %, the pause at 100 %.

A cap that is reached is a state, compared with the ledger whenever a command wants to start: no resume, answer or
pause opens the gate past it. Only a larger cap does, or for the day's a new day. A story and a command have caps of
their own while the batch works on them.
"""

from __future__ import annotations

from typing import Final

from payloads import Attention, BatchWarning
from running.caps import Cap, caps_of
from running.waits import Pausable
from running.workspace import Workspace, emit_durable
from store.spending import Spending, spent_by_commands, spent_by_stories

WARN_AT: Final = 0.8  # share of a cap at which the operator is warned
_Key = tuple[str, str, float, int, bool]


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

    async def remaining(self, story_key: str = "", command: str = "") -> float | None:
        """Return the US dollars that the smallest cap leaves to a command; None without a cap."""
        left = [cap.limit - cap.spent for cap in await self._caps() if not cap.in_tokens and not cap.subject]
        left += await self._left_to(story_key, command)
        return max(0.0, min(left)) if left else None

    async def _left_to(self, story_key: str, command: str) -> list[float]:
        """Return what the caps of this story and of this command leave, also before anything is spent."""
        settings, database = self._workspace.settings(), self._workspace.database
        left: list[float] = []
        if self._batch_id is None or not command:
            return left
        if settings.budget_story_usd and story_key:
            story = (await database.read(spent_by_stories, self._batch_id)).get(story_key, Spending())
            left.append(settings.budget_story_usd - story.usd)
        if settings.budget_command_usd:
            key = (story_key, command)
            left.append(
                settings.budget_command_usd
                - (await database.read(spent_by_commands, self._batch_id)).get(key, Spending()).usd
            )
        return left

    async def look(self, gate: Pausable) -> None:
        """Compare the ledger with the caps, before and after every command: warn, and close the gate at a full one."""
        if gate.closed or self._batch_id is None:
            return
        for cap in await self._caps():
            await self._compare(gate, self._batch_id, cap)

    async def _caps(self) -> list[Cap]:
        settings, now = self._workspace.settings(), self._workspace.clock()
        return await caps_of(self._workspace.database, settings, self._batch_id, self._batch_cap, now)

    async def _compare(self, gate: Pausable, batch_id: int, cap: Cap) -> None:
        """Each cap is warned of once and reported once, a raised one and that of another day again."""
        key = (cap.name, cap.subject, cap.limit, cap.day, cap.in_tokens)
        if cap.spent >= cap.limit * WARN_AT and key not in self._warned:
            self._warned.add(key)
            await emit_durable(BatchWarning(batch_id=batch_id, warning_type="budget", message=str(cap)))
        if cap.reached and key not in self._reported:
            self._reported.add(key)
            await emit_durable(Attention(kind="budget", message=f"{cap}: {cap.remedy}"))
        if cap.reached:
            gate.pause("budget")
