"""The lines of docs/fleet.md that make a first fleet, typed into a shell as they are but for ports."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from base.program import PROGRAM_DIR
from tests.fleet.stream.nats_server import PROGRAM

PORT = "4222"
STARTED = re.compile(r"Sprint Runner fleet at (\S+)")


def documented(port: int) -> list[str]:
    """Return the lines; servers of the program listen on free ports, and no browser opens."""
    text = (PROGRAM_DIR / "docs" / "fleet.md").read_text()
    (block,) = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert PORT in block
    lines = block.replace(PORT, str(port)).replace("--demo", "--demo --port 0").replace("--open", "--port 0")
    return [str(line) for line in lines.splitlines()]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def home_of(folder: Path, port: int) -> dict[str, str]:
    """Make a home with the clone's configuration and both programs on the path; return its environment."""
    configuration = Path("docs") / "fleet" / "nats-server.conf"
    (folder / configuration).parent.mkdir(parents=True)
    (folder / configuration).write_text((PROGRAM_DIR / configuration).read_text().replace(PORT, str(port)))
    programs = folder / "bin"
    programs.mkdir()
    for name, command in (("nats-server", str(PROGRAM)), ("sprint-runner", f"{sys.executable} {PROGRAM_DIR}")):
        (programs / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (programs / name).chmod(0o755)
    own = {"HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"), "SPRINT_RUNNER_DEMO_SPEED": "max"}
    return {**os.environ, **own, "PATH": f"{programs}:{os.environ['PATH']}"}


async def until_answers(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return


async def typed(folder: Path, port: int, environment: Mapping[str, str]) -> tuple[asyncio.subprocess.Process, str]:
    """Type the lines into a shell; return it, and the address of the page. What they start is of its process group."""
    with (folder / "errors").open("wb") as errors:
        shell = await asyncio.create_subprocess_exec(
            "sh",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
    assert shell.stdin is not None
    assert shell.stdout is not None
    for line in documented(port):
        shell.stdin.write(line.encode() + b"\n")
        if line.startswith("nats-server"):  # nobody types faster than it starts
            await until_answers(port)
    shell.stdin.close()
    while line := (await shell.stdout.readline()).decode():
        if found := STARTED.search(line):
            return shell, found[1]
    raise AssertionError((folder / "errors").read_text())


async def fleet_of(url: str) -> Any:
    """Return the runners of the page once the broker's is there."""
    async with aiohttp.ClientSession() as client:
        while True:
            async with client.get(f"{url}api/fleet") as response:
                runners = (await response.json())["runners"]
            if any(((one["run"] or {}).get("fleet") or {}).get("connected") for one in runners):
                return runners
            await asyncio.sleep(0.05)


async def test_ten_lines_make_a_fleet(tmp_path: Path) -> None:
    port = free_port()
    async with asyncio.timeout(200):
        shell, url = await typed(tmp_path, port, home_of(tmp_path, port))
        try:
            (runner,) = await fleet_of(url)
            assert (runner["info"]["project"], runner["run"]["fleet"]["name"]) == ("Perch", "laptop")
            assert runner["run"]["fleet"]["problem"] is None
        finally:
            os.killpg(shell.pid, signal.SIGTERM)
            assert shell.stdout is not None
            await shell.stdout.read()  # ends with the last of them
            await shell.wait()
