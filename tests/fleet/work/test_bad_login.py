"""A worker that cannot log in says why in one sentence of its log, tries again patiently, and ends in order."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Final

import pytest

from fleet.stream.keys import new_nkey
from tests.fleet.stream.nats_server import NatsServer
from tests.fleet.work.workshop import WorkerProcess, until

VARIABLE: Final = "SPRINT_RUNNER_FLEET_"
# What the server asks for, the login variable with its value, and words of the sentence.
CASES: Final = {
    "a wrong password": ("password", ("PASSWORD", "wrong"), "refuses user east"),
    "no password": ("password", None, "refuses user east"),
    "an unknown key": ("password", ("NKEY", "{folder}/key"), "refuses key U"),
    "no JetStream": ("no JetStream", None, "has no JetStream"),
    "a wrong address": ("nothing", None, "cannot be reached"),
}
# A file that is none: the worker does not begin.
FILES: Final = {
    "a key that others may read": ("NKEY", "{folder}/open", "may be read by others"),
    "no credentials file": ("CREDS", "{folder}/none", "No such file"),
    "a file without credentials": ("CREDS", "{folder}/key", "{folder}/key"),
}


async def server(kind: str, folder: Path) -> NatsServer:
    configuration = folder / "nats.conf"
    configuration.write_text(
        f'authorization {{ user: east, password: right }}\njetstream {{ store_dir: "{folder / "store"}" }}\n'
    )
    made = NatsServer(folder / "nats", configuration if kind == "password" else None, jetstream=False)
    await made.start()
    if kind == "nothing":
        made.kill()
    return made


@pytest.mark.parametrize("case", CASES)
async def test_what_is_wrong_with_a_login_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    kind, given, words = CASES[case]
    new_nkey(tmp_path / "key")
    if given is not None:
        monkeypatch.setenv(f"{VARIABLE}{given[0]}", given[1].format(folder=tmp_path))
    nats = await server(kind, tmp_path)
    worker = WorkerProcess("east", tmp_path / "east", nats.address)
    try:
        worker.start()
        await until(lambda: words in worker.said)
        (sentence,) = [line for line in worker.said.splitlines() if "WARNING" in line]
        assert "worker: " in sentence
        assert "Traceback" not in worker.said
        assert not (worker.folder / "data/lanes").exists()
        worker.send(signal.SIGTERM)  # it was there all the time
        assert await asyncio.to_thread(worker.wait) == 0
    finally:
        worker.close()
        nats.close()


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_is_no_login_ends_the_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    variable, value, words = FILES[case]
    new_nkey(tmp_path / "key")
    new_nkey(tmp_path / "open")
    (tmp_path / "open").chmod(0o644)
    monkeypatch.setenv(f"{VARIABLE}{variable}", value.format(folder=tmp_path))
    worker = WorkerProcess("east", tmp_path / "east", "nats://127.0.0.1:1")
    worker.start()
    assert worker.wait() != 0
    (sentence,) = worker.said.splitlines()
    assert words.format(folder=tmp_path) in sentence
