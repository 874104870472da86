"""What servers of earlier versions do otherwise, on the server at hand."""

from __future__ import annotations

import asyncio
import time

import pytest

from fleet.stream import broker as broker_module
from fleet.stream import connection
from fleet.stream.broker import Broker, NoStream, WrongSequence
from fleet.stream.connection import Message
from fleet.stream.inbox import Inbox
from fleet.stream.names import STATE, bucket, events_stream, events_subject, key_subject
from tests.fleet.stream.nats_server import NatsServer


async def test_a_stream_is_missing_where_the_server_leaves_a_request_to_it_without_an_answer(
    nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_module, "ANSWERS_FOR_MISSING", (1000, 0))  # every server is an old one
    silent = await Broker.connect(nats.address, "silent", None, "silent")
    asked: list[Message] = []

    async def take(message: Message) -> None:
        asked.append(message)

    await silent.serve(f"$JS.API.DIRECT.GET.{bucket(STATE).name}.>", take)
    await silent.api("INFO", {})  # the server has the subscription
    client = await Broker.connect(nats.address, "box", None, "client")
    with pytest.raises(NoStream):
        await client.last(bucket(STATE).name, key_subject(STATE, "box"))
    assert asked
    await silent.close()
    async with asyncio.timeout(10):
        await client.ensure(bucket(STATE), key_subject(STATE, "box"))
    assert await client.last(bucket(STATE).name, key_subject(STATE, "box")) is None
    await client.close()


async def test_a_backlog_that_takes_longer_than_pings_keeps_the_connection(
    nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answers to pings come behind it: a busy machine reads one of a day for longer than three pings take."""
    monkeypatch.setattr(connection, "PING_S", 0.05)
    take, count = Inbox.take, 3000

    async def slowly(inbox: Inbox, message: object) -> None:
        time.sleep(0.0005)  # noqa: ASYNC251 - as a machine that does nothing else meanwhile
        await take(inbox, message)

    client = await Broker.connect(nats.address, "box", None, "client")
    await client.make(events_stream("box"))
    subject = events_subject("box", "e")
    await client.stored(*[await client.store(subject, b"x" * 1000, {}) for _ in range(count)])
    monkeypatch.setattr(Inbox, "take", slowly)
    reading = client.follow(events_stream("box").name, subject, 1)
    assert [(await anext(reading)).seq for _ in range(count)] == list(range(1, count + 1))
    await reading.aclose()
    await client.close()


async def test_a_message_that_is_stored_already_is_no_progress(nats: NatsServer) -> None:
    client = await Broker.connect(nats.address, "box", None, "client")
    await client.make(events_stream("box"))
    subject = events_subject("box", "e")
    assert await client.put(subject, b"1", Nats_Msg_Id="e:1") == 1
    with pytest.raises(WrongSequence):
        await client.put(subject, b"another", Nats_Msg_Id="e:1")
    with pytest.raises(WrongSequence):
        await client.put(subject, b"another", 0, Nats_Msg_Id="e:2")
    await client.close()
