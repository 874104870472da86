"""Which workers there are: each writes a key that the broker forgets within seconds, and coordinators read them all."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from fleet.stream.broker import Broker, WrongSequence
from fleet.stream.names import BEAT_S, GONE_S, VERSION_HEADER, key_subject
from fleet.stream.presence import ENDED, Taken
from fleet.work.messages import ForeignMessage, WorkerMessage, read_worker
from fleet.work.names import WORK_VERSION, WORKERS, workers_bucket

ALL_WORKERS: Final = f"$KV.{WORKERS}.>"

log = logging.getLogger("sprint_runner.fleet")


class WorkerPresence:
    """The presence of one worker; `describe` returns what it says."""

    def __init__(self, name: str, describe: Callable[[], WorkerMessage]) -> None:
        self._name = name
        self._describe = describe
        self._subject = key_subject(WORKERS, name)
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """Write it at once."""
        self._changed.set()

    async def keep(self, broker: Broker) -> None:
        """Write it for ever. Raises `Taken` while another worker has the name, `BrokerProblem`."""
        place = await self._begin(broker)
        while True:
            try:
                async with asyncio.timeout(BEAT_S):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._changed.clear()
            try:
                place = await self._beat(broker, place)
            except WrongSequence:  # it was forgotten while this process stood still, or someone else is there now
                place = await self._begin(broker)

    async def end(self, broker: Broker) -> None:
        await broker.put(self._subject, b"", KV_Operation=ENDED)

    async def _begin(self, broker: Broker) -> int:
        while True:
            found = await broker.last(workers_bucket().name, self._subject)
            if found is not None and found.data:
                self._refuse_other(found.headers, found.data)
            try:
                return await self._beat(broker, 0 if found is None else found.seq)
            except WrongSequence:
                await asyncio.sleep(0)

    def _refuse_other(self, headers: object, data: bytes) -> None:
        ours = self._describe()
        try:
            other = read_worker(headers, data)
        except ForeignMessage:
            return
        if other.instance != ours.instance and (other.host, other.place) != (ours.host, ours.place):
            raise Taken(
                f"another worker is in the fleet as {self._name}, on {other.machine}: give this one another name"
            )

    async def _beat(self, broker: Broker, place: int) -> int:
        data = msgspec.json.encode(self._describe())
        return await broker.put(self._subject, data, place, **{VERSION_HEADER.replace("-", "_"): WORK_VERSION})


@dataclass(frozen=True, slots=True)
class Heard:
    """A worker as it was heard last, by the monotonic clock."""

    worker: WorkerMessage
    at: float


class WorkerDirectory:
    """The workers of a fleet, as far as they are heard; `on_change` is called after each change of their places."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.problem: str | None = None
        self._on_change = on_change
        self._heard: dict[str, Heard] = {}

    async def follow(self, broker: Broker) -> None:
        """Read presences for ever. Raises `BrokerProblem`."""
        async for message in broker.follow(workers_bucket().name, ALL_WORKERS, None):
            name = message.subject.rpartition(".")[2]
            if message.headers.get("KV-Operation") == ENDED or not message.data:
                self._heard.pop(name, None)
                self._on_change()
                continue
            try:
                worker = read_worker(message.headers, message.data)
            except ForeignMessage as foreign:
                self.problem = f"the worker {name} is not used: {foreign}"
                continue
            before = self._heard.get(name)
            self._heard[name] = Heard(worker, time.monotonic())
            if before is None or before.worker != worker:
                self._on_change()

    def here(self) -> dict[str, WorkerMessage]:
        """Return the workers that are there."""
        limit = time.monotonic() - GONE_S
        return {name: heard.worker for name, heard in self._heard.items() if heard.at >= limit}

    def silent_s(self, name: str) -> float:
        """Return how long a worker was not heard, in seconds."""
        heard = self._heard.get(name)
        return float("inf") if heard is None else time.monotonic() - heard.at

    def free(self, agents: Sequence[str], labels: Sequence[str] = ()) -> int:
        """Count the free places of the workers that have these agents and labels."""
        return sum(worker.free for worker in self.here().values() if suits(worker, agents, labels))

    def lack(self, agents: Sequence[str], labels: Sequence[str]) -> str | None:
        """Return what no worker that is there has, in one sentence; None where one has everything."""
        workers = list(self.here().values())
        if not workers:
            return "no worker is there"
        if worker_with(workers, agents, labels):
            return None
        wanted = {f"the agent {name}": worker_with(workers, agents=(name,)) for name in agents}
        wanted |= {f"the label {name}": worker_with(workers, labels=(name,)) for name in labels}
        if missing := [what for what, has in wanted.items() if not has]:
            return f"no worker has {' or '.join(missing)}"
        return f"no worker has all of: {', '.join(wanted)}"


def worker_with(workers: Sequence[WorkerMessage], agents: Sequence[str] = (), labels: Sequence[str] = ()) -> bool:
    """Whether any of the workers has these agents and labels."""
    return any(suits(worker, agents, labels) for worker in workers)


def suits(worker: WorkerMessage, agents: Sequence[str], labels: Sequence[str]) -> bool:
    """Whether a worker has these agents and labels."""
    return set(agents) <= set(worker.agents) and set(labels) <= set(worker.labels)
