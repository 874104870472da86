"""From the lines of both sides to records: the parser of `kind: acp`.

It reads a call while it runs and the recording of one afterwards, with the same result. What a session replays while it
is loaded is no work of this call. A reply comes in pieces and is passed on whole, since a verdict may be cut anywhere.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final as Constant

from agents import faults, json_values, messages
from agents.acp import extras
from agents.acp.options import current_model
from agents.acp.permissions import options_of, permission_title, tool_call_of
from agents.acp.protocol import (
    AUTH_REQUIRED,
    CANCEL,
    INITIALIZE,
    LOAD,
    META,
    NEW,
    PERMISSION,
    PROMPT,
    RESUME,
    SET_OPTION,
    UPDATE,
    Ended,
    Message,
    error_words,
    read_line,
    text_of,
)
from agents.acp.tool_calls import ToolCalls, kind_name
from agents.acp.usage import piece_usage, session_cost, turn_model, turn_usage
from agents.adapter import QuietParser
from agents.error_text import plain
from agents.json_values import Json
from agents.records import Denied, Failure, Final, MessageTaken, Note, Question, Record, Started, Text, UsageSeen
from agents.spec import OutcomeKind, Usage
from agents.text import one_line

PIECE_CHARS: Constant = 64 * 1024  # of a reply that grows, passed on up to its last whole line
MAX_WAITING: Constant = 1000  # requests whose answer is awaited

_STOPS: Constant = {
    "end_turn": (OutcomeKind.SUCCESS, ""),
    "max_tokens": (OutcomeKind.LIMIT, "the reply was cut off at the output limit"),
    "max_turn_requests": (OutcomeKind.LIMIT, "the limit of requests in a turn was reached"),
    "refusal": (OutcomeKind.FAILED, "the agent refuses to continue with this prompt"),
    "cancelled": (OutcomeKind.FAILED, "the turn was cancelled"),
}
_FROM_SESSION: Constant = "session"  # the id of what the whole session has cost


class AcpParser(QuietParser):
    """The state of one call."""

    def __init__(self, cwd: str | None = None) -> None:
        self._session: str | None = None
        self._model: str | None = None
        self._requests: dict[object, str] = {}  # of ours, by id
        self._permissions: dict[object, Json] = {}  # of the program, which wait for their answer
        self._replaying = False
        self._calls = ToolCalls(cwd)
        self._said = ""
        self._message: str | None = None
        self._cost_before: float | None = None  # of the session, before this call's prompt
        self._cost: float | None = None
        self._used = Usage()  # by the turns of this call
        self._prompts = 0
        self._pieces = 0
        self._cancelled = False
        self._asked = False  # the operator decides about the next answer of ours
        self._broken: str | None = None  # the error that ends the turn, "" while its words are awaited

    def feed(self, line: bytes) -> Sequence[Record]:
        found = read_line(line)
        records: list[Record] = [*found.noise]
        records += [Question(text, live=True) for text in found.asked]
        self._asked = self._asked or bool(found.asked)
        for message in found.messages:
            records += self._sent(message) if message.ours else self._received(message)
        for ended in found.ended:
            records += self._ended(ended)
        return records

    def close(self) -> Sequence[Record]:
        return [*self._flush()]

    # -- ours

    def _sent(self, message: Message) -> Iterator[Record]:
        if message.method is not None and message.id is not None:
            self._requests[message.id] = message.method
            if len(self._requests) > MAX_WAITING:
                del self._requests[next(iter(self._requests))]
            self._replaying = self._replaying or message.method == LOAD
            if message.method in (LOAD, RESUME):
                self._session = json_values.as_text(message.params.get("sessionId"))
            if message.method == PROMPT:
                yield from self._prompted(message.params)
        elif message.method == CANCEL:
            self._cancelled = True  # however the turn ends: some programs say that it ended well
        elif message.is_answer:
            yield from self._answered(message)

    def _prompted(self, params: Json) -> Iterator[Record]:
        """The prompt of the call, or a message of the operator, which begins another turn."""
        self._prompts += 1
        if self._prompts == 1:
            self._cost_before = self._cost
        message_id = json_values.as_object(params.get("_meta")).get(META)
        if isinstance(message_id, int):
            blocks = json_values.as_objects(params.get("prompt"))
            yield MessageTaken(message_id, messages.of_operator("".join(text_of(block) for block in blocks)))

    def _answered(self, message: Message) -> Iterator[Record]:
        """An answer of ours: the refusal of a permission is a denial, unless the operator has refused it."""
        asked, by_operator = self._permissions.pop(message.id, None), self._asked
        self._asked = False
        outcome = json_values.as_object(message.result.get("outcome"))
        if asked is None or outcome.get("outcome") != "selected":
            return
        option = next((o for o in options_of(asked) if o.get("optionId") == outcome.get("optionId")), {})
        if str(option.get("kind")).startswith("reject") and by_operator:
            yield Note(f"You have refused: {one_line(permission_title(asked))}")
        elif str(option.get("kind")).startswith("reject"):
            call = tool_call_of(asked)
            id_ = json_values.as_text(call.get("toolCallId"))
            yield Denied(kind_name(call), id_, one_line(permission_title(asked)))

    def _ended(self, ended: Ended) -> Iterator[Record]:
        if limit := faults.limit_seen(ended.reason, time.time()):
            yield limit
        kind = OutcomeKind(ended.ended) if ended.ended in set(OutcomeKind) else OutcomeKind.FAILED
        yield Final(kind, plain(ended.reason), self._session)

    # -- the program's

    def _received(self, message: Message) -> Iterator[Record]:
        if message.is_answer:
            method = self._requests.pop(message.id, "")
            self._replaying = self._replaying and method != LOAD
            yield from self._answer(method, message)
        elif message.method == UPDATE:
            yield from self._update(json_values.as_object(message.params.get("update")))
        elif message.method == PERMISSION and message.id is not None:
            yield from self._flush()
            self._permissions[message.id] = message.params
            yield from self._calls.asked(tool_call_of(message.params))

    def _answer(self, method: str, message: Message) -> Iterator[Record]:
        result = message.result
        if method == PROMPT:
            yield from self._flush()
            yield from self._failed(message.error) if message.error is not None else self._turn(result)
        elif message.error is None and method == INITIALIZE:
            info = json_values.as_object(result.get("agentInfo") or result.get("info"))
            yield Started(None, None, json_values.as_text(info.get("version")))
            if (missing := extras.shortcoming(str(info.get("name")))) is not None:
                yield Note(missing)
        elif message.error is None and method in (NEW, LOAD, RESUME, SET_OPTION):
            self._session = json_values.as_text(result.get("sessionId")) or self._session
            self._model = current_model(result) or self._model
            yield Started(self._session, self._model)

    def _turn(self, result: Json) -> Iterator[Record]:
        stop = json_values.as_text(result.get("stopReason"))
        if stop is None:
            return  # of version 2: the prompt was accepted
        if self._broken is not None:
            yield from self._failed({"message": self._broken or "the turn was broken off by an error"})
            return
        stop = "cancelled" if self._cancelled else stop
        kind, reason = _STOPS.get(stop, (OutcomeKind.FAILED, f"the turn ended with {stop!r}"))
        usage, model = turn_usage(result), turn_model(result)
        if model is not None and model != self._model:
            yield Started(self._session, model)
        self._used += usage or Usage()
        used = self._used if usage else None
        yield Final(kind, reason, self._session, used, self._spent() if usage else None, cumulative=True)

    def _failed(self, error: Json) -> Iterator[Record]:
        words = error_words(error)
        kind = OutcomeKind.AUTH if error.get("code") == AUTH_REQUIRED else faults.kind_of(words)
        if limit := faults.limit_seen(words, time.time()):
            yield limit
        yield Final(kind, plain(words), self._session)

    def _update(self, update: Json) -> Iterator[Record]:
        kind = update.get("sessionUpdate")
        if (retry := extras.retry_of(update)) is not None:
            yield retry
        if (status := extras.thread_status(update)) is not None:
            self._broken = "" if status == "systemError" else None if status == "active" else self._broken
        if kind == "usage_update":
            yield from self._usage(update)
        elif self._replaying:
            return
        elif kind in ("agent_message_chunk", "agent_message"):
            yield from self._piece(update)
        elif kind in ("tool_call", "tool_call_update"):
            yield from self._flush()
            yield from self._calls.update(update)
        elif kind == "tool_call_content_chunk":
            self._calls.append(update)
        elif kind == "config_option_update":
            self._model = current_model(update) or self._model
        elif kind == "state_update" and update.get("state") == "idle":
            yield from self._flush()
            yield from self._turn(update)

    def _usage(self, update: Json) -> Iterator[Record]:
        """The session's cost so far, without what it had cost before."""
        if (model := extras.model_of(update)) is not None and model != self._model and not self._replaying:
            self._model = model
            yield Started(self._session, model)
        cost = session_cost(update)
        if cost is None:
            return
        self._cost = cost
        if not self._replaying and (spent := self._spent()):
            yield UsageSeen(_FROM_SESSION, Usage(), self._model, spent)

    def _spent(self) -> float | None:
        return None if self._cost is None else max(0.0, self._cost - (self._cost_before or 0.0))

    # -- replies

    def _piece(self, update: Json) -> Iterator[Record]:
        text = text_of(update.get("content"))
        if extras.is_about_itself(update, text):
            yield Note(one_line(text))
            return
        id_ = json_values.as_text(update.get("messageId"))
        if self._broken is not None and id_ is None:
            self._broken += text
            yield Failure("error", one_line(text))
            return
        if id_ != self._message or update.get("sessionUpdate") == "agent_message":
            yield from self._flush()
        self._message = id_
        if (usage := piece_usage(update)) is not None:
            self._pieces += 1
            yield UsageSeen(f"piece-{self._pieces}", usage, self._model)
        if text:
            yield from self._calls.settle()
        self._said += text
        if len(self._said) > PIECE_CHARS:
            yield from self._flush_lines()

    def _flush_lines(self) -> Iterator[Record]:
        """What is whole: texts are joined by newlines again."""
        whole, newline, rest = self._said.rpartition("\n")
        if newline or len(self._said) > PIECE_CHARS * 16:
            self._said = rest
            yield Text(whole if newline else rest)
            if not newline:
                self._said = ""

    def _flush(self) -> Iterator[Record]:
        sentence, self._said, self._message = self._said, "", None
        if sentence:
            yield Text(sentence)
