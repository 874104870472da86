"""Tests of the settings: precedence of sources, invalid values, messages with source, key and range."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from settings import (
    AGENT_KINDS,
    BY_NAME,
    DEFAULT_AGENTS,
    FILE_NAME,
    SETTINGS,
    AgentConfig,
    Loaded,
    Setting,
    Settings,
    SettingsError,
    check,
    load,
    read_file,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / FILE_NAME


def of(file: Path, text: str, environment: dict[str, str] | None = None, **flags: Any) -> Loaded:
    file.write_text(text)
    return load(file, environment or {}, flags)


def refused(file: Path, text: str, environment: dict[str, str] | None = None, **flags: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        of(file, text, environment, **flags)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 1500
    return message


# -- sources -------------------------------------------------------------------------------------------------------

DEFAULTS = [
    ("host", "127.0.0.1"),
    ("port", 8080),
    ("agent", "claude"),
    ("workflow", "auto"),
    ("default_batch_size", 2),
    ("max_code_review_attempts", 10),
    ("light_model_after_review", 2),
    ("project_context_max_age_hours", 24),
    ("command_timeout_min", 60),
    ("silence_timeout_min", 15),
    ("retries", 2),
    ("budget_batch_usd", None),
    ("budget_day_usd", None),
    ("budget_needs_prices", False),
    ("heartbeat_s", 30),
    ("pong_timeout_s", 10),
    ("max_clients", 1000),
    ("cors_origin", "*"),
    ("allowed_hosts", []),
    ("token", None),
    ("data_dir", None),
    ("auto_resume", False),
    ("parallel", 1),
    ("worktree_setup", None),
    ("prices", {}),
    ("retention_days", 30),
]


@pytest.mark.parametrize(("name", "value"), DEFAULTS)
def test_the_default_of_every_setting(name: str, value: Any) -> None:
    loaded = load(None, {})
    assert getattr(loaded.settings, name) == value
    assert loaded.sources[name] == "default"


def test_every_field_may_be_set_and_every_setting_is_a_field() -> None:
    assert set(BY_NAME) == set(Settings.__struct_fields__)
    assert len(BY_NAME) == len(SETTINGS)


PRECEDENCE = [
    ("", {}, {}, 8080, "default"),
    ("port: 1", {}, {}, 1, "file"),
    ("port: 1", {"SPRINT_RUNNER_PORT": "2"}, {}, 2, "environment"),
    ("port: 1", {"SPRINT_RUNNER_PORT": "2"}, {"port": 3}, 3, "flag"),
    ("", {"SPRINT_RUNNER_PORT": "2"}, {}, 2, "environment"),
    ("", {}, {"port": 3}, 3, "flag"),
    ("port: 1", {}, {"port": 3}, 3, "flag"),
    ("port: 1", {"SPRINT_RUNNER_PORT": "2"}, {"port": None}, 2, "environment"),
]


@pytest.mark.parametrize(("text", "environment", "flags", "port", "source"), PRECEDENCE)
def test_a_flag_wins_over_environment_over_file_over_default(
    file: Path, text: str, environment: dict[str, str], flags: dict[str, Any], port: int, source: str
) -> None:
    loaded = of(file, text, environment, **flags)
    assert (loaded.settings.port, loaded.sources["port"]) == (port, source)
    assert loaded.sources["host"] == "default"


ENVIRONMENT = [
    ("port", "0", 0),
    ("host", "localhost", "localhost"),
    ("token", "1234567890123456", "1234567890123456"),
    ("verify", "pytest -q", "pytest -q"),
    ("auto_resume", "true", True),
    ("auto_resume", "no", False),
    ("allowed_hosts", "[box.local, box]", ["box.local", "box"]),
    ("heartbeat_s", "2.5", 2.5),
    ("budget_day_usd", "null", None),
    ("workflow", "classic", "classic"),
]


@pytest.mark.parametrize(("name", "text", "value"), ENVIRONMENT)
def test_the_environment_is_read_by_the_kind_of_the_setting(name: str, text: str, value: Any) -> None:
    loaded = load(None, {f"SPRINT_RUNNER_{name.upper()}": text, "SPRINT_RUNNER_DEMO_SPEED": "9", "PORT": "1"})
    assert getattr(loaded.settings, name) == value


@pytest.mark.parametrize("text", ["abc", "", "1.5", "true", "70000", "-1", "[", "2024-13-45", "9" * 5000, "[" * 5000])
def test_a_wrong_value_of_the_environment_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^environment: port must be a whole number from 0 to 65535, not "):
        load(None, {"SPRINT_RUNNER_PORT": text})


def test_a_wrong_flag_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^command line: port must be"):
        load(None, {}, {"port": 70000})


def test_a_value_that_another_source_overrides_is_checked_all_the_same(file: Path) -> None:
    assert "port must be" in refused(file, "port: x", {}, port=1)


# -- values --------------------------------------------------------------------------------------------------------

RANGED = [setting for setting in SETTINGS if setting.low is not None]


@pytest.mark.parametrize("setting", RANGED, ids=lambda setting: setting.name)
def test_every_range_holds_to_its_ends(file: Path, setting: Setting) -> None:
    assert setting.low is not None
    assert setting.high is not None
    step = 1 if setting.kind == "integer" or not setting.low else setting.low / 2
    for value in (setting.low, setting.high):
        of(file, yaml.safe_dump({setting.name: value}))
    for value in (setting.low - step, setting.high + step, -(10**30), 10**30):
        said = refused(file, yaml.safe_dump({setting.name: value}))
        assert said.startswith(f"{file}: {setting.name} must be {setting.allowed}, not ")


NOT_OF_KIND: dict[str, list[str]] = {
    "text": ["1", "true", "null", "[a]", "{a: b}", "1.5", "2024-01-02", "''", "~"],
    "command": ["1", "true", "[pytest]", "''", "' '", '"pytest \'x"', "{a: b}"],
    "agents": ["1", "true", "null", "[]", "[a, a]", "[1]", "{a: b}", "''"],
    "shares": ["0", "100", "true", "[30]", "x", "'5 h: 0'", "'5 h: 30, 5 h: 20'", "'5 h 30'", "1e-5", "-3"],
    "hours": ["'22:00'", "7", "true", "[]", "a-b", "22:00-24:00"],
    "broker": ["1", "host:4222", "http://h", "nats://", "nats://u:p@h", "nats://h/x", "nats://h:99999", "[a]"],
    "name": ["1", "''", "a.b", "'a b'", "ä", "[a]", "'*'", "x" * 61],
    "user": ["1", "''", "'a b'", "a..b", ".a", "'a*'", "'>'", '"a\\tb"', '"a\\e[1m"', "x" * 101, "[a]"],
    "label": ["1", "''", "' '", '"a\\nb"', '"a\\e[1m"', "x" * 101, "[a]"],
    "url": ["1", "example.com", "ftp://x/", "file:///etc/passwd", "http://", "'http://[::1'", "http://x:99999/", "[a]"],
    "integer": ["true", "false", "'1'", "1.0", ".nan", "null", "[1]", "1e3", "0x" + "f" * 5000],
    "number": ["true", "'1'", ".nan", ".inf", "-.inf", "[1.5]", "{}", "x"],
    "boolean": ["1", "0", "'true'", "null", "[]"],
    "list": ["a", "[1]", "[a, null]", "{a: b}", "true", "null", "[[a]]"],
    "mapping": ["[]", "a", "1", "null", "true"],
}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_value_of_another_kind_is_refused(file: Path, setting: Setting) -> None:
    """Pitfall: `true` accepted as an integer, 10^30 as a batch size."""
    for text in NOT_OF_KIND[setting.kind]:
        if text in ("null", "~") and setting.optional:
            assert getattr(of(file, f"{setting.name}: {text}").settings, setting.name) is None
        else:
            assert refused(file, f"{setting.name}: {text}").startswith(f"{file}: {setting.name} must be ")


def test_a_secret_is_not_repeated_in_a_message(file: Path) -> None:
    assert "hunter2" not in refused(file, "notify_secret: [hunter2]")


def test_a_choice_names_its_choices(file: Path) -> None:
    assert refused(file, "workflow: fast").endswith("workflow must be one of auto, classic, build-auto, not 'fast'")


@pytest.mark.parametrize("name", ["prot", "Port", "port ", "hosts", "1", "None", "silence_timeout", ""])
def test_an_unknown_key_is_named_and_the_known_ones_said(file: Path, name: str) -> None:
    said = refused(file, yaml.safe_dump({name: 1}))
    assert said.startswith(f"{file}: there is no setting {name!r}; known are host, port, ")


@pytest.mark.parametrize("value", [1, None, True, 1.5], ids=str)
def test_a_key_that_is_no_text_is_named_too(file: Path, value: Any) -> None:
    assert f"there is no setting {str(value)!r}" in refused(file, yaml.safe_dump({value: 1}))


def test_a_long_wrong_value_makes_no_long_message(file: Path) -> None:
    assert len(refused(file, f"port: {'x' * 100_000}")) < 600


# -- files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "---\n...\n", "{}", "\ufeff", "null"])
def test_a_file_without_settings_sets_nothing(file: Path, text: str) -> None:
    assert set(of(file, text).sources.values()) == {"default"}


def test_no_file_sets_nothing(file: Path) -> None:
    assert load(file, {}).settings == load(None, {}).settings
    assert read_file(file) == {}


ODD = [
    "port: [1",
    "a: b: c",
    "\tport: 1",
    "port: *nowhere",
    "verify: 2024-13-45",
    "port: " + "9" * 5000,
    "[" * 5000,
    "{" * 5000,
    "? [1]\n: 2",
    "!!python/object/apply:os.getcwd []",
    "port: !!python/name:os.system",
    "port: !port 1",
    "port: 1\n---\nport: 2",
    "port: \x00",
]


@pytest.mark.parametrize("text", ODD, ids=[f"{n}" for n in range(len(ODD))])
def test_odd_yaml_is_refused_in_a_sentence(file: Path, text: str) -> None:
    assert refused(file, text).startswith(f"{file}: cannot be read as YAML: ")


@pytest.mark.parametrize(("text", "kind"), [("- a", "list"), ("word", "str"), ("12", "int"), ("true", "bool")])
def test_a_file_is_a_mapping(file: Path, text: str, kind: str) -> None:
    assert refused(file, text) == f"{file}: must be a mapping of settings, not {kind}"


def test_a_file_that_is_no_text_is_refused(file: Path) -> None:
    file.write_bytes(b"port: \xff\xfe")
    with pytest.raises(SettingsError, match="cannot be read as YAML"):
        load(file, {})


@settings(deadline=None, max_examples=100)
@given(
    st.dictionaries(
        st.sampled_from([*BY_NAME, "other"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["claude"]),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=6,
        ),
        max_size=3,
    )
)
def test_any_values_are_settings_or_are_refused(values: dict[str, Any]) -> None:
    for name, value in values.items():
        said = ""
        try:
            check(name, value, "here")
        except SettingsError as error:
            said = str(error)
        assert said == "" or said.startswith((f"here: {name}", "here: there is no setting"))


# -- agents and commands -------------------------------------------------------------------------------------------

WHOLE = """
agent: local
agents:
  claude: {kind: claude, command: [claude], model: sonnet, permission_mode: bypassPermissions, env: {}}
  local:  {kind: text, command: [my-agent, --quiet], review_model: small, env: {A_KEY: "1"}}
commands:
  code-review: {agent: codex, model: large}
workflow: auto
verify: "pytest -q"
budget_batch_usd: 20
"""


def test_the_example_of_the_protocol(file: Path) -> None:
    loaded = of(file, WHOLE)
    assert loaded.settings.agents["local"] == AgentConfig(
        "text", ["my-agent", "--quiet"], review_model="small", env={"A_KEY": "1"}
    )
    assert loaded.settings.agents["claude"].model == "sonnet"
    assert loaded.settings.agents["codex"] == DEFAULT_AGENTS["codex"]
    assert loaded.settings.commands["code-review"].agent == "codex"
    assert loaded.settings.commands["code-review"].model == "large"
    assert (loaded.settings.verify, loaded.settings.budget_batch_usd) == ("pytest -q", 20)
    assert loaded.sources["agents"] == "file"


@pytest.mark.parametrize("kind", AGENT_KINDS)
def test_every_kind_of_agent_is_known(file: Path, kind: str) -> None:
    assert of(file, f"agents: {{x: {{kind: {kind}, command: [x]}}}}\nagent: x").settings.agents["x"].kind == kind


def test_built_in_agents_may_be_chosen_and_replaced(file: Path) -> None:
    built_in = {"demo": AgentConfig("claude", ["demo"])}
    file.write_text("agents: {demo: {kind: text, command: [mine]}}")
    assert load(None, {}, {"agent": "demo"}, built_in).settings.agents["demo"].command == ["demo"]
    assert load(file, {}, {"agent": "demo"}, built_in).settings.agents["demo"].command == ["mine"]


def test_of_an_agent_that_is_known_a_part_is_enough(file: Path) -> None:
    agents = of(file, "agents: {claude: {model: opus}, codex: {command: [/opt/codex]}}").settings.agents
    whole = AgentConfig("claude", ["claude"], model="opus", light_model="haiku", permission_mode="bypassPermissions")
    assert agents["claude"] == whole
    assert agents["codex"] == AgentConfig("codex", ["/opt/codex"])
    alone = of(file, "agents: {claude: {kind: claude, command: [claude]}}").settings.agents["claude"]
    assert alone.permission_mode is None  # who says it all means it


KNOWN = ", ".join(sorted(DEFAULT_AGENTS))
WRONG_SECTIONS = [
    ("agents: {claude: {kind: text}}", "agents: claude: Object missing required field `command`"),
    ("agents: {x: {command: [a]}}", "agents: x: Object missing required field `kind`"),
    ("agents: {x: {kind: text}}", "agents: x: Object missing required field `command`"),
    ("agents: {x: {kind: text, command: a}}", "agents: x: Expected `array`, got `str` - at `$.command`"),
    ("agents: {x: {kind: text, command: [1]}}", "agents: x: Expected `str`, got `int` - at `$.command[0]`"),
    ("agents: {x: {kind: text, command: []}}", "agents: x: command must name a program"),
    ("agents: {x: {kind: text, command: ['']}}", "agents: x: command must name a program"),
    ("agents: {x: {kind: text, command: [a], modle: b}}", "agents: x: Object contains unknown field `modle`"),
    ("agents: {x: {kind: text, command: [a], env: {A: 1}}}", "agents: x: Expected `str`, got `int` - at `$.env[...]`"),
    ("agents: {x: null}", "agents: x: Expected `object`, got `null`"),
    (
        "agents: {x: {kind: gpt, command: [a]}}",
        "agents: x: kind must be one of claude, codex, gemini, opencode, qwen, acp, text, not 'gpt'",
    ),
    ("commands: {commit: {agnet: a}}", "commands: commit: Object contains unknown field `agnet`"),
    ("commands: {commit: claude}", "commands: commit: Expected `object`, got `str`"),
    (
        "commands: {commit: {agent: nobody}}",
        f"commands: commit: there is no agent 'nobody'; known are {KNOWN}",
    ),
    (
        "agents: {x: {kind: claude, command: [a], auth_method: k}}",
        "agents: x: protocol_version and auth_method are for kind: acp",
    ),
    ("agents: {kimi: {protocol_version: 3}}", "agents: kimi: protocol_version must be 1 or 2, not 3"),
    ("agent: nobody", f"agent: there is no agent 'nobody'; known are {KNOWN}"),
]


@pytest.mark.parametrize(("text", "said"), WRONG_SECTIONS)
def test_a_wrong_section_names_file_entry_and_field(file: Path, text: str, said: str) -> None:
    assert refused(file, text) == f"{file}: {said}"


def test_a_wrong_agent_of_a_flag_names_the_flag(file: Path) -> None:
    assert refused(file, "", {}, agent="nobody").startswith("command line: agent: there is no agent 'nobody'")


# -- who may come in -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_a_loopback_host_needs_no_token(file: Path, host: str) -> None:
    assert of(file, f"host: '{host}'").settings.token is None


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.5", "box.local", "[::1]", "127.0.0.1.example", "LOCALHOST"]
)
def test_any_other_host_needs_a_token(file: Path, host: str) -> None:
    """Pitfall: 0.0.0.0 with CORS `*`."""
    said = refused(file, f"host: '{host}'")
    assert said == f"{file}: host {host} is reachable from other machines: set a token, or use 127.0.0.1"
    assert of(file, f"host: '{host}'\ntoken: a-secret-of-many-letters").settings.host == host
    assert refused(file, f"host: '{host}'\ntoken: null").endswith("or use 127.0.0.1")
    assert "token must be text" in refused(file, f"host: '{host}'\ntoken: ''")


def test_the_host_of_a_flag_needs_a_token_too() -> None:
    with pytest.raises(SettingsError, match=r"^command line: host 0\.0\.0\.0 is reachable"):
        load(None, {}, {"host": "0.0.0.0"})
    assert load(None, {"SPRINT_RUNNER_TOKEN": TOKEN}, {"host": "0.0.0.0"}).settings.token == TOKEN


TOKEN = "sixteen-letters!"


@pytest.mark.parametrize(
    "token", ["a", "fifteen-letters", "sixteen letters!", "sixteen-letters\t", " " * 20, "\u200b" * 20]
)
def test_a_token_is_long_and_has_no_blanks(token: str) -> None:
    """Pitfall: `token: "a"` on 0.0.0.0."""
    for flags in ({"host": "0.0.0.0"}, {}):
        with pytest.raises(SettingsError, match=r"at least 16 characters, none of them blank: .* makes one"):
            load(None, {"SPRINT_RUNNER_TOKEN": token}, flags)


def test_a_large_file_is_refused_in_no_time(tmp_path: Path) -> None:
    """YAML is read slowly: 50 MB of it would hold the start for most of a minute."""
    file = tmp_path / "sprint-runner.yaml"
    with file.open("wb") as content:
        content.truncate(50 << 20)
    with pytest.raises(SettingsError, match=r"sprint-runner\.yaml: is larger than 256 KiB, which no settings need"):
        load(file, {})


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "sprint-runner.yaml"
    os.mkfifo(file)
    with pytest.raises(SettingsError, match="cannot be read: it is a named pipe, not a file"):
        load(file, {})


def test_programs_that_speak_acp_are_known_by_their_names(file: Path) -> None:
    file.write_text("agent: kimi\nagents: {copilot: {model: big, protocol_version: 2}}\n")
    agents = load(file, {}).settings.agents
    assert (agents["kimi"].kind, agents["kimi"].command) == ("acp", ["kimi", "acp"])
    assert agents["copilot"] == AgentConfig("acp", ["copilot", "--acp"], model="big", protocol_version=2)
