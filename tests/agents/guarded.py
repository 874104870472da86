"""A server in miniature: starts one thing as the real one does, says so, and waits to be killed.

`python -m tests.agents.guarded EPOCH KIND [--no-cgroup] COMMAND…`; KIND is that of an agent, or `verify`, `notify`,
`version`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

import agents
from agents import cgroup
from agents.guarding import GUARDING
from notify.channels import CommandChannel
from notify.notice import Notice
from running import check_process


async def run_agent(kind: str, epoch: str, command: list[str]) -> None:
    here = Path.cwd()
    call = agents.Call("do it", here, f"{epoch}:1", here / "streams" / "1.ndjson")
    process = await agents.start(agents.AgentSpec("it", kind, tuple(command)), call, lambda record: None)
    await process.wait()


async def run_verify(command: list[str]) -> None:
    await check_process.run(command, Path.cwd())


async def run_notify(command: list[str]) -> None:
    line = " ".join(command)
    await CommandChannel(line, "project", os.environ, GUARDING.command).deliver(
        Notice(1, "t", "text", msgspec.Raw(b"{}"))
    )


async def run_version(command: list[str]) -> None:
    await agents.preflight(agents.AgentSpec("it", "codex", tuple(command)), timeout_s=600)


async def main(epoch: str, kind: str, command: list[str]) -> None:
    if command[0] == "--no-cgroup":
        command = command[1:]
        cgroup.own_folder = lambda *_: None
    GUARDING.start()
    GUARDING.watch(epoch)
    sys.stdout.write(f"{GUARDING.pid}\n")
    sys.stdout.flush()
    others: dict[str, Callable[[list[str]], Awaitable[None]]] = {
        "verify": run_verify,
        "notify": run_notify,
        "version": run_version,
    }
    await (others[kind](command) if kind in others else run_agent(kind, epoch, command))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
