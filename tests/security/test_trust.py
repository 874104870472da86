"""A stranger's project: nothing that its settings name runs, listens or counts before the operator has trusted it."""

from __future__ import annotations

import json
import os
import pty
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from demo.fresh import MARKER
from security.trust_store import VARIABLE
from tests.running.projects import make_project
from tests.servers import ROOT, Server, get, post

LONG_S = 120
EVIL_TOKEN = "token-of-the-attacker"
GUARDED = ["agents", "allowed_hosts", "data_dir", "host", "notify_command", "token", "verify"]


class Clone:
    """A hostile clone; every program that it names leaves `mark`, and `home` is the operator's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = make_project(folder / "clone", {"1-1-a": "backlog"})
        self.mark = folder / "ran"
        self.elsewhere = folder / "elsewhere"
        self.program = folder / "evil"
        self.program.write_text(f"#!/bin/sh\necho ran >> {self.mark}\necho 1.0\n")
        self.program.chmod(0o755)
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != VARIABLE},
            "XDG_STATE_HOME": str(folder / "state"),
            "PATH": f"{folder}:{os.environ['PATH']}",
        }
        (folder / "claude").write_text("#!/bin/sh\necho 2.0.0\n")  # the operator's own, which needs no trust
        (folder / "claude").chmod(0o755)
        (self.root / ".claude").mkdir()
        (self.root / "AGENTS.md").write_text("obey\n")
        self.write(verify=str(self.program))

    def write(self, **changed: Any) -> None:
        """The settings file of the clone, with these values."""
        agents = {"evil": {"kind": "claude", "command": [str(self.program)], "env": {"EVIL_KEY": "hidden-from-lists"}}}
        values = {
            "host": "0.0.0.0",
            "token": EVIL_TOKEN,
            "allowed_hosts": ["evil.example"],
            "retries": 7,
            "data_dir": str(self.elsewhere),
            "notify_command": str(self.program),
            "agent": "evil",
            "agents": agents,
        }
        (self.root / "sprint-runner.yaml").write_text(yaml.safe_dump({**values, **changed}))

    def call(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(ROOT / "server.py"), *arguments],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONG_S,
            check=False,
        )

    def start(self, *arguments: str) -> Server:
        server = Server([str(self.root), *arguments], self.folder)
        server.environment = self.environment
        return server.start()

    @property
    def untouched(self) -> bool:
        return not self.mark.exists() and not self.elsewhere.exists()


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


@pytest.fixture
def server(clone: Clone) -> Iterator[Server]:
    """A server over the untrusted clone, at the port that it takes by itself."""
    started = clone.start()
    yield started
    if started.process is not None:
        started.end()


def is_reachable_elsewhere(port: int) -> bool:
    """Whether something answers on an address that is not loopback's usual one."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.2", port)) == 0


async def test_a_server_starts_without_anything_that_is_not_trusted(clone: Clone, server: Server) -> None:
    assert "agent claude not checked yet" in server.line
    assert "is not trusted yet, so these settings were left out: agent, agents, allowed_hosts" in server.errors()
    assert not is_reachable_elsewhere(int(server.url.rpartition(":")[2]))
    assert (clone.root / ".sprint-runner/sprint-runner.db").is_file()
    async with aiohttp.ClientSession(server.url) as client:
        async with client.get("/", headers={"Host": "evil.example"}) as response:
            assert response.status == 403
        settings = {each["name"]: each for each in (await get(client, "/api/settings"))["settings"]}
        assert settings["retries"]["value"] == 7
        assert settings["host"]["value"] == "127.0.0.1"
        assert "not trusted" in settings["verify"]["locked"]
        trust = await get(client, "/api/trust")
        assert not trust["trusted"]
        names = sorted({value["name"].partition(".")[0] for value in trust["waiting"]})
        assert names == GUARDED
        assert EVIL_TOKEN not in json.dumps(trust)
        assert "hidden-from-lists" not in json.dumps(trust)
        assert trust["instructions"][0] == ".claude/"
        assert "AGENTS.md" in trust["instructions"]
        status, answer = await post(client, "/api/run/start")
        assert (status, answer["error"]["code"]) == (409, "trust")
        assert "without asking first" in answer["error"]["message"]
        status, answer = await post(client, "/api/trust", {"hash": "0" * 64})
        assert (status, answer["error"]["code"]) == (409, "changed")
    assert clone.untouched


async def test_what_is_trusted_in_the_page_counts_and_what_needs_a_restart_is_said(
    clone: Clone, server: Server
) -> None:
    async with aiohttp.ClientSession(server.url) as client:
        before = await get(client, "/api/trust")
        status, after = await post(client, "/api/trust", {"hash": before["hash"]})
        assert (status, after["trusted"], after["waiting"]) == (200, True, [])
        assert after["restart"] == ["allowed_hosts", "data_dir", "host", "token"]
        assert (await get(client, "/api/run"))["agent"]["name"] == "evil"
    assert clone.mark.read_text() == "ran\n"  # the version probe


async def test_a_changed_value_asks_again_and_shows_what_was_before(clone: Clone) -> None:
    assert clone.call("trust", str(clone.root), "--yes").returncode == 0
    clone.write(verify="make evil")
    server = clone.start("--host", "127.0.0.1", "--port", "0", "--data-dir", str(clone.folder / "data"))
    headers = {"Authorization": f"Bearer {EVIL_TOKEN}"}
    try:
        async with aiohttp.ClientSession(server.url, headers=headers) as client:
            trust = await get(client, "/api/trust")
            assert trust["waiting"] == [{"name": "verify", "value": "make evil", "before": str(clone.program)}]
            assert (await post(client, "/api/run/start"))[1]["error"]["code"] == "trust"
            async with client.put("/api/settings", json={"verify": "make mine"}) as response:
                assert response.status == 200
            assert (await get(client, "/api/trust"))["trusted"]
            clone.write(verify="make worse")
            trust = await get(client, "/api/trust")
            assert trust["waiting"] == [{"name": "verify", "value": "make worse", "before": "make mine"}]
    finally:
        server.end()


def test_a_stranger_s_folder_that_looks_like_a_demo_is_no_demo(clone: Clone) -> None:
    (clone.root / MARKER).touch()
    clone.write(agents={"demo": {"kind": "claude", "command": [str(clone.program)]}})
    server = clone.start("--demo")
    try:
        assert "agent demo not checked yet" in server.line
    finally:
        server.end()
    assert clone.untouched


def listed(text: str) -> bool:
    """Whether the list names every value, shows no secret, and says what an agent may do and whom it obeys."""
    names = ("agents.evil.command", "allowed_hosts", "data_dir", "host", "notify_command", "token", "verify")
    hidden = (EVIL_TOKEN, "hidden-from-lists")
    words = ("with your permissions", ".claude/, ", "AGENTS.md")
    return all(name in text for name in (*names, *words)) and not any(secret in text for secret in hidden)


def test_check_starts_nothing_and_says_what_it_left_out(clone: Clone) -> None:
    done = clone.call("check", str(clone.root))
    assert done.returncode == 1
    assert f"these settings were left out: {', '.join(GUARDED)}" in done.stdout
    assert "not checked: the settings that name them" in done.stdout
    assert clone.untouched


def test_run_ends_with_the_list(clone: Clone) -> None:
    done = clone.call("run", str(clone.root))
    assert (done.returncode, done.stdout) == (2, "")
    assert listed(done.stderr), done.stderr
    assert f"sprint-runner trust {clone.root}" in done.stderr
    assert clone.untouched


def test_run_in_a_folder_without_settings_asks_too(clone: Clone) -> None:
    (clone.root / "sprint-runner.yaml").unlink()
    done = clone.call("run", str(clone.root))
    assert done.returncode == 2
    assert "without asking first" in done.stderr


@pytest.mark.parametrize("verb", ["backup", "restore"])
def test_no_other_data_folder_is_taken_for_the_one_that_is_not_trusted(clone: Clone, verb: str) -> None:
    done = clone.call(verb, str(clone.folder / "x.tar.gz"), str(clone.root))
    assert done.returncode == 2
    assert "names its data folder and is not trusted yet" in done.stderr


def test_the_verb_lists_keeps_and_revokes(clone: Clone) -> None:
    asked = clone.call("trust", str(clone.root))
    assert asked.returncode == 2
    assert listed(asked.stderr), asked.stderr
    assert clone.call("trust", "--list").stdout == ""
    kept = clone.call("trust", str(clone.root), "--yes")
    assert kept.returncode == 0
    assert listed(kept.stdout)
    assert clone.call("trust", "--list").stdout.startswith(f"{clone.root}: ")
    assert "is trusted as it is" in clone.call("trust", str(clone.root)).stdout
    assert "trust" not in clone.call("check", str(clone.root)).stdout
    clone.write(verify="make evil")
    again = clone.call("trust", str(clone.root))
    assert "make evil" in again.stderr
    assert "agents.evil.command" not in again.stderr
    assert clone.call("trust", "--revoke", str(clone.root)).returncode == 0
    assert clone.call("trust", "--revoke", str(clone.root)).returncode == 2
    assert clone.call("run", str(clone.root)).returncode == 2


@pytest.mark.parametrize("way", ["flag", "everything", "hash"])
def test_a_run_may_be_trusted_without_a_question(clone: Clone, way: str) -> None:
    (clone.root / "sprint-runner.yaml").write_text(
        f"agent: own\nagents: {{own: {{kind: text, command: [{clone.program}]}}}}\n"
    )
    text = clone.call("trust", str(clone.root)).stderr
    fingerprint = next(line.split()[1] for line in text.splitlines() if line.startswith("hash "))
    environment = {"flag": {}, "everything": {VARIABLE: "1"}, "hash": {VARIABLE: fingerprint}}[way]
    flags = ["--trust"] if way == "flag" else []
    done = clone.call("run", str(clone.root), "--batch", "1", "--story", "no-such-story", *flags, **environment)
    assert "there is no story" in done.stderr or "has no story" in done.stderr, done.stderr
    assert bool(clone.call("trust", "--list").stdout) == (way == "flag")
    wrong = clone.call("run", str(clone.root), **{VARIABLE: "0" * 64})
    assert ("not trusted" in wrong.stderr) == (way != "flag")


def answered(clone: Clone, answer: str) -> tuple[int, str]:
    """The exit code of the verb and what a terminal showed."""
    ours, theirs = pty.openpty()
    command = [sys.executable, str(ROOT / "server.py"), "trust", str(clone.root)]
    process = subprocess.Popen(command, env=clone.environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while select.select([ours], [], [], LONG_S)[0]:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the other side is closed
                break
            if shown.endswith(b"[y/N] "):
                os.write(ours, f"{answer}\n".encode())
        return process.wait(LONG_S), shown.decode()
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("", 2), ("n", 2)])
def test_a_terminal_is_asked_one_question(clone: Clone, answer: str, code: int) -> None:
    status, shown = answered(clone, answer)
    assert status == code, shown
    assert listed(shown), shown
    assert shown.count("Trust this folder and exactly these settings?") == 1
    assert bool(clone.call("trust", "--list").stdout) == (code == 0)
