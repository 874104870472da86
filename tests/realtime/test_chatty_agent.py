"""An agent that prints 4,000 lines at once keeps neither the page nor anybody's event waiting.

`GET /` and events are timed beside a bystander, so that the machine's own noise is not taken for the server's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from tests.realtime.bystander import bystander
from tests.realtime.pages import quantile
from tests.running.projects import make_project
from tests.servers import Server, get, post

BURSTS = 5
LINES = 4_000
AGENT = f"""#!/usr/bin/env python3
import sys, time
sys.stdin.read()
for burst in range({BURSTS}):
    sys.stdout.write("".join(f"line {{n}} of burst {{burst}}, some words about it\\n" for n in range({LINES})))
    sys.stdout.flush()
    time.sleep(0.5)
print("[DEV-STORY-BLOCKED: YES] that was all")
"""


async def test_4000_lines_at_once(tmp_path: Path) -> None:
    project = make_project(tmp_path / "tiny", {"1-1-a": "in-progress"}, git=False)
    (tmp_path / "chatty").write_text(AGENT)
    (tmp_path / "chatty").chmod(0o755)
    (project / "sprint-runner.yaml").write_text(f"agents: {{chatty: {{kind: text, command: [{tmp_path}/chatty]}}}}\n")
    server = Server([str(project), "--agent", "chatty", "--port", "0"], tmp_path).start()
    try:
        async with aiohttp.ClientSession(server.url) as client:
            async with bystander(tmp_path / "noise") as others, watched(client) as delays:
                await post(client, "/api/run/start", {"batch_size": 1})
                waited = await asyncio.wait_for(page_times(client), 60)
            progress = (await get(client, "/api/events?type=command:progress&limit=10000"))["events"]
            transcript = await get(client, "/api/commands/1/transcript")
    finally:
        assert server.end() == 0
    assert len(waited) > 50
    assert len(delays) > 100
    # A tenth of a second is the promise. What a process that does nothing but answer takes at worst in the same seconds
    # is the machine's, and may come up more than once on the way of an event.
    limit = 0.1 + 3 * max(others)
    assert quantile(waited, 0.99) < limit
    assert quantile(delays, 0.99) < limit
    said = sum(entry["text"].count("some words about it") for entry in transcript["entries"])
    assert said == BURSTS * LINES
    assert len(progress) < 400  # the log stays calm, and says that there is more
    assert any("more lines are in the transcript" in event["payload"]["message"] for event in progress)


async def page_times(client: aiohttp.ClientSession) -> list[float]:
    """How long the page took, again and again until the run has ended."""
    waited = []
    while (await get(client, "/api/run"))["state"] != "idle":
        started = time.perf_counter()
        async with client.get("/") as response:
            await response.read()
        waited.append(time.perf_counter() - started)
        await asyncio.sleep(0.005)
    return waited


@asynccontextmanager
async def watched(client: aiohttp.ClientSession) -> AsyncIterator[list[float]]:
    """How long each event took from its emission to a page."""
    delays: list[float] = []

    async def watch(line: aiohttp.ClientWebSocketResponse) -> None:
        async for message in line:
            received = message.json()
            if "timestamp" in received:
                delays.append(time.time() - received["timestamp"] / 1000)

    async with client.ws_connect("/ws") as line:
        task = asyncio.create_task(watch(line))
        yield delays
        await line.close()
        await task
