"""Real servers in folders of their own, with a registry that only they share, and what follows them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from fleet.client import RunnerClient
from fleet.local import LocalRunners
from fleet.registry import Registry
from fleet.service import FleetService
from security.trust_store import state_folder
from tests.servers import Server

MakeServer = Callable[..., Server]
PATIENCE_S = 100.0


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The state folder that the servers of a test share."""
    return tmp_path / "state"


@pytest.fixture
def registry(state: Path) -> Registry:
    return Registry(state_folder({"XDG_STATE_HOME": str(state)}))


@pytest.fixture
def make_server(tmp_path: Path, state: Path) -> Iterator[MakeServer]:
    """Makes a server of the demo: `make_server("shop", TOKEN="…")`; it is to be started, and ended at the end."""
    made: list[Server] = []

    def make(name: str, *options: str, **environment: str) -> Server:
        folder = tmp_path / name
        folder.mkdir()
        variables = {"XDG_STATE_HOME": str(state), **environment}
        made.append(Server([str(folder / "project"), "--demo", "--port", "0", *options], folder, variables))
        return made[-1]

    yield make
    for server in made:
        if server.process is not None:
            server.end()


@pytest.fixture
async def service(registry: Registry) -> AsyncIterator[FleetService]:
    """The service of a fleet's page over the registry, started."""
    client = RunnerClient()
    made = FleetService([LocalRunners(registry, client)])
    made.start()
    yield made
    await made.stop()
    await client.close()


async def until(condition: Callable[[], object]) -> None:
    """Wait until something holds that another process or task brings about."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.02)
