"""Tests of notifications with a real HTTP server and a real command: delivery, retries, giving up."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

import events
from db import Database
from events import EventType, emit_event
from notify.channels import signature
from running.notifier import NoChannel, Notifier
from settings import Settings
from store.log import EventFilter, find_events

ATTENTION = {"kind": "blocked", "message": "1-1-a is blocked: no key"}


@dataclass
class Receiver:
    """A webhook's other end. `answers` are the status codes of the deliveries to come; 200 afterwards."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, request: web.Request) -> web.Response:
        async with self.came:
            self.got.append((dict(request.headers), await request.read()))
            self.came.notify_all()
        return web.Response(status=self.answers.pop(0) if self.answers else 200, headers={"Location": self.url})

    async def count(self, wanted: int) -> None:
        async with asyncio.timeout(30), self.came:
            await self.came.wait_for(lambda: len(self.got) >= wanted)

    @property
    def seqs(self) -> list[int]:
        return [json.loads(body)["event"]["seq"] for _, body in self.got]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    app = web.Application()
    app.router.add_post("/hook", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield made
    await runner.cleanup()


@asynccontextmanager
async def notifying(folder: Path, **settings: Any) -> AsyncIterator[Database]:
    """A database with a notifier that hardly waits between tries."""
    database = await Database.open(folder / "x.db")
    notifier = Notifier(database, lambda: Settings(**settings), "Perch", waits_s=(0.01, 0.02))
    events.start(database, notifier.take)
    notifier.start()
    await asyncio.sleep(0)
    try:
        yield database
    finally:
        await notifier.stop()
        events.stop()
        await database.close()


@asynccontextmanager
async def switched(folder: Path) -> AsyncIterator[tuple[Database, Notifier, dict[str, Any]]]:
    """A notifier whose settings are changed while it works: by the mapping, which begins empty."""
    database, settings = await Database.open(folder / "x.db"), dict[str, Any]()
    notifier = Notifier(database, lambda: Settings(**settings), "Perch", waits_s=(0.01, 0.02), folder=folder)
    events.start(database, notifier.take)
    notifier.start()
    await asyncio.sleep(0)
    try:
        yield database, notifier, settings
    finally:
        await notifier.stop()
        events.stop()
        await database.close()


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await true():
            await asyncio.sleep(0.01)


async def begun(database: Database) -> None:
    """The channel has a cursor: what is emitted from now on is its business."""

    def rows(connection: Any) -> int:
        found: int = connection.execute("SELECT COUNT(*) FROM meta WHERE key LIKE 'notified%'").fetchone()[0]
        return found

    async def there() -> bool:
        return await database.read(rows) > 0

    await until(there)


async def test_a_webhook_gets_what_is_worth_telling_signed_and_in_order(tmp_path: Path, receiver: Receiver) -> None:
    async with notifying(tmp_path, notify_webhook=receiver.url, notify_secret="s3cret") as database:
        await begun(database)
        await emit_event(EventType.BATCH_START, {"batch_id": 1, "max_cycles": 2})
        await emit_event(EventType.ATTENTION, ATTENTION)
        await emit_event(EventType.BATCH_PAUSE, {"batch_id": 1, "reason": "operator"})
        await emit_event(EventType.BATCH_PAUSE, {"batch_id": 1, "reason": "budget"})
        await emit_event(EventType.BATCH_WARNING, {"batch_id": 1, "warning_type": "git", "message": "no git"})
        await emit_event(EventType.BATCH_WARNING, {"batch_id": 1, "warning_type": "budget", "message": "80 % spent"})
        await emit_event(EventType.BATCH_END, {"batch_id": 1, "cycles_completed": 1, "status": "completed"})
        await receiver.count(4)
    assert receiver.seqs == [2, 4, 6, 7]
    texts = [json.loads(body)["text"] for _, body in receiver.got]
    assert texts == [
        "Perch: 1-1-a is blocked: no key",
        "Perch: batch 1 is paused (budget)",
        "Perch: 80 % spent",
        "Perch: batch 1 is complete after 1 group",
    ]
    headers, body = receiver.got[0]
    assert headers["X-Sprint-Runner-Signature"] == signature("s3cret", headers["X-Sprint-Runner-Timestamp"], body)
    assert headers["X-Sprint-Runner-Event"] == "attention"
    assert json.loads(body)["event"]["payload"] == ATTENTION


async def test_without_a_secret_nothing_is_signed(tmp_path: Path, receiver: Receiver) -> None:
    async with notifying(tmp_path, notify_webhook=receiver.url) as database:
        await begun(database)
        await emit_event(EventType.ATTENTION, ATTENTION)
        await receiver.count(1)
    assert "X-Sprint-Runner-Signature" not in receiver.got[0][0]


async def test_a_failed_delivery_is_repeated_under_the_same_name(tmp_path: Path, receiver: Receiver) -> None:
    receiver.answers = [500, 429]
    async with notifying(tmp_path, notify_webhook=receiver.url) as database:
        await begun(database)
        await emit_event(EventType.ATTENTION, ATTENTION)
        await emit_event(EventType.ATTENTION, ATTENTION)
        await receiver.count(4)
    assert receiver.seqs == [1, 1, 1, 2]
    assert len({headers["X-Sprint-Runner-Delivery"] for headers, _ in receiver.got[:3]}) == 1


@pytest.mark.parametrize(
    ("answers", "tries", "said"),
    [
        ([404], 1, "it responded with 404"),
        ([302], 1, "it responded with 302"),
        ([500, 502, 503], 3, "it responded with 503"),
    ],
)
async def test_what_is_given_up_is_said_and_the_next_is_delivered(
    tmp_path: Path, receiver: Receiver, answers: list[int], tries: int, said: str
) -> None:
    receiver.answers = list(answers)
    async with notifying(tmp_path, notify_webhook=receiver.url) as database:
        await begun(database)
        await emit_event(EventType.ATTENTION, ATTENTION)
        await receiver.count(tries)
        await until(lambda: reported(database, said))
        await emit_event(EventType.BATCH_END, {"batch_id": 1, "cycles_completed": 2, "status": "stopped"})
        await receiver.count(tries + 1)
    assert json.loads(receiver.got[-1][1])["text"] == "Perch: batch 1 was stopped after 2 groups"


async def reported(database: Database, words: str) -> bool:
    found = await database.read(find_events, EventFilter(type="error", text=words), 10)
    return len(found) == 1


async def test_what_happened_while_the_server_was_down_is_delivered_once(tmp_path: Path, receiver: Receiver) -> None:
    async with notifying(tmp_path) as database:
        await emit_event(EventType.ATTENTION, ATTENTION)  # before the webhook was set up: not its business
    async with notifying(tmp_path, notify_webhook=receiver.url) as database:
        await begun(database)
    async with notifying(tmp_path) as database:
        await emit_event(EventType.ATTENTION, ATTENTION)
    for _ in range(2):
        async with notifying(tmp_path, notify_webhook=receiver.url) as database:
            await receiver.count(1)
            await until(lambda: stands_at(database, 2))
    assert receiver.seqs == [2]


async def stands_at(database: Database, seq: int) -> bool:
    def cursor(connection: Any) -> str:
        return str(connection.execute("SELECT value FROM meta WHERE key = 'notified by webhook'").fetchone()[0])

    return await database.read(cursor) == str(seq)


async def test_no_server_at_the_other_end(tmp_path: Path) -> None:
    async with notifying(tmp_path, notify_webhook="http://127.0.0.1:1/hook") as database:
        await begun(database)
        await emit_event(EventType.ATTENTION, ATTENTION)
        await until(lambda: reported(database, "given up"))


async def test_a_command_gets_the_event_and_not_our_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPRINT_RUNNER_TOKEN", "hidden")
    script, out = tmp_path / "send.py", tmp_path / "out.json"
    script.write_text(
        "import json, os, sys\n"
        "reported = {'stdin': json.load(sys.stdin), 'message': os.environ['SPRINT_RUNNER_MESSAGE'],\n"
        "        'token': os.environ.get('SPRINT_RUNNER_TOKEN')}\n"
        f"open({str(out) + '.half'!r}, 'w').write(json.dumps(reported))\n"
        f"os.replace({str(out) + '.half'!r}, {str(out)!r})\n"
    )
    async with notifying(tmp_path, notify_command=f"{sys.executable} {script}") as database:
        await begun(database)
        await emit_event(EventType.ATTENTION, {"kind": "x", "message": "$(touch no) `no`; no"})
        async with asyncio.timeout(30):
            while not out.exists():
                await asyncio.sleep(0.02)
    found = json.loads(out.read_text())
    assert found["message"] == "Perch: $(touch no) `no`; no"
    assert found["stdin"]["event"]["type"] == "attention"
    assert found["token"] is None
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize(
    ("command", "said"),
    [("/nowhere/at/all", "could not be started"), ("sh -c 'echo no luck >&2; exit 3'", "it exited with 3: no luck")],
)
async def test_a_command_that_fails_is_said(tmp_path: Path, command: str, said: str) -> None:
    async with notifying(tmp_path, notify_command=command) as database:
        await begun(database)
        await emit_event(EventType.ATTENTION, ATTENTION)
        await until(lambda: reported(database, said))


async def test_a_webhook_that_is_switched_on_reports_from_then_on(tmp_path: Path, receiver: Receiver) -> None:
    async with switched(tmp_path) as (database, notifier, settings):
        await emit_event(EventType.ATTENTION, {**ATTENTION, "message": "while it was off"})
        settings["notify_webhook"] = receiver.url
        notifier.wake()
        await begun(database)
        await emit_event(EventType.ATTENTION, {**ATTENTION, "message": "while it was on"})
        await receiver.count(1)
        assert [json.loads(body)["text"] for _, body in receiver.got] == ["Perch: while it was on"]
        await notifier.test("webhook")
        assert json.loads(receiver.got[-1][1])["text"] == "Perch: this is a test: messages reach this place"
        with pytest.raises(NoChannel, match="no command is set"):
            await notifier.test("command")


async def test_a_relative_command_is_that_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "send.sh").write_text("#!/bin/sh\ncat > sent.txt\n")
    (tmp_path / "send.sh").chmod(0o755)
    async with switched(tmp_path) as (_, notifier, settings):
        settings["notify_command"] = "./send.sh"
        await notifier.test("command")
    assert "this is a test" in (tmp_path / "sent.txt").read_text()
