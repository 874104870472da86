"""Push messages of this server: its key, the devices that want messages, and their delivery as a channel.

The key is made when the first device asks, in a file for its owner only. A subscription that has ended is removed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from base.files import atomic_write
from db import Database
from notify.channels import DeliveryFailed, DeliveryRejected
from notify.notice import Notice
from notify.push import (
    EndpointRule,
    PushMessage,
    Subscription,
    SubscriptionEnded,
    encrypted,
    message_about,
    new_key,
    public_key,
    send,
    why_unavailable,
)
from store.grants import (
    SubscriptionRow,
    add_subscription,
    get_subscription,
    get_subscriptions,
    remove_subscription,
)

KEY_FILE: Final = "push.key"
DEVICES_MAX: Final = 50  # a notice is sent to each of them
WAITS_S: Final = (1.0, 5.0)  # before further tries: one device that is out of reach delays the next notice of all
NOTICES_MAX: Final = 100  # for which it is remembered who has them, while they are repeated for others

log = logging.getLogger("sprint_runner.push")


class TooManyDevices(ValueError):
    """More devices than one server sends to."""


class Push:
    """The devices of one server that get messages; also the channel that delivers notices to them."""

    name = "push"

    def __init__(
        self,
        database: Database,
        data_dir: Path,
        project: str,
        rule: EndpointRule | None = None,
        waits_s: Sequence[float] | None = WAITS_S,
    ) -> None:
        self.waits_s = waits_s
        self._database = database
        self._key = data_dir / KEY_FILE
        self._project = project
        self._rule = EndpointRule() if rule is None else rule
        self._making_key = asyncio.Lock()
        self._delivered: OrderedDict[int, set[int]] = OrderedDict()  # the devices that have a notice, by its seq

    @property
    def missing(self) -> str | None:
        """How to get the package; None where it is installed."""
        return why_unavailable()

    async def public_key(self) -> str:
        """Return the key by which browsers know this server. Raises OSError."""
        return await asyncio.to_thread(public_key, await self._pem())

    async def devices(self) -> list[SubscriptionRow]:
        return await self._database.read(get_subscriptions)

    async def subscribe(self, subscription: Subscription, grant_id: int | None, name: str) -> None:
        """Send messages to a device from now on. Raises `BadSubscription`, `TooManyDevices`, `DatabaseUnavailable`."""
        self._rule.check(subscription.endpoint)
        await asyncio.to_thread(encrypted, subscription, PushMessage(self._project, "", "try"))
        known = {row.endpoint for row in await self.devices()}
        if subscription.endpoint not in known and len(known) >= DEVICES_MAX:
            raise TooManyDevices(f"messages go to {DEVICES_MAX} devices at most: remove one first")
        keys = (subscription.p256dh, subscription.auth)
        await self._database.write(add_subscription, grant_id, name, subscription.endpoint, keys, subscription.origin)

    async def unsubscribe(self, subscription_id: int) -> bool:
        """Send nothing more to a device; return whether it got messages."""
        return await self._database.write(remove_subscription, subscription_id)

    async def test(self, subscription_id: int) -> None:
        """Send a test to one device. Raises as `send`, `SubscriptionEnded` also for an unknown one."""
        row = await self._database.read(get_subscription, subscription_id)
        if row is None:
            raise SubscriptionEnded
        await self._send(row, PushMessage(self._project, "Messages reach this device.", "test"))

    async def deliver(self, notice: Notice) -> None:
        """Send a notice to every device that does not have it. Raises `DeliveryFailed` when one may get it later."""
        payload = msgspec.json.decode(notice.event)["payload"]
        message = message_about(self._project, notice.type, payload, f"{self._database.epoch[:8]}-{notice.seq}")
        delivered = self._delivered.setdefault(notice.seq, set())
        while len(self._delivered) > NOTICES_MAX:
            self._delivered.popitem(last=False)
        rows = [row for row in await self.devices() if row.id not in delivered]
        tried = await asyncio.gather(*(self._try(row, message, delivered) for row in rows))
        if failures := [reason for reason in tried if reason is not None]:
            raise DeliveryFailed("; ".join(failures))

    async def _try(self, row: SubscriptionRow, message: PushMessage, delivered: set[int]) -> str | None:
        """Return why a device may get the message later; None when it has it or never will."""
        try:
            await self._send(row, message)
        except DeliveryFailed as failed:
            return f"{row.name}: {failed}"
        except SubscriptionEnded:
            log.info("%s gets no more messages: its subscription has ended", row.name)
        except DeliveryRejected as rejected:
            log.warning("a message to %s was given up: %s", row.name, rejected)
        delivered.add(row.id)
        return None

    async def _send(self, row: SubscriptionRow, message: PushMessage) -> None:
        subscription = Subscription(row.endpoint, row.p256dh, row.auth, row.origin)
        try:
            await send(await self._pem(), subscription, message, self._rule)
        except SubscriptionEnded:
            await self._database.write(remove_subscription, row.id)
            raise
        except OSError as error:
            raise DeliveryFailed(f"{self._key.name} cannot be used: {error.strerror}") from None

    async def _pem(self) -> bytes:
        async with self._making_key:  # two keys would make the subscriptions of one of them useless
            return await asyncio.to_thread(_key_of, self._key)


def _key_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        made = new_key()
        atomic_write(file, made, mode=0o600)
        return made
