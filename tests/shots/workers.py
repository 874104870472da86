"""The demo whose two lanes run on workers of which there is one: a real broker, and a real worker with one place."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from demo.fresh import SCRIPT
from tests import servers
from tests.browser.conftest import PageServer
from tests.fleet.stream.nats_server import NatsServer

NAME: Final = "bench"
LANES: Final = {"SPRINT_RUNNER_PARALLEL": "2", "SPRINT_RUNNER_PARALLEL_HERE": "0"}


class WorkersServer(PageServer):
    """A demo with one worker, whose calls of the agent go by a script; `close` ends worker and broker as well."""

    def __init__(self, folder: Path, script: object) -> None:
        super().__init__(folder, "max")
        self._broker = NatsServer(folder / "nats")
        self._script, self._place = script, folder / NAME
        self._worker: subprocess.Popen[str] | None = None

    def start(self) -> WorkersServer:
        if self._worker is None:
            # In a thread of its own, because Playwright's loop runs in this one.
            with ThreadPoolExecutor(1) as thread:
                thread.submit(asyncio.run, self._broker.start()).result()
            self._worker = self._started()
            self.environment |= {**LANES, "SPRINT_RUNNER_FLEET": self._broker.address}
        super().start()
        return self

    def _started(self) -> subprocess.Popen[str]:
        """Return the worker, which takes lanes from now on."""
        self._place.mkdir()
        (self._place / SCRIPT).write_text(json.dumps(self._script))
        command = [*servers.PROGRAM, "worker", "--fleet", self._broker.address, "--name", NAME, "--demo"]
        with (self._place / "log").open("w") as log:
            worker = subprocess.Popen(
                [*command, "--data-dir", str(self._place / "data")],
                cwd=self._place,
                env={**os.environ, "SPRINT_RUNNER_DEMO_SPEED": "max"},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert worker.stdout is not None
        assert worker.stdout.readline().startswith(f"Sprint Runner worker {NAME}"), (self._place / "log").read_text()
        return worker

    def close(self) -> None:
        super().close()
        if self._worker is not None:
            self._worker.terminate()
            self._worker.wait(servers.END_S)
            assert self._worker.stdout is not None
            self._worker.stdout.close()
        self._broker.close()
