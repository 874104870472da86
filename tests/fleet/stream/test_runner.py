"""A real server in a fleet: seen, followed, asked and steered through a real broker."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from fleet.client import RunnerClient
from fleet.local import LocalRunners
from fleet.registry import Registry
from fleet.server import FleetConfig, build_app
from fleet.service import FLEET
from fleet.source import RunnerId, RunnerRequest, RunnerResponse, RunnerSource
from fleet.stream.login import BrokerLogin
from fleet.stream.source import StreamRunners
from security.grants import Role
from security.trust_store import state_folder
from tests.fleet.conftest import until
from tests.fleet.stream.nats_server import NatsServer
from tests.fleet.stream.readers import Reader
from tests.fleet.stream.test_presence import within
from tests.servers import demo, get

NAME = "box"
ID = RunnerId("stream", NAME)


async def body_of(response: RunnerResponse) -> bytes:
    return b"".join([piece async for piece in response.body])


async def ask(
    reader: Reader, method: str, path: str, body: Any = None, role: Role = Role.OPERATOR, **headers: str
) -> tuple[int, Any]:
    given = (
        ("Content-Type", "application/json"),
        *((name.replace("_", "-"), value) for name, value in headers.items()),
    )
    data = b"" if body is None else json.dumps(body).encode()
    response = await reader.source.request(
        ID, RunnerRequest(method=method, path=path, role=role, headers=given, body=data)
    )
    return response.status, json.loads(await body_of(response))


async def test_a_runner_is_seen_followed_and_steered(nats: NatsServer, tmp_path: Path) -> None:
    environment = {"SPRINT_RUNNER_FLEET": nats.address, "SPRINT_RUNNER_FLEET_NAME": NAME}
    environment["XDG_STATE_HOME"] = str(tmp_path / "state")
    async with demo(tmp_path, **environment) as (server, client), Reader(nats.address) as reader:
        await reader.until(lambda: (state := reader.state(NAME)) is not None and state.lost is None)
        run = await get(client, "/api/run")
        assert run["fleet"] == {"name": NAME, "address": nats.address, "connected": True, "problem": None}
        await check_counts(reader, tmp_path / "demo")
        assert (await ask(reader, "POST", "/api/run/pause", {}))[0] == 409
        status, _ = await ask(reader, "POST", "/api/run/start", {"batch_size": 1}, Role.READER)
        assert status == 403
        assert await ask(reader, "POST", "/api/run/start", {"batch_size": 1}, idempotency_key="k") == (
            202,
            {"batch_id": 1},
        )
        assert await ask(reader, "POST", "/api/run/start", {"batch_size": 1}, idempotency_key="k") == (
            202,
            {"batch_id": 1},
        )
        await reader.until(lambda: reader.run(NAME).operations)
        assert await ask(reader, "POST", "/api/run/stop", {"mode": "now"}) == (202, {"state": "stopping"})
        await reader.until(lambda: reader.run(NAME).state == "idle")
        last = (await get(client, "/api/run"))["seq"]
        await reader.until_seq(NAME, last)
        reader.check(NAME)
        assert reader.seqs[NAME][-1] == last
        registry = Registry(state_folder(environment))
        await check_page(nats.address, registry, await get(client, "/api/run"))
        assert (await ask(reader, "GET", "/api/events?limit=3"))[1] == await get(client, "/api/events?limit=3")
        await asyncio.to_thread(server.end)  # the reader hears of it meanwhile
        await reader.until(lambda: reader.lost(NAME) == "It has ended.")


async def check_counts(reader: Reader, root: Path) -> None:
    """What no event carries is right within three seconds: the runner says when it has changed."""
    tracker = root / "_bmad-output" / "implementation-artifacts" / "sprint-status.yaml"
    text, done = tracker.read_text(), reader.run(NAME).plan.done
    for change, expected in (("done", done + 1), ("backlog", done)):
        tracker.write_text(text.replace("1-2-correct-a-sighting: backlog", f"1-2-correct-a-sighting: {change}"))
        await within(lambda expected=expected: reader.run(NAME).plan.done == expected)  # type: ignore[misc]


async def check_page(address: str, registry: Registry, run: Any) -> None:
    """The server of the fleet's page shows the runner once, and its whole page below one path."""
    local = RunnerClient()
    sources: list[RunnerSource] = [
        LocalRunners(registry, local),
        StreamRunners(BrokerLogin(address=address, user="operator", password=None)),
    ]
    config = FleetConfig(hosts=["127.0.0.1"], token=None, reader_token=None, secret=b"s" * 32)
    async with TestClient(TestServer(build_app(config, sources))) as page:
        (entry,) = registry.entries()
        service = page.app[FLEET]
        await until(lambda: len(service.fleet.ids()) == 2)
        await until(lambda: [one.id for one in service.listed().runners] == [f"local.{entry.key}"])
        registry.leave(entry)  # as if it were of another machine
        await until(lambda: len(service.fleet.ids()) == 1)
        await until(lambda: [(one.id, one.lost) for one in service.listed().runners] == [(str(ID), None)])
        (runner,) = (await json_of(page, "/api/fleet"))["runners"]
        assert (runner["id"], runner["info"]["project"], runner["run"]["seq"]) == (str(ID), "Perch", run["seq"])
        assert (await json_of(page, f"/r/{ID}/api/run"))["seq"] == run["seq"]
        async with page.ws_connect(f"/r/{ID}/ws") as socket:
            init = await socket.receive_json()
            assert (init["type"], init["payload"]["seq"]) == ("init", run["seq"])
        async with page.ws_connect(f"/r/{ID}/ws?since=2&epoch={runner['epoch']}") as socket:
            assert (await socket.receive_json())["type"] == "resumed"
            assert [(await socket.receive_json())["seq"] for _ in range(5)] == [3, 4, 5, 6, 7]
        async with page.post(f"/r/{ID}/api/run/pause", json={}) as response:
            assert (response.status, (await response.json())["error"]["code"]) == (409, "idle")
    await local.close()


async def json_of(page: TestClient[Any, Any], path: str) -> Any:
    async with page.get(path) as response:
        assert response.status == 200, await response.text()
        return await response.json()
