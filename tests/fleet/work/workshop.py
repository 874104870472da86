"""A coordinator in this process, and workers as processes, over the same repository and broker.

The agent `shell` runs its prompt as a script, so that a test says what a command does.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml

from agents import AgentSpec, Call, Outcome, Record
from base.program import PROGRAM_DIR
from fleet.stream.login import BrokerLogin
from fleet.work.lane_hold import LaneHold
from fleet.work.machines import FleetMachines
from fleet.work.remote_call import RemoteCall
from running.machines import LaneJob, LaneLease
from tests.fleet.stream.nats_server import NatsServer
from tests.git.repositories import git, make
from tests.processes import marked

LEASE_S: Final = 6.0
PATIENCE_S: Final = float(os.environ.get("SPRINT_RUNNER_PATIENCE", "60"))
EPOCH: Final = "0123456789abcdef"
SHELL: Final = AgentSpec(name="shell", kind="text", command=("no-such-program-here",))


def agents_in(folder: Path) -> dict[str, dict[str, object]]:
    """Return the agents of a worker; `talker` is a program of that name, as Claude Code's messages need it."""
    talker = folder / "claude"
    talker.write_text(f'#!/bin/sh\nexec {sys.executable} {PROGRAM_DIR / "tests/fleet/work/talker.py"} "$@"\n')
    talker.chmod(0o755)
    return {
        "shell": {"kind": "text", "command": ["/bin/sh"]},
        "talker": {"kind": "claude", "command": [str(talker)], "model": "sonnet"},
    }


@dataclass
class Called:
    """A call on a worker: its records as they came, and what it is."""

    process: RemoteCall
    call: Call
    records: list[Record] = field(default_factory=list)
    exits: int = 0

    async def outcome(self) -> Outcome:
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()

    @property
    def lines(self) -> str:
        path = self.call.stream_path
        return path.read_text() if path.exists() else ""


class WorkerProcess:
    """A worker as a process of its own."""

    def __init__(
        self, name: str, folder: Path, address: str, *options: str, agents: dict[str, dict[str, object]] | None = None
    ) -> None:
        self.name, self.folder, self.log = name, folder, folder / "log"
        folder.mkdir(parents=True, exist_ok=True)
        settings = folder / "agents.yaml"
        settings.write_text(yaml.safe_dump({"agents": agents_in(folder) if agents is None else agents}))
        self._command = [
            *(sys.executable, str(PROGRAM_DIR / "server.py"), "worker", "--fleet", address, "--name", name),
            *("--data-dir", str(folder / "data"), "--settings", str(settings), "--log-level", "info", *options),
        ]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self._command, stdout=log, stderr=log)

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self.wait()

    def wait(self) -> int:
        assert self.process is not None
        code = self.process.wait(PATIENCE_S)
        self.process = None
        return code

    def close(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()

    @property
    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def branches(self) -> list[str]:
        """Return the branches of lanes that this worker lost."""
        found = git(self.folder / "data/repositories/box.git", "branch", "--list", "sprint-runner/lost/*")
        return [name.strip(" +*") for name in found.splitlines()]


class Workshop:
    """`lane` is the mirror of a lane; `machines` the coordinator's side of the fleet."""

    def __init__(self, folder: Path, nats: NatsServer) -> None:
        self._set(folder, nats.address)
        make(self.project)
        git(self.project, "config", "user.name", "T")
        git(self.project, "config", "user.email", "t@localhost")

    @classmethod
    def again(cls, folder: Path, address: str) -> Workshop:
        """Return the workshop that another process has made."""
        made = cls.__new__(cls)
        made._set(folder, address)
        return made

    def _set(self, folder: Path, address: str) -> None:
        self.folder, self.address = folder, address
        self.project = folder / "project"
        self.lane = folder / "data" / "worktrees" / "1-story"
        self.leases: list[LaneLease] = []
        self.workers: dict[str, WorkerProcess] = {}
        self.machines = self.coordinator()
        self.setup: str | None = None  # what makes a new copy ready
        self.labels: tuple[str, ...] = ()  # what a worker must have besides its agents
        self._number = 0

    def coordinator(self) -> FleetMachines:
        login = BrokerLogin(address=self.address, user="box", password=None)
        return FleetMachines(login, "box", lease_s=LEASE_S)

    async def open(self) -> None:
        self.lane.parent.mkdir(parents=True)
        git(self.project, "worktree", "add", "-q", "-b", "sprint-runner/1/story", str(self.lane))
        self.machines.start()

    async def close(self) -> None:
        await self.machines.stop()
        for worker in self.workers.values():
            worker.close()

    def left(self) -> list[int]:
        """Return the processes of workers that are still there, after a moment for their guardians."""
        ends = time.monotonic() + 15
        while (found := self.working()) and time.monotonic() < ends:
            time.sleep(0.05)
        return found

    def working(self) -> list[int]:
        """Return the processes that work in copies of lanes."""
        return [pid for pid in marked("worker-") if self._is_ours(pid)]

    def _is_ours(self, pid: int) -> bool:
        """Whether a process works in a folder of this test."""
        try:
            return os.readlink(f"/proc/{pid}/cwd").startswith(str(self.folder))
        except OSError:
            return False

    def worker(self, name: str, *options: str) -> WorkerProcess:
        """Start a worker."""
        if name not in self.workers:
            self.workers[name] = WorkerProcess(name, self.folder / name, self.address, *options)
        self.workers[name].start()
        return self.workers[name]

    async def until_free(self, count: int = 1) -> None:
        await until(lambda: self.machines.free(["shell"]) >= count)

    @property
    def job(self) -> LaneJob:
        return LaneJob(
            epoch=EPOCH,
            name="1-story",
            branch="sprint-runner/1/story",
            top=self.lane,
            prefix="",
            untracked=self.untracked,
            planning=(),
            agents=("shell",),
            setup=self.setup,
            stories=("1-1",),
            labels=self.labels,
            lease=self.leases[-1] if self.leases else None,
        )

    def untracked(self) -> Sequence[str]:
        return [path.name for path in self.lane.glob("*.log")]

    async def keep(self, lease: LaneLease) -> None:
        self.leases.append(lease)

    async def take(self) -> LaneHold:
        """Take a place for the lane; a worker has to come up meanwhile."""
        async with asyncio.timeout(PATIENCE_S):
            while (found := await self.machines.take(self.job, self.keep)) is None:
                await asyncio.sleep(0.05)
        return found

    def call(self, script: str, *, mark: str = "") -> Call:
        self._number += 1
        mark = mark or f"{EPOCH}:{self._number}"
        stream = self.folder / "data" / "streams" / f"{mark.replace(':', '-')}.jsonl"
        return Call(prompt=script, cwd=self.lane, mark=mark, stream_path=stream)

    async def start(self, hold: LaneHold, script: str) -> Called:
        """Run a script by the agent `shell` on the lane's worker."""
        return await self.run(hold, self.call(script))

    async def run(self, hold: LaneHold, call: Call) -> Called:
        return await self._called(hold.start, call)

    async def adopt(self, hold: LaneHold, call: Call) -> Called | None:
        return await self._called(hold.adopt, call)

    async def _called(self, start: Callable[..., object], call: Call) -> Called:
        records: list[Record] = []
        exits: list[int] = []
        async with asyncio.timeout(PATIENCE_S):
            process = await start(SHELL, call, records.append, lambda: exits.append(1))  # type: ignore[misc]
        if process is None:
            return None  # type: ignore[return-value]
        return Called(process, call, records)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.02)
