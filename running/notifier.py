"""The delivery of notifications, in order and at least once, by the channels that the settings name now.

Each channel has a cursor in the database: the newest event that was delivered or given up. What happened while the
receiver was away, or while the server was down, is delivered later; what happened before the channel was first set up
or was switched on is not. A delivery that fails is tried again after growing waits, and given up, which is logged,
after the last of them. Nothing here delays the run.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from base.tasks import end_tasks
from db import Database
from events import Event, emit, envelope
from notify.channels import Channel, DeliveryFailed, DeliveryRejected
from notify.notice import TEST, TYPES, Notice, NoticeLink, causes_notice, sentence
from payloads import Error
from running.notify_channels import SettingChannels
from settings import Settings
from store.log import get_events_of_types
from store.meta import get_meta, set_meta
from store.writer import DatabaseUnavailable

MakeLinks = Callable[[str, Mapping[str, Any]], Awaitable[list[NoticeLink]]]
WAITS_S: Final = (1.0, 5.0, 30.0, 120.0, 600.0)  # before the second try, the third …
PAGE: Final = 50  # events read at once

BriefLines = Callable[[int], Awaitable[Sequence[str]]]  # the first lines of a batch's brief, by its id

log = logging.getLogger("sprint_runner.notify")


async def no_links(type: str, payload: Mapping[str, Any]) -> list[NoticeLink]:
    return []


class NoChannel(RuntimeError):
    """The settings do not name the channel."""


MakeChannel = Callable[[], Channel | None]
"""Returns a channel as the settings have it now; None while they name none."""


class Notifier:
    """The channels that the settings name, and `more`. `take` is a subscriber of committed events.

    `links` makes the links by which an event is answered. `folder` is where relative paths of a command begin.
    """

    def __init__(
        self,
        database: Database,
        settings: Callable[[], Settings],
        project: str,
        waits_s: Sequence[float] = WAITS_S,
        more: Sequence[Channel] = (),
        links: MakeLinks = no_links,
        brief_lines: BriefLines | None = None,
        folder: Path | None = None,
    ) -> None:
        self._database = database
        self._project = project
        self._waits_s = waits_s
        self._links = links
        self._brief_lines = brief_lines
        own = SettingChannels(settings, project, database.epoch, folder)
        self._channels: dict[str, MakeChannel] = {
            "webhook": own.webhook,
            "command": own.command,
            **{channel.name: partial(_same, channel) for channel in more},
        }
        self._woken = {name: asyncio.Event() for name in self._channels}
        self._tasks: list[asyncio.Task[None]] = []

    def take(self, events: Sequence[Event]) -> None:
        if any(event.type.value in TYPES for event in events):
            self.wake()

    def wake(self) -> None:
        """Let every channel look for events, and at the settings."""
        for woken in self._woken.values():
            woken.set()

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._work(name, make), name=f"notify by {name}") for name, make in self._channels.items()
        ]

    async def stop(self) -> None:
        """End what is under way; it is delivered at the next start."""
        await end_tasks(*self._tasks)

    async def test(self, name: str) -> None:
        """Send a test by a channel. Raises `NoChannel`, `DeliveryFailed`, `DeliveryRejected`."""
        channel = self._channels[name]()
        if channel is None:
            raise NoChannel(f"no {name} is set")
        now = time.time_ns() // 1_000_000
        message = "this is a test: messages reach this place"
        event = envelope(TEST, msgspec.json.encode({"message": message}), now, 0, None)
        # Each has a number of its own, by which receivers tell deliveries apart; events have none below 1.
        await channel.deliver(Notice(-now, TEST, f"{self._project}: {message}", msgspec.Raw(event)))

    async def _work(self, name: str, make: MakeChannel) -> None:
        woken, was_on, cursor = self._woken[name], make() is not None, self._database.last_seq
        if was_on:
            cursor = await self._begin(name)
        while True:
            woken.clear()
            channel = make()
            try:
                if channel is None:
                    cursor = self._database.last_seq
                else:
                    if not was_on:  # what happened while it was off is nothing to report later
                        await self._database.write(set_meta, _key(name), str(cursor))
                    cursor = await self._deliver_all(channel, cursor)
                was_on = channel is not None
            except DatabaseUnavailable as error:  # reported elsewhere; the next event causes another attempt
                log.warning("the cursor of the %s could not be saved: %s", name, error)
            await woken.wait()

    async def _begin(self, name: str) -> int:
        """Return the cursor of this channel; a new one begins at the newest event."""
        known = await self._database.read(get_meta, _key(name))
        if known is not None:
            return int(known)
        now = self._database.last_seq
        await self._database.write(set_meta, _key(name), str(now))
        return now

    async def _deliver_all(self, channel: Channel, cursor: int) -> int:
        while rows := await self._database.read(get_events_of_types, TYPES, cursor, PAGE):
            for row in rows:
                payload = msgspec.json.decode(row.payload)
                if causes_notice(row.type, payload):
                    event = envelope(row.type, row.payload.encode(), row.timestamp, row.seq, row.batch_id)
                    text = await self._text(row.type, payload)
                    links = await self._links(row.type, payload)
                    await self._deliver(channel, Notice(row.seq, row.type, text, msgspec.Raw(event), links))
                cursor = row.seq
                await self._database.write(set_meta, _key(channel.name), str(cursor))
        return cursor

    async def _text(self, type: str, payload: dict[str, Any]) -> str:
        """Return the sentence about an event; about the end of a batch with the first lines of its brief."""
        text = sentence(self._project, type, payload)
        if type != "batch:end" or self._brief_lines is None:
            return text
        try:
            return "\n".join([text, *await self._brief_lines(payload["batch_id"])])
        # Whatever is wrong with a brief, the notification is due.
        except Exception:
            log.exception("the brief of batch %s could not be made", payload["batch_id"])
            return text

    async def _deliver(self, channel: Channel, notice: Notice) -> None:
        """Retry until the notice is delivered or rejected, or the last wait has passed."""
        reason = ""
        for wait_s in (0.0, *(self._waits_s if channel.waits_s is None else channel.waits_s)):
            await asyncio.sleep(wait_s)
            try:
                await channel.deliver(notice)
            except DeliveryFailed as trouble:
                reason = str(trouble)
                log.info("event %d by %s: %s", notice.seq, channel.name, reason)
            except DeliveryRejected as refused:
                reason = str(refused)
                break
            else:
                return
        self._give_up(channel, notice, reason)

    def _give_up(self, channel: Channel, notice: Notice, reason: str) -> None:
        message = f"A notification by {channel.name} was given up ({reason}): {notice.text}"
        log.warning("%s", message)
        try:
            emit(Error(type="notification", message=message))
        except DatabaseUnavailable:
            log.debug("and the database takes no writes")


def _key(name: str) -> str:
    return f"notified by {name}"


def _same(channel: Channel) -> Channel:
    return channel
