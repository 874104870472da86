"""A sprint on two workers while coordinator, workers and broker are killed in turn, stopped, and cut off.

Whatever is killed when: the events have no gap and come once, no command runs again after a success, no story is
merged twice, no lane is lost, no process is left, and the ledger equals the books that the agents keep themselves. Of a
command whose worker was lost it holds what had arrived.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from base.program import PROGRAM_DIR
from fleet.work.names import LEASE_S
from tests.fleet.stream.nats_server import NatsServer
from tests.fleet.work.proxy import Proxy
from tests.fleet.work.workshop import WorkerProcess
from tests.git.repositories import git
from tests.processes import marked
from tests.test_money_over_kills import Paid

ROUNDS: Final = int(os.environ.get("SPRINT_RUNNER_FLEET_KILLS", "7"))
SEED: Final = int(os.environ.get("SPRINT_RUNNER_FLEET_SEED", "11"))
STORIES: Final = {"1-1-a": "backlog", "1-2-b": "ready-for-dev", "2-1-c": "backlog", "2-2-d": "ready-for-dev"}
AFTER_S: Final = 4.0  # at the most, between two kills
ENDS_S: Final = 20.0  # for a guardian to end what a killed worker has left

WORKERS: Final = ("east", "west")
OPEN: Final = ("running", "interrupted")

Disturbance = Callable[[], Awaitable[None]]


class Sprint:
    """A sprint of a project, two workers, a broker, and what may happen to them. `proxies` are before the broker."""

    def __init__(self, folder: Path, nats: NatsServer, proxies: dict[str, Proxy], dice: random.Random) -> None:
        self.nats, self.proxies, self.dice, self.folder = nats, proxies, dice, folder
        self.paid = Paid(folder, STORIES, "sleep 0.2")
        self.environment = {
            "SPRINT_RUNNER_FLEET": proxies["coordinator"].address,
            "SPRINT_RUNNER_FLEET_NAME": "box",
            "SPRINT_RUNNER_PARALLEL": "2",
            "SPRINT_RUNNER_PARALLEL_HERE": "0",
            "SPRINT_RUNNER_AUTO_RESUME": "true",
            "DEMO_AGENT_LEDGER": str(self.paid.books),
        }
        self.workers = [self._worker(name) for name in WORKERS]

    def _worker(self, name: str) -> WorkerProcess:
        command = [sys.executable, str(PROGRAM_DIR / "demo/agent.py"), "--speed", "max"]
        home = {"DEMO_AGENT_HOME": str(self.folder / f"sessions-{name}"), "DEMO_AGENT_LEDGER": str(self.paid.books)}
        agent: dict[str, object] = {
            "kind": "claude",
            "command": command,
            "model": "sonnet",
            "light_model": "haiku",
            "env": home,
        }
        return WorkerProcess(name, self.folder / name, self.proxies[name].address, agents={"night": agent})

    async def start(self) -> None:
        for worker in self.workers:
            worker.start()
        await self.paid.run.start(**self.environment)
        await self.paid.run.post("start", batch_size="all")

    async def end(self) -> None:
        await self.paid.run.end()
        for worker in self.workers:
            worker.close()

    @property
    def disturbances(self) -> list[Disturbance]:
        return [
            *(self.kill_coordinator, self.cut, self.kill_worker, self.half_close),
            *(self.kill_broker, self.stall, self.stop_worker),
        ]

    async def kill_coordinator(self) -> None:
        await self.paid.run.kill()
        await self.paid.run.start(**self.environment)

    async def kill_worker(self) -> None:
        worker = self.dice.choice(self.workers)
        await asyncio.to_thread(worker.kill)
        await asyncio.sleep(self.dice.random() * 2)
        worker.start()

    async def kill_broker(self) -> None:
        await asyncio.to_thread(self.nats.kill)
        await asyncio.sleep(self.dice.random() * 2)
        await self.nats.start()

    async def stop_worker(self) -> None:
        """Cut a worker off, for less than its lease or for more."""
        worker = self.dice.choice(self.workers)
        worker.send(signal.SIGSTOP)
        await asyncio.sleep(self.dice.choice((0.5, LEASE_S * 1.5)))
        worker.send(signal.SIGCONT)

    @property
    def proxy(self) -> Proxy:
        return self.dice.choice(list(self.proxies.values()))

    async def cut(self) -> None:
        self.proxy.cut()

    async def half_close(self) -> None:
        self.proxy.half_close()

    async def stall(self) -> None:
        """Let nothing through, for less than a lease or for more."""
        proxy = self.proxy
        proxy.stall()
        await asyncio.sleep(self.dice.choice((0.5, LEASE_S * 1.5)))
        proxy.flow()

    async def is_over(self) -> bool:
        run = await self.paid.run.run()
        return run["state"] == "idle" and not run["resumable"]

    async def resume(self) -> None:
        """Continue what waits for the operator after a kill."""
        run = await self.paid.run.run()
        if run["resumable"]:
            await self.paid.run.post("resume")

    def differences(self) -> list[str]:
        """Commands that have ended and whose agent says another sum than the ledger.

        Those whose worker was lost are left out: their last words may not have arrived.
        """
        rows = self.paid.run.rows("SELECT id, status, cost_usd FROM commands")
        booked = {row["id"]: row["cost_usd"] or 0.0 for row in rows if row["status"] not in OPEN}
        return [
            f"command {id_}: the agent says {usd}, the ledger {booked[id_]}"
            for id_, usd in self.paid.records().items()
            if id_ in booked and abs(booked[id_] - usd) > 1e-9
        ]

    def merges(self) -> Counter[str]:
        """How often each story was merged."""
        subjects = git(self.paid.run.root, "log", "--first-parent", "--format=%s").splitlines()
        merged = [re.findall(r"\d-\d-\w", line) for line in subjects if line.startswith("merge(")]
        return Counter(key for keys in merged for key in keys)

    async def left(self) -> list[int]:
        """Return the agents that are alive, after a moment for what ends them."""
        for _ in range(int(ENDS_S / 0.1)):
            found = [pid for name in WORKERS for pid in marked(f"worker-{name}-") if self._is_ours(pid)]
            if not found:
                break
            await asyncio.sleep(0.1)
        return found

    def _is_ours(self, pid: int) -> bool:
        try:
            return os.readlink(f"/proc/{pid}/cwd").startswith(str(self.folder / "east")) or os.readlink(
                f"/proc/{pid}/cwd"
            ).startswith(str(self.folder / "west"))
        except OSError:
            return False


@asynccontextmanager
async def sprint_in(folder: Path, dice: random.Random) -> AsyncIterator[Sprint]:
    nats = NatsServer(folder / "nats")
    await nats.start()
    try:
        async with AsyncExitStack() as stack:
            names = ("coordinator", *WORKERS)
            proxies = {name: await stack.enter_async_context(Proxy(lambda: nats.port)) for name in names}
            made = Sprint(folder, nats, proxies, dice)
            try:
                yield made
            finally:
                await made.end()
    finally:
        nats.close()


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_kills_in_turn_lose_and_double_nothing(tmp_path: Path) -> None:
    """Of a sprint that is over before all kills are done the next one takes the rest."""
    dice, done = random.Random(SEED), Counter[str]()
    number = 0
    while done.total() < ROUNDS:
        number += 1
        async with sprint_in(tmp_path / str(number), dice) as sprint:
            await sprint.start()
            await disturb(sprint, done)
            await check(sprint, f"seed {SEED}, sprint {number}, {done}")
    print(f"{number} sprints, {done}")


async def disturb(sprint: Sprint, done: Counter[str]) -> None:
    """Kill and cut in turn until the sprint is over or all is done."""
    while done.total() < ROUNDS:
        await asyncio.sleep(0.5 + sprint.dice.random() * AFTER_S)
        disturbance = sprint.disturbances[done.total() % len(sprint.disturbances)]
        await disturbance()
        done[disturbance.__name__] += 1
        assert sprint.differences() == [], f"seed {SEED}, {done}"
        if await sprint.is_over():
            break
        await sprint.resume()


async def check(sprint: Sprint, where: str) -> None:
    """Wait for the end of a sprint and look at all that must hold."""
    await sprint.paid.run.until(lambda run: run["state"] == "idle" and not run["resumable"])
    assert await sprint.paid.run.faults() == [], where
    statuses = Counter(story["status"] for story in (await sprint.paid.run.run())["stories"])
    reasons = sprint.paid.run.rows("SELECT story_key, reason FROM stories WHERE status = 'blocked'")
    assert statuses == {"done": len(STORIES)}, f"{where}, {[tuple(row) for row in reasons]}"
    assert sprint.merges() == dict.fromkeys(STORIES, 1)
    assert sprint.differences() == []
    assert await sprint.left() == []
