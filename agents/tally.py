"""What a stream of records adds up to: text, tokens, cost, session, last activity.

Tokens and cost have two sources. A Final is the truth about everything before it ("settled"); what was seen since is an
estimate ("pending"), counted once per message id. A call that is killed is booked with settled plus pending.
"""

from __future__ import annotations

from collections import deque

from agents.prices import estimate
from agents.records import (
    Denied,
    Failure,
    Final,
    LimitSeen,
    Noise,
    Question,
    Record,
    Retry,
    Started,
    Text,
    ToolCall,
    ToolResult,
    UsageSeen,
)
from agents.spec import Outcome, OutcomeKind, Usage
from agents.wording import first_line

MAX_TEXT_CHARS = 16 * 1024 * 1024  # of the agent's text that is kept for reading a verdict; the end is what counts
MAX_OPEN_CALLS = 1000  # tool calls remembered until their result comes


class Tally:
    """The state of one call, folded from its records. Cheap: called for every record on the event loop."""

    def __init__(self, model: str | None = None, resumed: bool = False, booked: Usage | None = None) -> None:
        self.session_id: str | None = None
        self.model = model
        self.resumed, self._booked = resumed, booked
        self.final: Final | None = None
        self.limit: LimitSeen | None = None
        self.failure: Failure | None = None
        self.retry: Retry | None = None
        self.question: str | None = None
        self.denied: Denied | None = None
        self._last_said = ""
        self.started = False  # anything came on stdout that is a record
        self.malformed = 0
        self.turns: int | None = None
        self._texts: deque[str] = deque()
        self._text_chars = 0
        self._pending: dict[str, tuple[Usage, float | None]] = {}  # message id -> tokens and dollars
        self._pending_usage, self._pending_cost = Usage(), 0.0
        self._replies_told = False  # the program itself reports the tokens of its replies
        self._covered: set[str] = set()
        self._settled = Usage()
        self._settled_cost: float | None = None
        self._open_calls: dict[str, str] = {}

    @property
    def text(self) -> str:
        """All the main agent said, in order."""
        return "\n".join(self._texts)

    @property
    def usage(self) -> Usage:
        """Tokens so far."""
        return self._settled + self._pending_usage

    @property
    def cost_usd(self) -> float | None:
        """Dollars so far, None when neither the agent nor the price table knows."""
        known = self._settled_cost is not None or any(cost is not None for _, cost in self._pending.values())
        return (self._settled_cost or 0.0) + self._pending_cost if known else None

    @property
    def last_activity(self) -> str:
        """The last thing said or done, in one line."""
        return first_line(self._last_said)

    @property
    def open_call(self) -> str | None:
        """The summary of the newest tool call without a result."""
        return next(reversed(self._open_calls.values())) if self._open_calls else None

    def outcome(self, kind: OutcomeKind, reason: str, exit_code: int | None, duration_ms: int) -> Outcome:
        """The outcome of the call, judged by others."""
        return Outcome(
            kind=kind,
            reason=reason,
            exit_code=exit_code,
            text=self.text,
            usage=self.usage,
            cost_usd=self.cost_usd,
            session_id=self.session_id,
            model=self.model,
            turns=self.turns,
            duration_ms=duration_ms,
            resets_at=self.limit.resets_at if kind is OutcomeKind.USAGE_LIMIT and self.limit else None,
            malformed_lines=self.malformed,
            last_activity=self.last_activity,
        )

    def add(self, record: Record) -> None:
        """Fold one record in."""
        if isinstance(record, Noise):
            self.malformed += 1
            return
        self.started = self.started or not isinstance(record, Denied | Retry)
        if isinstance(record, Text | ToolCall | ToolResult | Final):
            self.retry = None
        match record:
            case Text():
                self._add_text(record)
            case ToolCall():
                self._open(record)
            case ToolResult():
                self._open_calls.pop(record.id, None)
                self.question = None
            case UsageSeen():
                self._add_usage(record)
            case Final():
                self._settle(record)
            case Started():
                self.session_id = record.session_id or self.session_id
                self.model = record.model or self.model
            case _:
                self._add_event(record)

    def _add_text(self, record: Text) -> None:
        if record.text and not record.text.isspace():
            self._last_said = record.text
        if record.subagent is not None:
            return
        self._texts.append(record.text)
        self._text_chars += len(record.text)
        while self._text_chars > MAX_TEXT_CHARS and len(self._texts) > 1:
            self._text_chars -= len(self._texts.popleft())

    def _open(self, record: ToolCall) -> None:
        self._last_said = record.summary
        self._open_calls[record.id] = record.summary
        if len(self._open_calls) > MAX_OPEN_CALLS:
            del self._open_calls[next(iter(self._open_calls))]

    def _add_usage(self, seen: UsageSeen) -> None:
        if seen.message_id in self._covered:
            return
        self.model = self.model or seen.model
        self._replies_told = self._replies_told or not seen.guessed
        cost = seen.cost_usd if seen.cost_usd is not None else estimate(seen.usage, seen.model or self.model)
        before, cost_before = self._pending.get(seen.message_id, (Usage(), None))
        self._pending[seen.message_id] = (seen.usage, cost)
        self._pending_usage = self._pending_usage - before + seen.usage
        self._pending_cost += (cost or 0.0) - (cost_before or 0.0)

    def _add_event(self, record: Record) -> None:
        match record:
            case Retry():
                self.retry = record
            case LimitSeen():
                self.limit = record
            case Failure():
                self.failure = record
            case Denied():
                self.denied = record
            case Question():
                self.question = record.text

    def _settle(self, final: Final) -> None:
        self.final = final
        self.session_id = final.session_id or self.session_id
        if final.turns is not None:
            self.turns = (self.turns or 0) + final.turns
        usage = self._since_resume(final)
        if not usage:  # says nothing (an interrupted run): what was seen stays the best knowledge
            self._settled_cost = self._settled_cost if self._settled_cost is not None else final.cost_usd
            return
        cost = final.cost_usd if final.cost_usd is not None else estimate(usage, self.model)
        self._settled = usage if final.cumulative else self._settled + usage
        if cost is not None:
            self._settled_cost = cost if final.cumulative else (self._settled_cost or 0.0) + cost
        self._covered.update(self._pending)
        self._pending.clear()
        self._pending_usage, self._pending_cost = Usage(), 0.0

    def _since_resume(self, final: Final) -> Usage | None:
        """A session's total less what was booked before; where that is unknown, the replies seen are closer to it."""
        if final.usage is None or not (final.whole_session and self.resumed):
            return final.usage
        if self._booked is not None:
            return final.usage - self._booked
        return None if self._replies_told else final.usage
