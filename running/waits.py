"""What makes a batch wait at its gate: full caps, hours in which nothing starts, and how such a wait is over."""

from __future__ import annotations

from typing import Final, Protocol

SCHEDULED: Final = "scheduled"  # the reason of a wait for the time at which a batch begins to work
# Why a wait for a clock time is over, by the reason of the wait.
_ENDS: Final = {"question": "no answer", "hours": "active hours", "reserve": "reserve over", "scheduled": "start time"}


def reason_of_end(reason: str | None) -> str:
    """Return why a wait for a clock time is over, by the reason of the wait."""
    return _ENDS.get(reason or "", "limit over")


class Pausable(Protocol):
    """The gate as these rules see it."""

    closed: bool

    def pause(self, reason: str, until: float | None = None, *, announced: bool = False) -> None: ...


class Caps(Protocol):
    """The caps on money: `look` pauses the gate at a full one, `refusal` names it."""

    async def look(self, gate: Pausable, /) -> None: ...
    async def refusal(self) -> str | None: ...


class Hours(Protocol):
    """The hours in which commands start: `look` lets the gate wait outside of them, `open` is the operator's."""

    def look(self, gate: Pausable, /) -> None: ...
    def open(self) -> None: ...
    def opens_at(self) -> float | None: ...
