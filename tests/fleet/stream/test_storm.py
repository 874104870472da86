"""A storm over the events of a runner: it and the broker are killed or stopped at random; each event is there once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

import pytest

from base.program import PROGRAM_DIR
from tests.fleet.stream.killed_outbox import STEPS
from tests.fleet.stream.logs import log_of, published
from tests.fleet.stream.nats_server import NatsServer

ROUNDS = int(os.environ.get("SPRINT_RUNNER_STORM_ROUNDS", "10"))


async def disturb(nats: NatsServer, chance: random.Random) -> None:
    match chance.choice(["kill", "stop", "nothing"]):
        case "kill":
            nats.kill()
            await asyncio.sleep(chance.uniform(0, 1))
            await nats.start()
        case "stop":
            nats.send(signal.SIGSTOP)
            await asyncio.sleep(chance.uniform(0, 6))
            nats.send(signal.SIGCONT)


@pytest.mark.worlds
@pytest.mark.timeout(3600)
async def test_a_storm_loses_and_doubles_nothing(nats: NatsServer, tmp_path: Path) -> None:
    chance = random.Random(20_261_129)
    for _ in range(ROUNDS):
        count, step = chance.randint(1, 900), chance.choice([*STEPS, "none"])
        number = chance.randint(1, count if step == "publish" else 3)
        arguments = [str(tmp_path), nats.address, str(count), step, str(number)]
        command = [sys.executable, "-m", "tests.fleet.stream.killed_outbox", *arguments]
        process = await asyncio.create_subprocess_exec(*command, cwd=PROGRAM_DIR)
        await asyncio.sleep(chance.uniform(0, 2.5))
        await disturb(nats, chance)
        assert await process.wait() in (0, -signal.SIGKILL)
    async with log_of(tmp_path, nats.address) as log, log.publishing():
        await log.until_published()
        assert await published(nats.address, log.database.epoch, log.database.last_seq) == await log.stored()
        print(f"{ROUNDS} rounds, {log.database.last_seq:,} events")
