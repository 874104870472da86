"""What the machine takes from everybody, timed while a test runs: what is beyond that is the server's own doing.

A test that bounds a delay by the clock alone fails where neighbours take the processor or the disk away for seconds.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

# A process that syncs 4 KiB before each answer and does nothing else.
BYSTANDER = """
import asyncio, os, sys
file = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR)
def sync(data):
    os.pwrite(file, os.urandom(4096), 0)
    os.fdatasync(file)
    return data
async def answer(reader, writer):
    while data := await reader.read(1):
        writer.write(await asyncio.to_thread(sync, data))
    writer.close()
async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


@asynccontextmanager
async def bystander(file: Path) -> AsyncIterator[list[float]]:
    """How long a process that does nothing else takes to answer."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", BYSTANDER, str(file), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", int(await process.stdout.readline()))
    times: list[float] = []

    async def ask() -> None:
        while True:
            started = time.perf_counter()
            writer.write(b"?")
            await reader.readexactly(1)
            times.append(time.perf_counter() - started)
            await asyncio.sleep(0.005)

    task = asyncio.create_task(ask())
    yield times
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    writer.close()
    process.kill()
    await process.wait()
