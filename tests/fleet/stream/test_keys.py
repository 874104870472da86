"""Logins by a key: a user's NKey in the server's configuration, a credentials file, and files that are none."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from base.program import PROGRAM_DIR
from fleet.stream.broker import Broker, BrokerProblem
from fleet.stream.keys import credentials_of, new_nkey, nkey_of
from fleet.stream.login import BrokerLogin
from fleet.stream.prepare import prepare
from tests.fleet.stream.credentials import Pair, configuration_of_operator, credentials
from tests.fleet.stream.nats_server import NatsServer
from tests.fleet.stream.readers import Reader
from tests.fleet.stream.runners import machine
from tests.fleet.stream.test_permissions import STORE, USERS, refused


def documented_sed() -> str:
    """The line of docs/fleet.md that makes the ready configuration one of keys."""
    (line,) = re.findall(r"^sed -E .* docs/fleet/nats-server\.conf", (PROGRAM_DIR / "docs/fleet.md").read_text(), re.M)
    return str(line)


def configured(folder: Path) -> str:
    """Return the ready configuration as the documented line makes it one of keys."""
    made = subprocess.run(["sh", "-c", documented_sed()], cwd=PROGRAM_DIR, capture_output=True, text=True, check=True)
    assert "password" not in made.stdout.partition("accounts")[2]
    return made.stdout.replace(STORE, str(folder))


@pytest.fixture
async def keyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[NatsServer]:
    """The server of the ready configuration, whose users have keys; the seeds are files of their names."""
    for user in USERS:
        monkeypatch.setenv(f"FLEET_{user.upper()}_NKEY", new_nkey(tmp_path / user))
    configuration = tmp_path / "nats-server.conf"
    configuration.write_text(configured(tmp_path / "store"))
    server = NatsServer(tmp_path / "nats", configuration)
    try:
        yield await server.start()
    finally:
        server.close()


async def test_users_of_keys_may_what_users_of_passwords_may(keyed: NatsServer, tmp_path: Path) -> None:
    def login(user: str) -> BrokerLogin:
        return BrokerLogin(address=keyed.address, user=user, nkey=str(tmp_path / user))

    await prepare(login("admin"), ["laptop", "desktop"])
    async with (
        machine(tmp_path, keyed.address, "laptop", login=login("laptop")) as box,
        Reader(login=login("viewer")) as reader,
    ):
        await box.commit(10)
        await reader.until_seq("laptop", box.database.last_seq)
        reader.check("laptop")
    other = await Broker.log_in(login("desktop"), "other")
    for subject in ("fleet.command.laptop", "fleet.events.laptop.x", "$JS.API.STREAM.INFO.fleet-events-laptop"):
        await refused(other, subject)
    await other.close()
    stranger = BrokerLogin(address=keyed.address, user="laptop", nkey=str(tmp_path / "stranger"))
    public = new_nkey(tmp_path / "stranger")
    with pytest.raises(BrokerProblem, match=f"refuses key {public}: check .*_NKEY"):
        await Broker.log_in(stranger, "stranger")


async def test_a_credentials_file_logs_in_as_its_account_allows(tmp_path: Path) -> None:
    operator, account, user = (Pair.make(kind) for kind in ("operator", "account", "user"))
    configuration = tmp_path / "nats-server.conf"
    configuration.write_text(configuration_of_operator(operator, account, tmp_path / "store"))
    file = tmp_path / "laptop.creds"
    allowed = ["$JS.API.>", "$KV.>", "_INBOX_laptop.>", "fleet.events.laptop.*", "fleet.read.laptop"]
    file.write_text(credentials(account, user, [*allowed, "fleet.command.laptop"]))
    file.chmod(0o600)
    server = NatsServer(tmp_path / "nats", configuration)
    try:
        await server.start()
        login = BrokerLogin(address=server.address, user="laptop", creds=str(file))
        async with machine(tmp_path, server.address, "laptop", login=login) as box:
            await box.until_connected()
        broker = await Broker.log_in(login, "other")
        await refused(broker, "fleet.events.desktop.x")
        await broker.close()
        file.write_text(credentials(Pair.make("account"), user, allowed))
        async with machine(tmp_path, server.address, "laptop", login=login) as box:
            await box.until_problem("refuses key U")
    finally:
        server.close()


SEED = "SUAKSLD6EYSXAK3LX36VHZXBQMIFUATSVIWMQ7CTZ3VMVSMVQM3KJGOSS4"


@pytest.mark.parametrize(
    "content",
    ["", "hunter2", SEED[:-1], SEED.lower(), SEED.replace("K", "L", 1), Pair.make("account").seed, "S" * 70_000, "\0ä"],
    ids=["empty", "a word", "short", "small letters", "mistyped", "of an account", "long", "bytes"],
)
def test_what_is_no_key_is_one_sentence_without_its_content(tmp_path: Path, content: str) -> None:
    file = tmp_path / "key"
    file.write_text(content)
    file.chmod(0o600)
    for read in (nkey_of, credentials_of):
        with pytest.raises(BrokerProblem) as refusal:
            read(str(file))
        assert "\n" not in str(refusal.value)
        assert str(file) in str(refusal.value)
        assert not content.strip() or content not in str(refusal.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o610])
def test_a_key_that_others_may_read_is_not_used(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "key"
    new_nkey(file)
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(mode)
    with pytest.raises(BrokerProblem, match="may be read by others than its owner: `chmod 600`"):
        nkey_of(str(file))


def test_what_is_no_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path, words in (("none", "No such file"), ("folder", "a folder"), ("pipe", "a named pipe"), ("a\0b", "null")):
        with pytest.raises(BrokerProblem, match=words):
            nkey_of(str(tmp_path / path))


def test_a_key_is_never_written_over_another_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("mine")
    with pytest.raises(FileExistsError):
        new_nkey(tmp_path / "key")
    assert (tmp_path / "key").read_text() == "mine"


def test_only_one_way_to_log_in_can_be_chosen(tmp_path: Path) -> None:
    for given in ({"password": "p", "nkey": "f"}, {"creds": "f", "nkey": "g"}, {"password": "p", "creds": "f"}):
        with pytest.raises(BrokerProblem, match="only one of"):
            BrokerLogin(address="nats://h", user="u", **given).secret()
