"""The real programs: their packages, how each finds the scripted API, and the names of its tools."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

KEY: Final = "test-key"
Tool = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Program:
    """One program. `files` are written below its home; `{api}` in values is the address of the scripted API."""

    model: str | None
    shell: Callable[[str], Tool]
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    reports_cost: bool = False
    structured: bool = False  # it is asked for structured verdicts
    command: tuple[str, ...] = ()  # over ACP; its own name otherwise
    counts: bool = True  # what it reports is what was served to the conversation, no more and no less
    counts_cached: bool = True  # its API counts tokens from the cache among those of the input


def _described(name: str, **more: Any) -> Callable[[str], Tool]:
    return lambda command: {"name": name, "input": {"command": command, "description": "Run a command", **more}}


_CODEX: Final = """model = "gpt-5.5"
model_provider = "mock"
[model_providers.mock]
name = "mock"
base_url = "{api}/v1"
env_key = "MOCK_KEY"
wire_api = "responses"
"""
_OPENCODE: Final = {
    "model": "mock/mock-model",
    "small_model": "mock/mock-model",
    "autoupdate": False,
    "share": "disabled",
    "provider": {
        "mock": {
            "npm": "@ai-sdk/openai-compatible",
            "name": "Mock",
            "options": {"baseURL": "{api}/v1", "apiKey": KEY},
            "models": {
                "mock-model": {
                    "name": "Mock",
                    "cost": {"input": 3, "output": 15, "cache_read": 0.3, "cache_write": 3.75},
                    "limit": {"context": 200_000, "output": 32_000},
                }
            },
        }
    },
}
NATIVE: Final[Mapping[str, Program]] = {
    "claude": Program(
        "claude-sonnet-4-5",
        _described("Bash"),
        {"ANTHROPIC_BASE_URL": "{api}", "ANTHROPIC_API_KEY": KEY, "IS_SANDBOX": "1"},
        reports_cost=True,
        structured=True,
        counts_cached=False,
    ),
    "codex": Program(
        "gpt-5.5",
        lambda command: {"name": "exec_command", "input": {"cmd": command}},
        {"MOCK_KEY": KEY},
        {".codex/config.toml": _CODEX},
    ),
    "gemini": Program(
        "gemini-2.5-flash",
        _described("run_shell_command"),
        {"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": "{api}", "GEMINI_TELEMETRY_ENABLED": "false"},
        {".gemini/settings.json": json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}})},
    ),
    "opencode": Program(
        "mock/mock-model",
        _described("bash"),
        {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_LSP_DOWNLOAD": "1"},
        {".config/opencode/opencode.json": json.dumps(_OPENCODE)},
        reports_cost=True,
    ),
    "qwen": Program(
        "mock-model",
        _described("run_shell_command", is_background=False),
        {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "{api}/v1", "OPENAI_MODEL": "mock-model"},
        {".qwen/settings.json": json.dumps({"security": {"auth": {"selectedType": "openai"}}})},
    ),
}
# The same over the Agent Client Protocol: a model only where it is chosen by the name that the scripted API knows.
PROGRAMS: Final[Mapping[str, Program]] = {
    **NATIVE,
    "claude-acp": replace(NATIVE["claude"], model=None, structured=False, command=("claude-agent-acp",), counts=False),
    "codex-acp": replace(NATIVE["codex"], model=None, command=("codex-acp",)),
    "gemini-acp": replace(
        NATIVE["gemini"],
        model=None,
        command=("gemini", "--acp", "--skip-trust", "-m", "gemini-2.5-flash"),
        counts=False,
    ),
    "opencode-acp": replace(NATIVE["opencode"], command=("opencode", "acp"), counts=False),
    "qwen-acp": replace(NATIVE["qwen"], model=None, command=("qwen", "--acp")),
}


def settings_of(name: str) -> str:
    """The agent and its price as values of the environment: nothing of them is in the project."""
    program = PROGRAMS[name]
    kind, command = ("acp", list(program.command)) if program.command else (name, [name])
    agent = {"kind": kind, "command": command, "permission_mode": "bypassPermissions"}
    return json.dumps({name: agent if program.model is None else {**agent, "model": program.model}})


def set_up(name: str, home: Path, api: str) -> dict[str, str]:
    """Write the program's own settings below its home; its environment."""
    program = PROGRAMS[name]
    for path, content in program.files.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(content.replace("{api}", api))
    return {key: value.replace("{api}", api) for key, value in program.environment.items()}
