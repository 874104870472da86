"""What is wrong with the settings and variables of a fleet: one sentence that names it, before anything is served."""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

import pytest

from cli.broker import broker_login
from cli.errors import CannotStart
from cli.fleet import serve_fleet
from settings import SettingsError, load
from tests.servers import PROGRAM

ADDRESSES = (
    "http://hub:4222",
    "hub:4222",
    "nats://",
    "nats://u:p@hub",
    "nats://hub/x",
    "nats://hub:0",
    "nats://hub:99999",
    "nats://[::1",
    "ws://hub",
    "",
    "nats://h\tub",
)
NAMES = ("a.b", "a b", "x" * 200, "*", ">", "", "ä", "a/b")
USERS = ("a b", "*", "a.>", "a..b", "", "x" * 101, "a\nb")
LABELS = ("", " ", "x" * 200, "a\nb", "\x1b[31m")
ACCOUNTS = ("{claude: team max}", "{claude: a.b}", "{claude: 1}", "[team]", "team", "{claude: ''}")

WRONG = [
    *[("SPRINT_RUNNER_FLEET", value) for value in ADDRESSES],
    *[("SPRINT_RUNNER_FLEET_NAME", value) for value in NAMES],
    *[("SPRINT_RUNNER_FLEET_USER", value) for value in USERS],
    *[("SPRINT_RUNNER_FLEET_MACHINE", value) for value in LABELS],
    *[("SPRINT_RUNNER_FLEET_ACCOUNTS", value) for value in ACCOUNTS],
    *[(f"SPRINT_RUNNER_FLEET_{name}", "") for name in ("PASSWORD", "CREDS", "NKEY")],
]


def is_sentence(words: str) -> bool:
    return bool(words) and "\n" not in words and "Traceback" not in words


@pytest.mark.parametrize(("variable", "value"), WRONG)
def test_a_runner_refuses_what_it_cannot_use(variable: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(None, {variable: value})
    name = variable.removeprefix("SPRINT_RUNNER_").lower()
    assert str(refused.value).startswith(f"environment: {name}")
    assert is_sentence(str(refused.value))


def test_a_password_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        load(None, {"SPRINT_RUNNER_FLEET": "nats://ada:hunter2@hub:4222"})
    assert "hunter2" not in str(refused.value)


def options(**given: object) -> argparse.Namespace:
    known: dict[str, object] = {"broker": None, "prepare": None, "nkey": None}
    known |= {"host": "127.0.0.1", "port": 0, "allowed_host": []}
    return argparse.Namespace(**{**known, "open": False, **given})


@pytest.mark.parametrize("value", ADDRESSES)
def test_the_page_refuses_an_address(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPRINT_RUNNER_FLEET", value)
    with pytest.raises(CannotStart) as refused:
        broker_login(options())
    assert str(refused.value).startswith("SPRINT_RUNNER_FLEET: fleet must be")
    assert is_sentence(str(refused.value))


@pytest.mark.parametrize("value", USERS)
def test_the_page_refuses_a_user(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPRINT_RUNNER_FLEET_USER", value)
    with pytest.raises(CannotStart, match="SPRINT_RUNNER_FLEET_USER: fleet_user must be") as refused:
        broker_login(options(broker="nats://hub"))
    assert is_sentence(str(refused.value))


@pytest.mark.parametrize("value", NAMES)
def test_no_streams_are_made_of_a_name(value: str) -> None:
    with pytest.raises(CannotStart, match="--prepare: fleet_name must be"):
        broker_login(options(broker="nats://hub", prepare=[value]))


def test_what_is_wrong_with_a_login_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPRINT_RUNNER_FLEET_NKEY", str(tmp_path / "none"))
    with pytest.raises(CannotStart, match="cannot be read"):
        broker_login(options(broker="nats://hub"))
    monkeypatch.setenv("SPRINT_RUNNER_FLEET_PASSWORD", "p")
    with pytest.raises(CannotStart, match="only one of"):
        broker_login(options(broker="nats://hub"))
    with pytest.raises(CannotStart, match="--prepare needs the address"):
        broker_login(options(prepare=["laptop"]))


@pytest.mark.parametrize(
    ("token", "reader", "host", "words"),
    [
        ("a", None, "127.0.0.1", "at least 16 characters"),
        ("a b" * 10, None, "127.0.0.1", "none of them blank"),
        (None, None, "0.0.0.0", "beyond this machine the page needs a token"),
        (None, "r" * 20, "127.0.0.1", "needs SPRINT_RUNNER_FLEET_TOKEN beside it"),
        ("t" * 20, "t" * 20, "127.0.0.1", "another value than that"),
        ("t" * 20, "a", "127.0.0.1", "at least 16 characters"),
    ],
)
def test_tokens_of_the_page(
    token: str | None, reader: str | None, host: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for name, value in (("TOKEN", token), ("READER_TOKEN", reader)):
        if value is not None:
            monkeypatch.setenv(f"SPRINT_RUNNER_FLEET_{name}", value)
    with pytest.raises(CannotStart, match=words) as refused:
        serve_fleet(options(host=host))
    assert is_sentence(str(refused.value))
    assert all(value is None or len(value) < 16 or value not in str(refused.value) for value in (token, reader))


def test_the_program_says_it_on_one_line(tmp_path: Path) -> None:
    command = [*PROGRAM, "fleet", "--broker", "http://hub"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.strip().splitlines()) == 1
    assert "--broker: fleet must be an address such as nats://host:4222" in done.stderr
