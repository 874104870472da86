"""The lines that Claude Code 2.1.330 prints under `-p --output-format stream-json --verbose`.

Owns standard output: one JSON object a line, each written at once and whole. Line types and their fields are those
of recordings of the real program. `Stream` counts what was used; the result line is the sum of the messages.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from demo import identity, lines, partial
from demo.tokens import Tokens, cost, message_usage, model_usage, result_usage

VERSION = "2.1.330"
APPROVAL = "This command requires approval"
Block = dict[str, Any]


@dataclass(slots=True)
class Stream:
    session_id: str
    model: str
    cwd: str
    permission_mode: str = "default"
    partial: bool = False
    earlier: Tokens = field(default_factory=Tokens)  # of the runs that this session resumes
    used: Tokens = field(default_factory=Tokens)
    unreported: Tokens = field(default_factory=Tokens)  # since the last result
    finished: Tokens = field(default_factory=Tokens)  # as `used`, without a reply that was cut off
    started: float = field(default_factory=time.monotonic)
    first_reply: float | None = None
    replies: int = 0
    blocks: int = 0  # of the reply that is being printed
    tool_results: int = 0
    notes: int = 0
    last_text: str = ""
    denials: list[dict[str, Any]] = field(default_factory=list)

    def line(self, record: Mapping[str, Any]) -> None:
        """Prints one line; every line has the session's id and one of its own."""
        self.raw(self.encoded(record))

    def encoded(self, record: Mapping[str, Any]) -> bytes:
        """The bytes of a line, with its newline."""
        whole = {**record, "session_id": self.session_id, "uuid": identity.new()}
        text = json.dumps(whole, separators=(",", ":"), ensure_ascii=False)
        return (text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029") + "\n").encode(errors="replace")

    def raw(self, data: bytes) -> None:
        """Prints bytes as they are, whatever they are."""
        left = memoryview(data)
        while left:
            left = left[os.write(1, left) :]

    def init(self) -> None:
        self.line(lines.init(self.cwd, self.model, self.permission_mode, VERSION))

    # -- replies and tool results

    def begin(self, tokens: Tokens) -> str:
        """Opens a reply and books its tokens; its lines share the id that is returned."""
        self.replies += 1
        self.blocks = 0
        self.used += tokens
        self.unreported += tokens
        if self.first_reply is None:
            self.first_reply = time.monotonic()
        message_id = f"msg_demo{self.session_id[:8]}{self.replies:06d}"
        if self.partial:
            self.line({"type": "system", "subtype": "status", "status": "requesting"})
            self._events(message_id, [partial.started(message_id, self.model, tokens)])
        return message_id

    def end(self, message_id: str, tokens: Tokens, stop_reason: str) -> None:
        """Closes a reply: all of it has been printed."""
        self.finished = self.used
        if self.partial:
            self._events(message_id, partial.ended(tokens, stop_reason))

    def _events(self, message_id: str, events: Iterable[Block]) -> None:
        for event in events:
            more = {"ttft_ms": 20, "thinking_display": "updates"} if event["type"] == "message_start" else {}
            record = {"type": "stream_event", "event": event, "parent_tool_use_id": None, **more}
            self.line(record | {"api_message_id": message_id})

    def block(self, message_id: str, block: Block, tokens: Tokens, *, aborted: bool = False) -> None:
        """One block of a reply: a line of its own."""
        record: dict[str, Any] = {
            "type": "assistant",
            "message": {
                "id": message_id,
                "type": "message",
                "role": "assistant",
                "model": self.model,
                "content": [block],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": message_usage(tokens),
                "context_management": None,
            },
            "parent_tool_use_id": None,
            "timestamp": _now(),
            "request_id": f"req_demo{self.session_id[:8]}{self.replies:06d}",
        }
        if block["type"] == "thinking":
            self.line(lines.thinking_tokens(block["thinking"]))
            record |= {"thinking_duration_ms": 1, "thinking_display": "updates"}
        if block["type"] == "text":
            self.last_text = block["text"]
        if self.partial:
            self._events(message_id, partial.growing(self.blocks, block))
        self.line(record | ({"aborted": True} if aborted else {}))
        if self.partial:
            self._events(message_id, [partial.stopped(self.blocks)])
        self.blocks += 1

    def tool_result(
        self, tool_use_id: str, content: str, structured: Any, *, is_error: bool | None, meta: Mapping[str, Any]
    ) -> None:
        """What a tool answered; `is_error` None leaves the key out, as the real program does for files."""
        self.tool_results += 1
        block = {"tool_use_id": tool_use_id, "type": "tool_result", "content": content}
        self.line(
            {
                "type": "user",
                "message": {"role": "user", "content": [block if is_error is None else block | {"is_error": is_error}]},
                "parent_tool_use_id": None,
                "timestamp": _now(),
                "tool_use_result": structured,
                "tool_result_meta": [{"id": tool_use_id, **meta}],
            }
        )

    def denied(self, name: str, tool_use_id: str, input_: Mapping[str, Any]) -> None:
        """A tool was not permitted; the result line has the list of all that were not."""
        self.denials.append({"tool_name": name, "tool_use_id": tool_use_id, "tool_input": dict(input_)})
        self.line(
            {
                "type": "system",
                "subtype": "permission_denied",
                "tool_name": name,
                "tool_use_id": tool_use_id,
                "decision_reason_type": "other",
                "decision_reason": APPROVAL,
                "message": APPROVAL,
            }
        )

    def note(self, text: str) -> None:
        """A message that the program itself puts into the conversation."""
        self.notes += 1
        self.line(
            {
                "type": "user",
                "message": {"role": "user", "content": [{"type": "text", "text": text}]},
                "parent_tool_use_id": None,
                "timestamp": _now(),
            }
        )

    def taken(self, message: Mapping[str, Any]) -> None:
        """Repeat a message from the input at the place where it is taken."""
        record = {**message, "session_id": self.session_id, "parent_tool_use_id": None, "isReplay": True}
        self.raw(json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode(errors="replace") + b"\n")

    def synthetic(self, text: str, error: str, status: int, **more: Any) -> None:
        """An API error, reported as a reply of the model `<synthetic>`."""
        self.last_text = text
        self.line(
            {
                "type": "assistant",
                "message": lines.synthetic_message(text),
                "parent_tool_use_id": None,
                "timestamp": _now(),
                "error": error,
                "request_id": f"req_demo{self.session_id[:8]}{self.replies + 1:06d}",
                "is_api_error_message": True,
                "api_error_status": status,
                **more,
            }
        )

    # -- the end

    def success(self, text: str) -> None:
        self._result(
            {"subtype": "success", "is_error": False, "api_error_status": None, "result": text, **self._times()}
        )

    def api_error(self, status: int, **more: Any) -> None:
        """The result after an API error: subtype success, and yet an error."""
        self._result(
            {"subtype": "success", "is_error": True, "api_error_status": status, "result": self.last_text, **more},
            stop_reason="stop_sequence",
            terminal_reason="api_error",
        )

    def broken_off(self, terminal_reason: str, errors: Sequence[str], *, stop_reason: str | None) -> None:
        self._result(
            {"subtype": "error_during_execution", "is_error": True, "errors": list(errors)},
            stop_reason=stop_reason,
            terminal_reason=terminal_reason,
        )

    def limit(self, subtype: str, terminal_reason: str, error: str) -> None:
        self._result(
            {"subtype": subtype, "is_error": True, "errors": [error]},
            stop_reason="tool_use",
            terminal_reason=terminal_reason,
        )

    def unknown_session(self, error: str) -> None:
        """The only line of a run that was to resume a session which is not there."""
        self.line(lines.unknown_session(error))

    def _result(
        self, record: dict[str, Any], *, stop_reason: str | None = "end_turn", terminal_reason: str = "completed"
    ) -> None:
        whole = self.earlier + self.used
        self.line(
            {
                "duration_api_ms": self._elapsed(),
                "stop_reason": stop_reason,
                "total_cost_usd": cost(self.model, whole),
                "usage": result_usage(self.finished),
                "modelUsage": model_usage(self.model, whole),
                "permission_denials": self.denials,
                "terminal_reason": terminal_reason,
                "fast_mode_state": "off",
                "fast_mode_disabled_reason": "sdk_opt_in_required",
                "subagent_stats": lines.SUBAGENTS,
                "safety_stops": 0,
                "num_turns": 1 + self.tool_results + self.notes,
                "type": "result",
                "duration_ms": self._elapsed(),
                "queued_turn_count": 0,
                "result_index": 0,
                "model_usage_since_last_result": model_usage(self.model, self.unreported),
                **record,
            }
        )
        self.unreported = Tokens()
        self._note_cost()

    def _note_cost(self) -> None:
        """Write what this call has cost beside its stream, for who wants to compare ledgers (DEMO_AGENT_LEDGER)."""
        path = os.environ.get("DEMO_AGENT_LEDGER")
        if path is None:
            return
        record = {"mark": os.environ.get("SPRINT_RUNNER_MARK", ""), "usd": cost(self.model, self.used)}
        with open(path, "a") as file:
            file.write(json.dumps(record) + "\n")

    def _times(self) -> dict[str, int]:
        first = round(((self.first_reply or time.monotonic()) - self.started) * 1000)
        return {
            "ttft_ms": first,
            "ttft_stream_ms": first,
            "time_to_request_ms": first,
            "first_content_frame_ms": first,
        }

    def _elapsed(self) -> int:
        return round((time.monotonic() - self.started) * 1000)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
