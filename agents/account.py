"""The tokens and dollars of one call, while they are spent.

They have two sources. A final record is the truth about everything before it ("settled"); what was seen since is an
estimate ("pending"), counted once per message id. A call that is killed is booked with both. Dollars that the agent
does not report come from a price list, and are marked as estimates.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.prices import SHIPPED, PriceList
from agents.records import Final, UsageSeen
from agents.spec import Usage
from base import plausible

MAX_REPLIES = 1000  # whose tokens may still change; those of older ones are taken as they are
CENTS_OF_CENTS = 9  # digits behind the point: what is left of an estimate after its replacement is no dollar


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens, dollars (None if unknown), and the part of the dollars that is an estimate."""

    usage: Usage = field(default_factory=Usage)
    usd: float | None = None
    estimated: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        usd = None if self.usd is None and other.usd is None else (self.usd or 0.0) + (other.usd or 0.0)
        return Spent(self.usage + other.usage, usd, self.estimated + other.estimated)

    def replaced(self, before: Spent, now: Spent) -> Spent:
        """The sum when one of its parts turns out to be another."""
        usd = None if self.usd is None else self.usd - (before.usd or 0.0)
        return Spent(self.usage - before.usage, usd, self.estimated - before.estimated) + now


NOTHING = Spent()


class Account:
    """`booked` is what earlier calls of a resumed session were booked with, where `resumed`."""

    def __init__(self, resumed: bool = False, booked: Usage | None = None, prices: PriceList = SHIPPED) -> None:
        self._resumed, self._booked, self._prices = resumed, booked, prices
        self._settled = NOTHING
        self._pending = NOTHING
        self._replies: dict[str, Spent] = {}  # message id -> its part of what is pending
        self._covered: set[str] = set()  # replies that a final record has included
        self._reports_replies = False  # the program itself reports the tokens of its replies
        self.doubts: dict[str, None] = {}  # why a reported cost is not booked, each once

    @property
    def spent(self) -> Spent:
        """So far."""
        return self._settled + self._pending

    @property
    def estimated_usd(self) -> float:
        """The part of the dollars that follows from the price list."""
        return max(0.0, round(self._settled.estimated + self._pending.estimated, CENTS_OF_CENTS))

    def saw(self, seen: UsageSeen, model: str | None) -> None:
        """The tokens of a reply, known better than before; `model` is the call's, where the reply names none."""
        if seen.message_id in self._covered:
            return
        self._reports_replies = self._reports_replies or not seen.guessed
        now = self._priced(seen.usage, seen.cost_usd, seen.model or model)
        self._pending = self._pending.replaced(self._replies.get(seen.message_id, NOTHING), now)
        self._replies[seen.message_id] = now
        if len(self._replies) > MAX_REPLIES:
            del self._replies[next(iter(self._replies))]

    def settle(self, final: Final, model: str | None) -> None:
        """The usage as the agent reports it."""
        usage = self._since_resume(final)
        if not usage:  # says nothing (an interrupted run): what was seen stays the best knowledge
            if self._settled.usd is None:
                self._settled = Spent(self._settled.usage, self._weighed(final.cost_usd), self._settled.estimated)
            return
        now = self._priced(usage, final.cost_usd, model)
        if now.usd is None and final.cumulative:
            now = Spent(usage, self._settled.usd, self._settled.estimated)
        self._settled = now if final.cumulative else self._settled + now
        self._covered = set(self._replies) or self._covered
        self._replies.clear()
        self._pending = NOTHING

    def _priced(self, usage: Usage, reported_usd: float | None, model: str | None) -> Spent:
        cost = self._weighed(reported_usd)
        if cost is not None:
            return Spent(usage, cost)
        usd = self._prices.estimate(usage, model)
        return Spent(usage, usd, usd or 0.0)

    def _weighed(self, reported_usd: float | None) -> float | None:
        """The cost if it can be true, else None and a doubt: a negative one would keep a cap from being reached."""
        doubt = plausible.cost_doubt(reported_usd)
        if doubt is not None and len(self.doubts) < MAX_REPLIES:
            self.doubts[doubt] = None
        return plausible.cost_usd(reported_usd)

    def _since_resume(self, final: Final) -> Usage | None:
        """A session's total less what was booked before; where that is unknown, the replies seen are closer to it."""
        if final.usage is None or not (final.whole_session and self._resumed):
            return final.usage
        if self._booked is not None:
            return final.usage - self._booked
        return None if self._reports_replies else final.usage
