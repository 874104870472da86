"""What may be said of an agent of kind text, and where its command is looked up."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.used_report import FIELDS
from cli.config import agent_specs
from settings import SettingsError, load
from settings.model import REPORTED, AgentConfig


def agents(tmp_path: Path, text: str) -> dict[str, AgentConfig]:
    file = tmp_path / "sprint-runner.yaml"
    file.write_text(f"agents:\n  mine: {text}\n")
    return load(file, {}).settings.agents


def test_the_names_are_those_that_are_read() -> None:
    assert REPORTED == FIELDS


def test_what_is_said_reaches_the_agent(tmp_path: Path) -> None:
    text = r"{kind: text, command: [pi], patterns: {cost_usd: 'cost \$(\S+)'}, report: used.json, version_flag: -V}"
    spec = agent_specs(agents(tmp_path, text))["mine"]
    assert (spec.patterns, spec.report, spec.version_flag) == ({"cost_usd": r"cost \$(\S+)"}, "used.json", "-V")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{kind: text, command: [pi], patterns: {price: x}}", "'price' must be one of"),
        ("{kind: text, command: [pi], patterns: {cost_usd: '('}}", "patterns: cost_usd: missing"),
        ("{kind: codex, command: [codex], report: used.json}", "are for kind: text"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message.replace("(", r"\(")):
        agents(tmp_path, text)


@pytest.mark.parametrize(
    ("command", "program"),
    [("./tools/agent.sh", "tools/agent.sh"), ("tools/agent.sh", "tools/agent.sh"), ("pi", None), ("/bin/pi", None)],
)
def test_a_relative_command_is_looked_up_from_the_project(tmp_path: Path, command: str, program: str | None) -> None:
    """Also where it is started in another folder, as in a lane's worktree."""
    configs = {"mine": AgentConfig("text", [command, "--quiet"])}
    expected = command if program is None else str(tmp_path / program)
    assert agent_specs(configs, None, tmp_path)["mine"].command == (expected, "--quiet")
