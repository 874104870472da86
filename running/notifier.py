"""The delivery of notifications, in order and at least once.

Each channel has a cursor in the database: the newest event that was delivered or given up. What happened while the
receiver was away, or while the server was down, is delivered later; what happened before the channel was first set up
is not. A delivery that fails is tried again after growing waits, and given up, which is logged, after the last of them.
Nothing here delays the run.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from agents import GUARDING
from base.tasks import end_tasks
from db import Database
from events import Event, emit, envelope
from notify.channels import Channel, CommandChannel, DeliveryFailed, DeliveryRejected, Webhook
from notify.notice import TYPES, Notice, NoticeLink, causes_notice, sentence
from payloads import Error
from settings import SECRET_VARIABLES, Settings
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


class Notifier:
    """The channels that the settings name, and `more`. `take` is a subscriber of committed events.

    `links` makes the links by which an event is answered.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        project: str,
        waits_s: Sequence[float] = WAITS_S,
        more: Sequence[Channel] = (),
        links: MakeLinks = no_links,
        brief_lines: BriefLines | None = None,
    ) -> None:
        self._database = database
        self._project = project
        self._waits_s = waits_s
        self._links = links
        self._brief_lines = brief_lines
        self._channels = [*_channels(settings, project, database.epoch), *more]
        self._woken = [asyncio.Event() for _ in self._channels]
        self._tasks: list[asyncio.Task[None]] = []

    def take(self, events: Sequence[Event]) -> None:
        if any(event.type.value in TYPES for event in events):
            for woken in self._woken:
                woken.set()

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._work(channel, woken), name=f"notify by {channel.name}")
            for channel, woken in zip(self._channels, self._woken, strict=True)
        ]

    async def stop(self) -> None:
        """End what is under way; it is delivered at the next start."""
        await end_tasks(*self._tasks)

    async def _work(self, channel: Channel, woken: asyncio.Event) -> None:
        cursor = await self._begin(channel)
        while True:
            woken.clear()
            try:
                cursor = await self._deliver_all(channel, cursor)
            except DatabaseUnavailable as error:  # reported elsewhere; the next event causes another attempt
                log.warning("the cursor of the %s could not be saved: %s", channel.name, error)
            await woken.wait()

    async def _begin(self, channel: Channel) -> int:
        """Return the cursor of this channel; a new one begins at the newest event."""
        known = await self._database.read(get_meta, _key(channel))
        if known is not None:
            return int(known)
        now = self._database.last_seq
        await self._database.write(set_meta, _key(channel), str(now))
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
                await self._database.write(set_meta, _key(channel), str(cursor))
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


def _key(channel: Channel) -> str:
    return f"notified by {channel.name}"


def _channels(settings: Settings, project: str, epoch: str) -> list[Channel]:
    channels: list[Channel] = []
    if settings.notify_webhook is not None:
        channels.append(Webhook(settings.notify_webhook, settings.notify_secret, project, epoch))
    if settings.notify_command is not None:
        environment = {name: value for name, value in os.environ.items() if name not in SECRET_VARIABLES}
        channels.append(CommandChannel(settings.notify_command, project, environment, GUARDING.command))
    return channels
