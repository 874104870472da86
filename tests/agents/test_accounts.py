"""Accounts are distinguished by program, config folder and key, and no key is in their names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from agents import AgentSpec, account_of
from agents.registry import adapter_for

KEY = "sk-ant-api03-0123456789abcdef"


@pytest.fixture(autouse=True)
def _no_login(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("claude", "codex"):
        for name in [f"{prefix}API_KEY" for prefix in adapter_for(kind).login_variables]:
            monkeypatch.delenv(name, raising=False)
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "CLAUDE_CODE_OAUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def account(command: str = "claude", kind: str = "claude", env: Mapping[str, str] | None = None) -> str:
    return account_of(AgentSpec("any", kind, tuple(command.split()), env=env or {}))


def test_a_program_a_folder_and_a_key_make_an_account() -> None:
    assert account() == account("/usr/bin/claude --verbose") == account("npx -y claude@2.1") == "claude"
    second = account(env={"CLAUDE_CONFIG_DIR": str(Path.home() / ".claude-second")})
    assert second == "claude ~/.claude-second" == account(env={"CLAUDE_CONFIG_DIR": "~/.claude-second/"})
    assert account("codex", "codex", {"CODEX_HOME": "/srv/codex"}) == "codex /srv/codex"


def test_a_key_is_only_a_fingerprint() -> None:
    one, other = (account(env={"ANTHROPIC_API_KEY": key}) for key in (KEY, KEY + "x"))
    assert one != other
    assert one.startswith("claude key ")
    assert len(one) == len("claude key ") + 8
    assert not any(KEY[at : at + 6] in one for at in range(len(KEY) - 6))


def test_a_key_of_the_server_is_the_account_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    assert account() == account(env={"ANTHROPIC_API_KEY": KEY})
    assert account("codex", "codex") == "codex"


def test_other_variables_change_nothing() -> None:
    assert account(env={"DEBUG": "1", "PATH": "/bin"}) == "claude"
    assert account("my-agent --quiet", "text", {"MY_API_KEY": "k"}).startswith("my-agent key ")
