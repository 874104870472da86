"""The parts of the stream's lines that are the same in every run: fields and their order as recorded."""

from __future__ import annotations

from typing import Any

from demo import identity
from demo.tokens import Tokens, estimate, message_usage, result_usage

Line = dict[str, Any]

TOOLS = ("Task", "Bash", "Edit", "NotebookEdit", "Read", "Skill", "TaskCreate", "TaskGet", "TaskList", "TaskStop")
MORE_TOOLS = ("TaskUpdate", "ToolSearch", "WebFetch", "WebSearch", "Workflow", "Write")
SUBAGENTS: Line = {
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


def init(cwd: str, model: str, permission_mode: str, version: str) -> Line:
    return {
        "type": "system",
        "subtype": "init",
        "cwd": cwd,
        "tools": [*TOOLS, *MORE_TOOLS],
        "mcp_servers": [],
        "model": model,
        "permissionMode": permission_mode,
        "slash_commands": ["compact", "context", "init", "review", "security-review", "usage"],
        "terminal_slash_commands": ["doctor", "color"],
        "apiKeySource": "none",
        "claude_code_version": version,
        "output_style": "default",
        "agents": ["claude", "Explore", "general-purpose", "Plan"],
        "skills": [],
        "plugins": [],
        "capabilities": ["interrupt_receipt_v1", "msg_lifecycle_v1"],
        "analytics_disabled": True,
        "product_feedback_disabled": True,
        "served_by_anthropic": False,
        "memory_paths": {},
        "original_cwd": cwd,
        "additional_directories": [],
        "messaging_socket_path": "",
        "fast_mode_state": "off",
        "fast_mode_disabled_reason": "sdk_opt_in_required",
        "per_turn_effort_active": False,
        "ultrathink_available": False,
        "ultrathink_typed_raises": False,
        "view_mode": "default",
    }


def thinking_tokens(thinking: str) -> Line:
    tokens = estimate(thinking)
    return {
        "type": "system",
        "subtype": "thinking_tokens",
        "estimated_tokens": tokens,
        "estimated_tokens_delta": tokens,
    }


def synthetic_message(text: str) -> Line:
    """The message of an API error; its id is no message of the API."""
    return {
        "diagnostics": None,
        "id": identity.new(),
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
    }


def unknown_session(error: str) -> Line:
    return {
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
