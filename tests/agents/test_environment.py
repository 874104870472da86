from __future__ import annotations

from pathlib import Path

from agents.environment import environment, find_program

BASE = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/home/me",
    "ANTHROPIC_API_KEY": "key",
    "CLAUDECODE": "1",
    "CLAUDE_PID": "17",
    "CLAUDE_CODE_SESSION_ID": "outer",
    "CLAUDE_CODE_MESSAGING_TOKEN": "secret",
    "CLAUDE_CODE_ENTRYPOINT": "cli",
    "CLAUDE_CODE_OF_TOMORROW": "x",
    "CLAUDE_CODE_MAX_RETRIES": "3",
    "CLAUDE_CODE_USE_BEDROCK": "1",
    "SPRINT_RUNNER_TOKEN": "secret",
    "SPRINT_RUNNER_MARK": "outer:1",
}


def test_an_outer_session_and_our_own_settings_are_left_out() -> None:
    assert environment({}, {}, base=BASE) == {
        "PATH": "/usr/bin:/bin",
        "HOME": "/home/me",
        "ANTHROPIC_API_KEY": "key",
        "CLAUDE_CODE_MAX_RETRIES": "3",
        "CLAUDE_CODE_USE_BEDROCK": "1",
    }


def test_order() -> None:
    made = environment({"HOME": "default", "A": "default", "B": "default"}, {"B": "spec"}, "7:1", BASE)
    assert (made["HOME"], made["A"], made["B"]) == ("/home/me", "default", "spec")
    assert made["SPRINT_RUNNER_MARK"] == "7:1"


def test_an_agent_can_be_given_what_is_left_out() -> None:
    assert environment({}, {"CLAUDE_CODE_OF_TOMORROW": "y"}, base=BASE)["CLAUDE_CODE_OF_TOMORROW"] == "y"


def test_programs_are_searched_in_the_agents_path(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "agent"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    assert find_program("agent", {"PATH": str(program.parent)}, tmp_path) is None
    program.chmod(0o755)
    assert find_program("agent", {"PATH": str(program.parent)}, tmp_path) == str(program)
    assert find_program("agent", {"PATH": "/nowhere"}, tmp_path) is None
    assert find_program("bin/agent", {}, tmp_path) == str(program)
    assert find_program(str(program), {}, Path("/")) == str(program)
