"""Runners that only tell: `python -m tests.bench.fake_runners COUNT` serves so many, each with its entry and its hub.

It prints "ready" when all are entered. A line on standard input, `RATE SECONDS`, has them emit so many events a second
together, each with the clock in its message; "done" ends it. The end of the input ends the process, without a word.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import web

from api.socket import connect
from events import envelope
from fleet.registry import LaunchOptions, new_entry, registry_of
from fleet.service import FleetEvent
from fleet.source import Envelope
from runstate.fold import RunState
from runstate.server_state import ProjectView, ServerState, StoryCounts
from runstate.views import run_view
from websocket.hub import Hub

STARTED: Final = (
    ("batch:start", {"batch_id": 1, "max_cycles": "all"}),
    ("cycle:start", {"cycle_number": 1, "story_keys": ["1-1-a"]}),
    ("command:start", {"story_key": "1-1-a", "command": "dev-story", "task_id": "implement", "command_id": 1}),
)


class FakeRunner:
    """A runner with one command that goes on for ever."""

    def __init__(self, number: int) -> None:
        self.name = f"project-{number:02}"
        self.state = RunState()
        self.facts = ServerState(project=ProjectView(name=self.name), plan=StoryCounts(done=number, total=40))
        self.hub = Hub(epoch=f"e{number}", history=_none, snapshot=self._snapshot, clock=time.monotonic)
        for type, payload in STARTED:
            self.emit(type, payload)

    def emit(self, type: str, payload: dict[str, Any]) -> None:
        seq, now = self.hub.seq + 1, int(time.time() * 1000)
        self.state.apply([Envelope(type, payload, now, seq, 1)])
        self.hub.publish([FleetEvent(seq, envelope(type, msgspec.json.encode(payload), now, seq, 1))])

    def progress(self) -> None:
        words = f"{time.monotonic_ns()} {'x' * 80}"
        payload: dict[str, object] = {"story_key": "1-1-a", "command": "dev-story", "task_id": "implement"}
        payload |= {"message": words, "command_id": 1}
        self.emit("command:progress", payload)

    async def serve(self, folder: Path) -> None:
        app = web.Application()
        app.add_routes([web.get("/ws", lambda request: connect(request, self.hub)), web.get("/api/run", self._run)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.hub.start()
        port = runner.addresses[0][1]
        entry = new_entry(folder, self.name, f"http://127.0.0.1:{port}/", self.hub.epoch, None)
        registry_of(os.environ).enter(entry, LaunchOptions())
        sys.stdout.write(f"port {port}\n")

    async def _run(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._snapshot()[1], content_type="application/json")

    def _snapshot(self) -> tuple[bytes, bytes]:
        return b"null", msgspec.json.encode(run_view(self.state.run, self.facts, self.state.run.state))


async def _none(first: int, last: int) -> list[bytes]:
    return []


async def main(count: int, folder: Path) -> None:
    runners = [FakeRunner(number) for number in range(count)]
    for runner in runners:
        (folder / runner.name).mkdir()
        await runner.serve(folder / runner.name)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        rate, seconds, only = (float(word) for word in line.split())
        started = time.monotonic()
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
            runners[0 if only else number % count].progress()
        await asyncio.sleep(0.5)
        sys.stdout.write("done\n")
        sys.stdout.flush()
    os._exit(1)  # as one that is killed: its entries stay


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
