"""The sums of a stream of records: text, tokens, cost, session, last activity.

Memory is bounded whatever the agent prints. Tokens and dollars are the account's.
"""

from __future__ import annotations

from collections import deque

from agents.account import Account
from agents.prices import SHIPPED, PriceList
from agents.records import (
    Denied,
    Failure,
    Final,
    LimitSeen,
    MessageTaken,
    Noise,
    Question,
    Record,
    Retry,
    Started,
    SubSession,
    Text,
    ToolCall,
    ToolResult,
    UsageSeen,
)
from agents.spec import Outcome, OutcomeKind, Usage
from agents.text import first_line, one_line, sentence

REFUSED_ADVICE = "the agent's `permission_mode` decides"
MAX_TEXT_CHARS = 1024 * 1024  # of the agent's text that is kept for reading a verdict (0.1 s); the end is what counts
TEXT_COSTS_CHARS = 64  # what a text takes beside its characters: millions of empty lines are not for free
MAX_REFUSED = 5  # tools whose refusal is named
MAX_SUB_SESSIONS = 100  # more than are counted
MAX_MESSAGES = 1000  # of the operator, of which it is known that they were taken
MAX_OPEN_CALLS = 1000  # tool calls remembered until their result comes


class Tally:
    """The state of one call, folded from its records. Cheap: called for every record on the event loop."""

    def __init__(
        self,
        model: str | None = None,
        resumed: bool = False,
        booked: Usage | None = None,
        prices: PriceList = SHIPPED,
    ) -> None:
        self.session_id: str | None = None
        self.model = model
        self.resumed = resumed
        self._account = Account(resumed, booked, prices)
        self.final: Final | None = None
        self.limit: LimitSeen | None = None
        self.failure: Failure | None = None
        self.retry: Retry | None = None
        self.question: str | None = None
        self.denied: Denied | None = None
        self.taken: list[int] = []  # ids of messages of the operator
        self.sub_sessions: list[str] = []  # of sub-agents that the stream does not count
        self._refused: dict[str, str] = {}  # tool -> what was said of its first refusal
        self._last_said = ""
        self.started = False  # anything came on stdout that is a record
        self.malformed = 0
        self.turns: int | None = None
        self._texts: deque[str] = deque()
        self._text_chars = 0
        self._open_calls: dict[str, str] = {}

    @property
    def text(self) -> str:
        """The main agent's last reply: its text since its last tool call."""
        return "\n".join(self._texts)

    @property
    def usage(self) -> Usage:
        """Tokens so far."""
        return self._account.spent.usage

    @property
    def cost_usd(self) -> float | None:
        """Dollars so far, None when neither the agent nor the price list knows."""
        return self._account.spent.usd

    @property
    def estimated_usd(self) -> float:
        """The part of `cost_usd` that the agent has not reported itself."""
        return self._account.estimated_usd

    @property
    def last_activity(self) -> str:
        """The last text or tool call, in one line."""
        return first_line(self._last_said)

    @property
    def refused(self) -> str:
        """What was not permitted, and the setting that decides about it; "" where nothing was refused."""
        if not self._refused:
            return ""
        reported = next((message for message in self._refused.values() if message), "")
        tools = ", ".join(self._refused)
        return sentence(
            f"It was not permitted to use {tools}{f' ({one_line(reported)})' if reported else ''}: {REFUSED_ADVICE}"
        )

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
            estimated_usd=self.estimated_usd,
            session_id=self.session_id,
            model=self.model,
            turns=self.turns,
            duration_ms=duration_ms,
            resets_at=self.limit.resets_at if kind is OutcomeKind.USAGE_LIMIT and self.limit else None,
            malformed_lines=self.malformed,
            last_activity=self.last_activity,
            refused=self.refused,
            structured=None if self.final is None else self.final.structured,
            doubts=tuple(self._account.doubts),
            taken=tuple(self.taken),
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
                self.model = self.model or record.model
                self._account.saw(record, self.model)
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
        self._texts.append(record.text[-MAX_TEXT_CHARS:])
        self._text_chars += len(self._texts[-1]) + TEXT_COSTS_CHARS
        while self._text_chars > MAX_TEXT_CHARS and len(self._texts) > 1:
            self._text_chars -= len(self._texts.popleft()) + TEXT_COSTS_CHARS

    def _open(self, record: ToolCall) -> None:
        if record.subagent is None and not record.is_verdict:  # what was said before is of an earlier turn: no verdict
            self._texts.clear()
            self._text_chars = 0
        self._last_said = record.summary
        self._open_calls[record.id] = record.summary
        if len(self._open_calls) > MAX_OPEN_CALLS:
            del self._open_calls[next(iter(self._open_calls))]

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
                if len(self._refused) < MAX_REFUSED:
                    self._refused.setdefault(record.tool, record.message)
            case SubSession() if len(self.sub_sessions) < MAX_SUB_SESSIONS and record.id not in self.sub_sessions:
                self.sub_sessions.append(record.id)
            case Question():
                self.question = record.text
            case MessageTaken():
                self._take(record)

    def _take(self, message: MessageTaken) -> None:
        """What was said before the message is no verdict: the reply to it has to give one."""
        self._texts.clear()
        self._text_chars = 0
        if len(self.taken) < MAX_MESSAGES:
            self.taken.append(message.id)

    def _settle(self, final: Final) -> None:
        self.final = final
        self.session_id = final.session_id or self.session_id
        if final.turns is not None:
            self.turns = (self.turns or 0) + final.turns
        self._account.settle(final, self.model)
