"""A process that commits events, publishes them, and kills itself at a step: `FOLDER ADDRESS EVENTS STEP NUMBER`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fleet.stream.outbox as outbox
from fleet.stream.broker import Broker
from tests.fleet.stream.logs import log_of

STEPS = ("commit", "publish", "ack", "cursor")


def killing(call: Callable[..., Any], number: int) -> Callable[..., Any]:
    """Return a call that kills the process after it was called so often."""
    left = [number]

    async def called(*given: Any, **named: Any) -> Any:
        result = await call(*given, **named)
        left[0] -= 1
        if left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return called


async def main(folder: Path, address: str, count: int, step: str, number: int) -> None:
    outbox.CURSOR_S = 0.0  # type: ignore[misc]  # at every step
    if step == "publish":
        Broker.store = killing(Broker.store, number)  # type: ignore[method-assign]
    if step == "ack":
        Broker.stored = killing(Broker.stored, number)  # type: ignore[method-assign]
    if step == "cursor":
        outbox.Outbox._note = killing(outbox.Outbox._note, number)  # type: ignore[method-assign]
    async with log_of(folder, address) as log:
        await log.commit(count)
        if step == "commit":
            os.kill(os.getpid(), signal.SIGKILL)
        async with log.publishing():
            await log.until_published()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5])))
