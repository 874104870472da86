from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from agents import AgentSpec, preflight
from agents.claude import Claude
from agents.preflight import preflight as timed


def spec(script: str, tmp_path: Path, kind: str = "claude") -> AgentSpec:
    path = tmp_path / "agent.py"
    path.write_text(script)
    return AgentSpec("fake", kind, (sys.executable, str(path)))


async def test_a_version(tmp_path: Path) -> None:
    script = "import sys; assert sys.argv[1:] == ['--version']; print('2.1.330 (Fake)')"
    answer = await preflight(spec(script, tmp_path))
    assert (answer.version, answer.problem) == ("2.1.330 (Fake)", None)


async def test_relative_words_of_a_command_are_those_of_the_project(tmp_path: Path) -> None:
    spec("print('1.2.3')", tmp_path)
    for command in ((sys.executable, "agent.py"), ("./agent.sh",)):
        (tmp_path / "agent.sh").write_text("#!/bin/sh\necho 1.2.3\n")
        (tmp_path / "agent.sh").chmod(0o755)
        answer = await preflight(AgentSpec("fake", "claude", command, folder=tmp_path))
        assert (answer.version, answer.problem) == ("1.2.3", None)


async def test_a_missing_program() -> None:
    answer = await preflight(AgentSpec("ghost", "claude", ("no-such-agent-here",)))
    assert answer.version is None
    assert "'no-such-agent-here'" in (answer.problem or "")
    assert "install it" in (answer.problem or "")


async def test_no_command_and_no_such_kind() -> None:
    assert "no command" in ((await preflight(AgentSpec("x", "claude", ()))).problem or "")
    assert "Unknown kind" in ((await preflight(AgentSpec("x", "cursor", ("true",)))).problem or "")


async def test_a_broken_program_says_why(tmp_path: Path) -> None:
    answer = await preflight(spec("import no_such_module", tmp_path))
    assert answer.problem == (
        "The agent fake cannot run (exit code 1): ModuleNotFoundError: No module named 'no_such_module'."
    )


async def test_a_program_that_hangs(tmp_path: Path) -> None:
    script = "import subprocess, time; subprocess.Popen(['sleep', '600']); time.sleep(600)"
    answer = await timed(spec(script, tmp_path), timeout_s=0.5)
    assert "0.5 s" in (answer.problem or "")


async def test_a_program_that_talks_too_much(tmp_path: Path) -> None:
    answer = await preflight(spec("print('v1\\n' + 'x' * 5_000_000)", tmp_path))
    assert answer.problem is None
    assert len(answer.version or "") <= 300


async def test_plain_text_programs_are_not_run(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    answer = await preflight(spec(f"open({str(touched)!r}, 'w')", tmp_path, kind="text"))
    assert (answer.version, answer.problem, touched.exists()) == (None, None, False)


async def test_root_without_a_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.delenv("IS_SANDBOX", raising=False)
    made = spec("print('2.1.330')", tmp_path)
    bypassing = AgentSpec(made.name, made.kind, made.command, permission_mode="bypassPermissions")
    answer = await preflight(bypassing)
    assert answer.version == "2.1.330"
    assert "IS_SANDBOX=1" in (answer.problem or "")


@pytest.fixture
def newcomer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with an empty home, and with programs that say a version."""
    for name in ("claude", "codex", "gemini", "wrapper"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text("#!/bin/sh\necho 1.0\n")
        program.chmod(0o755)
    for name in list(os.environ):
        if name.startswith(("ANTHROPIC_", "CLAUDE", "AWS_", "GOOGLE_", "AZURE_", "OPENAI_", "CODEX_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(
        "agents.claude.Claude.state_paths", Claude.state_paths[:2]
    )  # without what is there for all users
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


async def asked(kind: str, *command: str, **env: str) -> str | None:
    return (await preflight(AgentSpec("mine", kind, command or (kind,), env=env))).problem


@pytest.mark.usefixtures("newcomer")
async def test_without_a_login_the_message_names_how_to_get_one() -> None:
    assert await asked("claude") == (
        "mine has never been set up for this user. "
        "Log in with `claude` and /login, or set ANTHROPIC_API_KEY in the agent's environment."
    )
    assert "`codex login`" in (await asked("codex") or "")


async def test_whatever_may_be_a_login_counts_as_one(newcomer: Path) -> None:
    assert await asked("claude", ANTHROPIC_API_KEY="k") is None
    assert await asked("claude", CLAUDE_CODE_USE_BEDROCK="1") is None
    assert await asked("claude", "wrapper") is None
    assert await asked("claude", "claude", "--settings", "{}") is None
    assert await asked("gemini") is None
    (newcomer / ".codex").mkdir()
    (newcomer / ".claude.json").touch()
    assert await asked("codex") is None
    assert await asked("claude") is None
