"""The server as it is, started as a process of its own, with more routes for the tests and measurements.

`POST /drive/emit` emits events, `GET /drive/facts` returns how long the loop was busy at a stretch, `POST /drive/lines`
reads a pipe line by line and emits each, as the lines of an agent are, `POST /drive/agents` runs agents side by side as
the commands of a batch would. Run with `python -m tests.realtime.driven`.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

import agents
import events
import server
from api.http import SERVICES
from running.activity import Activity
from running.subject import CommandSubject

BEAT_S = 0.001
STORY = {"story_key": "2a-1", "command": "dev-story", "task_id": "implement"}


class Loop:
    """How long the loop was busy between two beats: by the clock, and by its own use of the processor."""

    def __init__(self) -> None:
        self.late_s = self.busy_s = 0.0

    async def beat(self) -> None:
        while True:
            wall, busy = time.perf_counter(), time.thread_time()
            await asyncio.sleep(BEAT_S)
            self.late_s = max(self.late_s, time.perf_counter() - wall - BEAT_S)
            self.busy_s = max(self.busy_s, time.thread_time() - busy)


LOOP = web.AppKey("loop", Loop)


def progress(message: str) -> asyncio.Future[events.Event]:
    return events.emit_event(events.EventType.COMMAND_PROGRESS, {**STORY, "message": message})


async def emit(request: web.Request) -> web.Response:
    """`count` events at once, of `size` letters; each message starts with the clock's ns, for measuring."""
    wanted = await request.json()
    filler = "x" * wanted.get("size", 40)
    futures = [progress(f"{time.monotonic_ns()} {filler}") for _ in range(wanted.get("count", 1))]
    if not wanted.get("wait", True):
        return web.json_response({})
    stored = await asyncio.gather(*futures)
    return web.json_response({"last": stored[-1].seq})


async def emit_lines(request: web.Request) -> web.Response:
    """Read the named pipe to its end."""
    wanted = await request.json()
    reader = asyncio.StreamReader(limit=1 << 20)
    pipe = os.fdopen(os.open(wanted["pipe"], os.O_RDONLY | os.O_NONBLOCK), "rb")
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    count, last = 0, None
    async for line in reader:
        last = progress(line.decode().rstrip("\n"))
        count += 1
    if last is not None:
        await last
    transport.close()
    return web.json_response({"lines": count})


async def run_agents(request: web.Request) -> web.Response:
    """Run the named programs at once, each with a log like a command's; how each ended and what it said."""
    wanted = await request.json()
    services = request.app[SERVICES]
    folder = services.workspace.data_dir
    processes = []
    for number, (kind, command) in enumerate(wanted["agents"], start=1):
        subject = CommandSubject(story_key=f"2a-{number}", command="dev-story")
        activity = Activity(("implement",), number, subject, services.database)
        call = agents.Call("go", folder, f"{services.database.epoch}:{number}", folder / "streams" / "0" / f"{number}")
        spec = agents.AgentSpec(f"agent-{number}", kind, tuple(command))
        processes.append(await agents.start(spec, call, activity.take))
    outcomes = await asyncio.gather(*(process.wait() for process in processes))
    results = [{"kind": each.kind, "reason": each.reason, "end": each.text[-40:]} for each in outcomes]
    return web.json_response({"outcomes": results})


async def facts(request: web.Request) -> web.Response:
    """What was measured since the last request."""
    loop, services = request.app[LOOP], request.app[SERVICES]
    received: dict[str, Any] = {
        "late_s": loop.late_s,
        "busy_s": loop.busy_s,
        "clients": len(services.hub.clients),
        "dropped": services.hub.dropped,
        "tasks": len(asyncio.all_tasks()),
        "cpu_s": time.process_time(),
    }
    loop.late_s = loop.busy_s = 0.0
    return web.json_response(received)


async def _beating(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.get_running_loop().create_task(app[LOOP].beat())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def build_app(config: Any, *subscribers: Any, build: Any = server.build_app, **options: Any) -> web.Application:
    app: web.Application = build(config, *subscribers, **options)
    app[LOOP] = Loop()
    app.cleanup_ctx.append(_beating)
    app.router.add_post("/drive/emit", emit)
    app.router.add_post("/drive/lines", emit_lines)
    app.router.add_post("/drive/agents", run_agents)
    app.router.add_get("/drive/facts", facts)
    return app


if __name__ == "__main__":
    server.build_app = build_app
    sys.exit(server.main())
