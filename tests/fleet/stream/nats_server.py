"""A real nats-server on a free port of this machine, which can be killed, stopped, and started again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

VARIABLE: Final = "SPRINT_RUNNER_NATS_SERVER"  # another server program than that of the development packages
PROGRAM: Final = Path(os.environ.get(VARIABLE) or Path(sys.executable).with_name("nats-server"))
START_S: Final = 20.0


class NatsServer:
    """`configuration` is a file of the server's own; its port is the same after each start."""

    def __init__(self, folder: Path, configuration: Path | None = None, *, jetstream: bool = True) -> None:
        self._folder = folder
        self._configuration = configuration
        self._jetstream = jetstream
        self._process: subprocess.Popen[bytes] | None = None
        self.port = -1

    @property
    def address(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    async def start(self) -> NatsServer:
        """Start it, and return when it takes connections."""
        ports = self._folder / "ports"
        ports.mkdir(parents=True, exist_ok=True)
        for old in ports.iterdir():
            old.unlink()
        command = [str(PROGRAM), "-a", "127.0.0.1", "-p", str(self.port), "--ports_file_dir", str(ports)]
        if self._configuration is not None:
            command += ["-c", str(self._configuration)]
        elif self._jetstream:
            command += ["-js", "-sd", str(self._folder / "store")]
        with (self._folder / "log").open("ab") as log:
            self._process = await asyncio.to_thread(subprocess.Popen, command, stdout=log, stderr=log)
        async with asyncio.timeout(START_S):
            while self.port < 0 or not self._answers():
                await asyncio.sleep(0.01)
                for file in ports.glob("*.ports"):
                    found = json.loads(file.read_text() or "{}")
                    self.port = int(found["nats"][0].rpartition(":")[2]) if found else self.port
        return self

    def _answers(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(0.5)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0 and probe.recv(4) == b"INFO"

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()
        self._process = None

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
