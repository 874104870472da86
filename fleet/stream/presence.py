"""What a runner says about itself in its fleet: that it is there, and its state as it was last.

Its presence is a key that the broker forgets within seconds, written only over the one before: so that two runners of
one name find each other. Its state stays, so that a page which opens later shows who cannot be reached.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from fleet.stream.broker import Broker, BrokerProblem, WrongSequence
from fleet.stream.names import BEAT_S, PRESENCE, STATE, VERSION, bucket, key_subject

STATE_S: Final = 2.0  # between two states, where there is something new
STATE_MAX: Final = 900_000  # bytes; a larger run is left out, and readers ask for it
NO_RUN: Final = b"null"
ENDED: Final = "DEL"  # the operation by which a key of a bucket is taken away

Snapshot = Callable[[], tuple[int, bytes]]


class PresenceMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The presence of a runner: `place` is the folder of its data, `at` its own clock in ms."""

    instance: str
    epoch: str
    machine: str
    place: str
    at: int


class StateMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a runner as of `seq`; `run` is what `GET /api/run` responds, null where it is too large."""

    project: str
    machine: str
    folder: str
    branch: str | None
    started_at: int
    epoch: str
    seq: int
    at: int
    run: msgspec.Raw
    host: str = ""  # earlier versions do not send it


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who a runner is; `instance` is of this start of the server, `place` the folder of its data."""

    name: str
    project: str
    machine: str
    folder: str
    place: str
    branch: str | None
    started_at: int
    epoch: str
    instance: str
    host: str = ""


class Taken(BrokerProblem):
    """Another runner has this name."""


class Presence:
    """The presence of one runner; `clock` in seconds since the epoch."""

    def __init__(self, identity: Identity, clock: Callable[[], float]) -> None:
        self._who = identity
        self._clock = clock
        self._subject = key_subject(PRESENCE, identity.name)

    async def begin(self, broker: Broker) -> int:
        """Take the name and return the place of the presence. Raises `Taken` and `BrokerProblem`."""
        while True:
            try:
                return await self._beat(broker, await self._claim(broker))
            except WrongSequence:  # someone else was faster, or has gone
                await asyncio.sleep(0)

    async def keep(self, broker: Broker, place: int) -> None:
        """Write the presence for ever, after that at `place`. Raises `Taken` and `BrokerProblem`."""
        while True:
            await asyncio.sleep(BEAT_S)
            try:
                place = await self._beat(broker, place)
            except WrongSequence:  # it was forgotten while this process stood still, or someone else is there now
                place = await self.begin(broker)

    async def end(self, broker: Broker) -> None:
        """Say that the runner ends, so that no reader has to wait for it."""
        await broker.put(self._subject, b"", KV_Operation=ENDED)

    async def _claim(self, broker: Broker) -> int:
        """Return the place that the next presence follows. Raises `Taken` while another runner has the name."""
        found = await broker.last(bucket(PRESENCE).name, self._subject)
        if found is None:
            return 0
        if (other := _read(found.data)) is not None:
            ours = (other.epoch, other.machine, other.place) == (self._who.epoch, self._who.machine, self._who.place)
            if other.instance != self._who.instance and not ours:
                raise Taken(
                    f"another runner is in the fleet as {self._who.name}, on {other.machine}: give this one another "
                    "fleet_name"
                )
        return found.seq

    async def _beat(self, broker: Broker, place: int) -> int:
        who = self._who
        message = PresenceMessage(
            instance=who.instance, epoch=who.epoch, machine=who.machine, place=who.place, at=int(self._clock() * 1000)
        )
        return await broker.put(self._subject, msgspec.json.encode(message), place, Sprint_Runner_Version=VERSION)


class State:
    """The state of one runner; `snapshot` returns seq and JSON of the run, `changed` is called with another one."""

    def __init__(self, identity: Identity, snapshot: Snapshot, clock: Callable[[], float]) -> None:
        self._who = identity
        self._snapshot = snapshot
        self._clock = clock
        self._changed = asyncio.Event()

    def changed(self) -> None:
        self._changed.set()

    async def keep(self, broker: Broker) -> None:
        """Write the state now and after changes, for ever. Raises `BrokerProblem`."""
        before = b""
        while True:
            self._changed.clear()
            seq, run = self._snapshot()
            if run != before:
                await self._put(broker, seq, run)
                before = run
            await asyncio.sleep(STATE_S)
            await self._changed.wait()

    async def _put(self, broker: Broker, seq: int, run: bytes) -> None:
        who = self._who
        message = StateMessage(
            project=who.project,
            machine=who.machine,
            folder=who.folder,
            branch=who.branch,
            started_at=who.started_at,
            epoch=who.epoch,
            seq=seq,
            at=int(self._clock() * 1000),
            run=msgspec.Raw(NO_RUN if len(run) > STATE_MAX else run),
            host=who.host,
        )
        await broker.put(key_subject(STATE, who.name), msgspec.json.encode(message), Sprint_Runner_Version=VERSION)


def _read(data: bytes) -> PresenceMessage | None:
    """Return a presence; None for one that was taken away, or that is none and will be forgotten."""
    try:
        return msgspec.json.decode(data, type=PresenceMessage)
    except msgspec.DecodeError:
        return None
