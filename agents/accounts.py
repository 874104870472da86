"""The accounts of agents, distinguished by what their settings name: the program, its config folder, its key.

Two agents of one account share its usage windows and wait together. The login inside of a config folder is not read,
and of a key only a fingerprint is used.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Final

from agents.environment import environment
from agents.registry import adapter_for
from agents.spec import AgentSpec

FINGERPRINT_CHARS: Final = 8  # of a hash of a key: tells a person's keys apart, and says nothing about any
# Where programs keep their login; HOME only where the agent's own settings set it.
_FOLDERS: Final = (
    *("CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_CLI_HOME", "QWEN_HOME", "OPENCODE_CONFIG_DIR"),
    *("XDG_CONFIG_HOME", "XDG_DATA_HOME"),
)
_KEYS: Final = ("_KEY", "_TOKEN")  # ends of the names of variables with a key
_INTERPRETERS: Final = ("python", "node", "npx", "bun", "deno", "uv", "uvx", "env", "sh", "bash")


def account_of(spec: AgentSpec) -> str:
    """Return the name of an agent's account, such as "claude", "claude ~/.claude-second" or "codex key 1f2e3d4c"."""
    adapter = adapter_for(spec.kind)
    env = environment(adapter.environment, spec.env)
    keys = _keys(env, spec.env, adapter.login_variables)
    parts = [_program(spec), *_folders(env, spec.env), *([f"key {_fingerprint(keys)}"] if keys else [])]
    return " ".join(parts)


def _program(spec: AgentSpec) -> str:
    """Return the program's name without folder and version; behind an interpreter the name of what it runs."""
    for word in spec.command:
        name = PurePath(word).name.partition("@")[0]
        if name and not word.startswith("-") and not name.rstrip("0123456789.").startswith(_INTERPRETERS):
            return name
    return spec.name


def _folders(env: Mapping[str, str], own: Mapping[str, str]) -> list[str]:
    named = [env[name] for name in _FOLDERS if env.get(name)] + ([own["HOME"]] if own.get("HOME") else [])
    return [_shortened(folder) for folder in dict.fromkeys(named)]


def _shortened(folder: str) -> str:
    path = Path(os.path.normpath(os.path.expanduser(folder)))
    try:
        return f"~/{path.relative_to(Path.home()).as_posix()}"
    except ValueError:
        return str(path)


def _keys(env: Mapping[str, str], own: Mapping[str, str], prefixes: tuple[str, ...]) -> list[str]:
    """Return the variables that hold a key, as the program gets them: its own, and those that its settings set."""
    names = [name for name in env if name.startswith(prefixes)] if prefixes else []
    found = {name for name in (*names, *own) if name.endswith(_KEYS) and env.get(name)}
    return [f"{name}={env[name]}" for name in sorted(found)]


def _fingerprint(keys: list[str]) -> str:
    return hashlib.sha256("\0".join(keys).encode()).hexdigest()[:FINGERPRINT_CHARS]
