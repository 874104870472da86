"""The lines that Claude Code 2.1.330 prints under `-p --output-format stream-json --verbose`.

Owns standard output: one JSON object a line, each written at once and whole. Line types and their fields are those
of recordings of the real program. `Stream` counts what was used; the result line is the sum of the messages.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from demo.tokens import Tokens, cost, message_usage, model_usage, result_usage

VERSION = "2.1.330"
Block = dict[str, Any]

TOOLS = ("Task", "Bash", "Edit", "NotebookEdit", "Read", "Skill", "TaskCreate", "TaskGet", "TaskList", "TaskStop")
MORE_TOOLS = ("TaskUpdate", "ToolSearch", "WebFetch", "WebSearch", "Workflow", "Write")
SUBAGENTS = {
    "spawned": 0,
    "requested": {"background": 0, "foreground": 0, "unset": 0},
    "started_in_background": 0,
    "max_depth": 0,
    "spawned_by_subagents": 0,
    "completed": 0,
    "failed": 0,
    "killed": {"parent": 0, "user": 0, "system": 0},
    "refused": {"depth_limit": 0, "concurrency_limit": 0, "budget": 0},
    "by_type": {},
}


@dataclass(slots=True)
class Stream:
    session_id: str
    model: str
    cwd: str
    permission_mode: str = "default"
    partial: bool = False
    earlier: Tokens = field(default_factory=Tokens)  # of the runs that this session resumes
    used: Tokens = field(default_factory=Tokens)
    finished: Tokens = field(default_factory=Tokens)  # as `used`, without a reply that was cut off
    started: float = field(default_factory=time.monotonic)
    first_reply: float | None = None
    replies: int = 0
    tool_results: int = 0
    notes: int = 0
    last_text: str = ""

    def line(self, record: Mapping[str, Any]) -> None:
        """Prints one line; every line has the session's id and one of its own."""
        whole = {**record, "session_id": self.session_id, "uuid": str(uuid.uuid4())}
        text = json.dumps(whole, separators=(",", ":"), ensure_ascii=False)
        data = (text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029") + "\n").encode(errors="replace")
        while data:
            data = data[os.write(1, data) :]

    def init(self) -> None:
        self.line(
            {
                "type": "system",
                "subtype": "init",
                "cwd": self.cwd,
                "tools": [*TOOLS, *MORE_TOOLS],
                "mcp_servers": [],
                "model": self.model,
                "permissionMode": self.permission_mode,
                "slash_commands": ["compact", "context", "init", "review", "security-review", "usage"],
                "terminal_slash_commands": ["doctor", "color"],
                "apiKeySource": "none",
                "claude_code_version": VERSION,
                "output_style": "default",
                "agents": ["claude", "Explore", "general-purpose", "Plan"],
                "skills": [],
                "plugins": [],
                "capabilities": ["interrupt_receipt_v1", "msg_lifecycle_v1"],
                "analytics_disabled": True,
                "product_feedback_disabled": True,
                "served_by_anthropic": False,
                "memory_paths": {},
                "original_cwd": self.cwd,
                "additional_directories": [],
                "messaging_socket_path": "",
                "fast_mode_state": "off",
                "fast_mode_disabled_reason": "sdk_opt_in_required",
                "per_turn_effort_active": False,
                "ultrathink_available": False,
                "ultrathink_typed_raises": False,
                "view_mode": "default",
            }
        )

    # -- replies and tool results

    def begin(self, tokens: Tokens) -> str:
        """Opens a reply and books its tokens; its lines share the id that is returned."""
        self.replies += 1
        self.used += tokens
        if self.first_reply is None:
            self.first_reply = time.monotonic()
        return f"msg_demo{self.session_id[:8]}{self.replies:06d}"

    def end(self) -> None:
        """Closes a reply: all of it has been printed."""
        self.finished = self.used

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
            record |= {"thinking_duration_ms": 1, "thinking_display": "updates"}
        if block["type"] == "text":
            self.last_text = block["text"]
        self.line(record | ({"aborted": True} if aborted else {}))

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

    def synthetic(self, text: str, error: str, status: int, **more: Any) -> None:
        """An API error, told as a reply of the model `<synthetic>`."""
        self.last_text = text
        self.line(
            {
                "type": "assistant",
                "message": {
                    "diagnostics": None,
                    "id": str(uuid.uuid4()),
                    "container": None,
                    "model": "<synthetic>",
                    "role": "assistant",
                    "stop_details": None,
                    "stop_reason": "stop_sequence",
                    "stop_sequence": "",
                    "type": "message",
                    "usage": message_usage(Tokens()),
                    "content": [{"type": "text", "text": text}],
                    "context_management": None,
                },
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
        self.line(
            {
                "type": "result",
                "subtype": "error_during_execution",
                "duration_ms": 0,
                "duration_api_ms": 0,
                "is_error": True,
                "num_turns": 0,
                "stop_reason": None,
                "total_cost_usd": 0,
                "usage": result_usage(Tokens()),
                "modelUsage": {},
                "permission_denials": [],
                "errors": [error],
                "result_index": 0,
            }
        )

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
                "permission_denials": [],
                "terminal_reason": terminal_reason,
                "fast_mode_state": "off",
                "fast_mode_disabled_reason": "sdk_opt_in_required",
                "subagent_stats": SUBAGENTS,
                "safety_stops": 0,
                "num_turns": 1 + self.tool_results + self.notes,
                "type": "result",
                "duration_ms": self._elapsed(),
                "queued_turn_count": 0,
                "result_index": 0,
                "model_usage_since_last_result": model_usage(self.model, self.used),
                **record,
            }
        )

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
