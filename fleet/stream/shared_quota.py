"""The usage windows of accounts that several machines share: one key per account, changed by compare-and-set.

Who reports later in a window has seen more of it: of two reports the one with the later reset counts, then the higher
share. A wait is what was written last, in the order of the broker and not of anyone's clock. So machines on one
subscription stop together and continue together; without a broker each knows what it knew last.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

import msgspec

from fleet.stream.broker import Broker, WrongSequence
from fleet.stream.names import BEAT_S, DAY_S, QUOTA, VERSION, VERSION_HEADER, bucket, key_subject
from store.quota import AccountWait, QuotaWindow

RESERVE_S: Final = 7 * DAY_S  # after which the reserve of a runner that was not there again counts no more
RENEWED_S: Final = DAY_S  # a runner writes its reserve anew
SAME_RESET_MS: Final = 60_000  # machines report the same reset differently by less
TRIES: Final = 20  # at one change, while others change the same key

log = logging.getLogger("sprint_runner.fleet")


class SharedWindow(msgspec.Struct, frozen=True):
    """What is known of a usage window; times in ms."""

    used: float
    resets_at: int | None
    at: int


class SharedWait(msgspec.Struct, frozen=True):
    """Why an account waits, and until when, in ms."""

    reason: str
    until: int


class SharedReserve(msgspec.Struct, frozen=True):
    """The shares that a runner reserves, by window, until a time in ms where its hours end then."""

    shares: dict[str, float]
    until: int | None
    at: int


class AccountMessage(msgspec.Struct, frozen=True):
    """What the machines know of one account; the reserves by the names of their runners."""

    windows: dict[str, SharedWindow] = {}
    wait: SharedWait | None = None
    reserves: dict[str, SharedReserve] = {}


class LocalAccounts(Protocol):
    """The accounts of this runner's agents that it shares, by the name in the fleet."""

    on_wait: Callable[[str], None]

    def names(self) -> list[str]: ...
    def windows(self, name: str) -> list[QuotaWindow]: ...
    def wait(self, name: str) -> AccountWait | None: ...
    def reserve(self) -> tuple[Mapping[str, float], float | None]: ...
    async def adopt_windows(self, name: str, windows: Mapping[str, tuple[float, int | None]]) -> None: ...
    async def adopt_wait(self, name: str, reason: str, until: int | None) -> None: ...
    def adopt_reserves(self, name: str, reserves: Sequence[tuple[Mapping[str, float], float | None]]) -> None: ...


class SharedQuota:
    """The shared accounts of the runner `name`."""

    def __init__(self, name: str, accounts: LocalAccounts, clock: Callable[[], float]) -> None:
        self._name = name
        self._accounts = accounts
        self._clock = clock
        self._changed = asyncio.Event()
        self._waits: set[str] = set()  # accounts whose wait was changed here, and not written yet
        accounts.on_wait = self._wait_changed

    def _wait_changed(self, name: str) -> None:
        self._waits.add(name)
        self._changed.set()

    async def keep(self, broker: Broker) -> None:
        """Exchange what is known, for ever. Raises `BrokerProblem`."""
        is_there = False
        while True:
            self._changed.clear()
            names = self._accounts.names()
            if names and not is_there:
                await broker.ensure(bucket(QUOTA), key_subject(QUOTA, names[0]))
                is_there = True
            for name in names:
                await self._exchange(broker, name)
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT_S if names else None):
                    await self._changed.wait()

    async def _exchange(self, broker: Broker, name: str) -> None:
        subject = key_subject(QUOTA, name)
        for _ in range(TRIES):
            found = await broker.last(bucket(QUOTA).name, subject)
            known = AccountMessage() if found is None else _read(found.data, found.headers, name)
            if known is None:
                return
            pending = name in self._waits
            merged = self._merged(name, known, pending=pending, new=found is None)
            if merged != known:
                try:
                    place = 0 if found is None else found.seq
                    await broker.put(subject, msgspec.json.encode(merged), place, Sprint_Runner_Version=VERSION)
                except WrongSequence:
                    continue
            if pending:
                self._waits.discard(name)
            await self._adopt(name, merged)
            return
        log.info("the windows of %s are changed by others all the time: the next look writes them", name)

    def _merged(self, name: str, known: AccountMessage, *, pending: bool, new: bool) -> AccountMessage:
        windows = dict(known.windows)
        for row in self._accounts.windows(name):
            own = SharedWindow(row.used_fraction, row.resets_at, row.at)
            if row.window not in windows or _is_later(own, windows[row.window]):
                windows[row.window] = own
        wait = known.wait
        if pending or new:
            local = self._accounts.wait(name)
            wait = None if local is None else SharedWait(local.reason, local.until)
        return AccountMessage(windows, wait, self._reserves(known.reserves))

    def _reserves(self, known: Mapping[str, SharedReserve]) -> dict[str, SharedReserve]:
        """Return the reserves in force, with that of this runner as it is now."""
        now = int(self._clock() * 1000)
        reserves = {
            name: reserve
            for name, reserve in known.items()
            if name != self._name and reserve.at > now - RESERVE_S * 1000
        }
        shares, until = self._accounts.reserve()
        if shares:
            own = SharedReserve(dict(shares), None if until is None else int(until * 1000), now)
            before = known.get(self._name)
            is_same = before is not None and (before.shares, before.until) == (own.shares, own.until)
            if before is not None and is_same and before.at > now - RENEWED_S * 1000:
                own = before
            reserves[self._name] = own
        return dict(sorted(reserves.items()))

    async def _adopt(self, name: str, merged: AccountMessage) -> None:
        """Let this runner know what the others do."""
        await self._accounts.adopt_windows(
            name, {window: (shared.used, shared.resets_at) for window, shared in merged.windows.items()}
        )
        if name not in self._waits:
            wait = merged.wait
            await self._accounts.adopt_wait(name, wait.reason if wait else "", wait.until if wait else None)
        now = self._clock() * 1000
        others = [
            (reserve.shares, None if reserve.until is None else reserve.until / 1000)
            for runner, reserve in merged.reserves.items()
            if runner != self._name and (reserve.until is None or reserve.until > now)
        ]
        self._accounts.adopt_reserves(name, others)


def _is_later(one: SharedWindow, other: SharedWindow) -> bool:
    """Whether a report knows more of a window than another one."""
    if one.resets_at is None or other.resets_at is None:
        return one.at > other.at and one != other
    if abs(one.resets_at - other.resets_at) >= SAME_RESET_MS:
        return one.resets_at > other.resets_at
    return one.used > other.used


def _read(data: bytes, headers: Mapping[str, Any], name: str) -> AccountMessage | None:
    """Return what others have written; None for what cannot be read, which is left alone."""
    try:
        if headers.get(VERSION_HEADER) != VERSION:
            raise ValueError(f"of version {headers.get(VERSION_HEADER)}")
        return msgspec.json.decode(data, type=AccountMessage)
    except ValueError as error:  # msgspec's errors are ValueErrors
        log.warning("what the fleet knows of account %s cannot be read (%s): this runner uses its own", name, error)
        return None
