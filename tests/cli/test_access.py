"""Who can use the page: what `check` reports about it, and the token that the command line makes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from base.program import PROGRAM_DIR
from cli.check import check_access
from security.token import new_token
from settings import Settings, SettingsError, edited, load


def test_a_server_without_a_token_gets_one_proposed() -> None:
    token, _ = check_access(Settings())
    assert token.ok
    proposed = token.message.rpartition(" ")[2]
    assert len(proposed) >= 16
    assert proposed not in check_access(Settings())[0].message  # another one each time


def test_a_token_is_not_repeated() -> None:
    secret = new_token()
    assert secret not in str(check_access(Settings(token=secret)))


@pytest.mark.parametrize(
    ("origin", "reader"), [("*", "any website"), ("https://a.example", "https://a.example"), ("none", "no other")]
)
def test_what_other_origins_can_read_is_named(origin: str, reader: str) -> None:
    assert check_access(Settings(cors_origin=origin))[1].message.startswith(reader)


@pytest.mark.parametrize("arguments", [["server.py", "token"], [".", "token"]])
def test_a_token_is_printed_without_a_project(arguments: list[str]) -> None:
    printed = [
        subprocess.run([sys.executable, *arguments], cwd=PROGRAM_DIR, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert all(len(token.strip()) >= 16 and not set(token.strip()) & set(" \t") for token in printed)
    assert printed[0] != printed[1]


def test_the_token_of_readers_comes_with_its_use() -> None:
    call = [sys.executable, "server.py", "token", "--reader"]
    done = subprocess.run(call, cwd=PROGRAM_DIR, capture_output=True, text=True, check=True)
    assert len(done.stdout.strip()) >= 16
    assert "SPRINT_RUNNER_READER_TOKEN" in done.stderr
    assert "readers" in check_access(Settings(token="t" * 20, reader_token="r" * 20))[0].message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"reader_token: {'r' * 20}", "reader_token: without a token everyone may change everything"),
        (f"{{token: {'t' * 20}, reader_token: {'t' * 20}}}", "reader_token must differ from token"),
        (f"{{token: {'t' * 20}, reader_token: short}}", "reader_token must have at least 16 characters"),
        ("public_url: box.example", "public_url must be a URL"),
    ],
)
def test_what_gives_access_is_checked_together(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "sprint-runner.yaml").write_text(text)
    with pytest.raises(SettingsError, match=said):
        load(tmp_path / "sprint-runner.yaml", {})


@pytest.mark.parametrize("token", ["a", " " * 20, "fifteen-letters", "sixteen letters x"])
def test_a_token_that_can_be_guessed_is_refused(token: str) -> None:
    with pytest.raises(SettingsError, match="at least 16 characters"):
        edited("", {"token": token})
