"""A coordinator as a process that takes the lane of a workshop, starts one command, and waits to be killed.

    python -m tests.fleet.work.coordinator FOLDER ADDRESS MARK SCRIPT

It writes each lease as a line of JSON; the last line is `started`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from tests.fleet.work.workshop import Workshop


async def run(folder: Path, address: str, mark: str, script: str) -> None:
    workshop = Workshop.again(folder, address)
    workshop.machines.start()
    hold = await workshop.take()
    called = await workshop.run(hold, workshop.call(script, mark=mark))
    while "begun" not in called.lines:
        await asyncio.sleep(0.02)
    for lease in workshop.leases:
        sys.stdout.write(msgspec.json.encode(lease).decode() + "\n")
    sys.stdout.write("started\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), *sys.argv[2:]))
