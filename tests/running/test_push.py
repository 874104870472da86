"""Messages to a closed page with a push service on loopback that reads them as a browser would."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import http_ece
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

import events
from db import Database
from events import EventType, emit_event
from notify import push as module
from notify.channels import DeliveryFailed, DeliveryRejected
from notify.push import BadSubscription, EndpointRule, PublicResolver, Subscription, is_public
from running.notifier import Notifier
from running.push import DEVICES_MAX, KEY_FILE, Push, TooManyDevices
from settings import Settings
from store.meta import set_meta
from tests.servers import ROOT

ATTENTION = {"kind": "blocked", "message": "1-1-a is blocked: the secret plan"}


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Browser:
    """A browser's subscription, and the push service that it has it from. `answers` are the next status codes."""

    endpoint: str = ""
    answers: list[int] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    came: asyncio.Condition = field(default_factory=asyncio.Condition)
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = field(default_factory=lambda: os.urandom(16))

    async def take(self, request: web.Request) -> web.Response:
        async with self.came:
            self.requests.append((dict(request.headers), await request.read()))
            self.came.notify_all()
        return web.Response(status=self.answers.pop(0) if self.answers else 201)

    async def count(self, wanted: int) -> None:
        async with asyncio.timeout(30), self.came:
            await self.came.wait_for(lambda: len(self.requests) >= wanted)

    @property
    def subscription(self) -> Subscription:
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return Subscription(self.endpoint, encoded(point), encoded(self.auth), "https://box.example")

    def messages(self) -> list[dict[str, str]]:
        options = {"private_key": self.key, "auth_secret": self.auth, "version": "aes128gcm"}
        return [json.loads(http_ece.decrypt(body, **options)) for _, body in self.requests]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    made = Browser()
    app = web.Application()
    app.router.add_post("/push/{id}", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}/push/1"
    yield made
    await runner.cleanup()


@asynccontextmanager
async def pushing(folder: Path) -> AsyncIterator[tuple[Database, Push]]:
    """A database with push as its only channel, which is there from the first event on."""
    database = await Database.open(folder / "x.db")
    push = Push(database, folder, "Perch", EndpointRule(loopback=True), waits_s=None)
    await database.write(set_meta, "notified by push", "0")
    notifier = Notifier(database, Settings, "Perch", waits_s=(0.01, 0.02), more=[push])
    events.start(database, notifier.take)
    notifier.start()
    try:
        yield database, push
    finally:
        await notifier.stop()
        events.stop()
        await database.close()


async def test_a_device_gets_the_project_and_what_and_no_content(tmp_path: Path, browser: Browser) -> None:
    async with pushing(tmp_path) as (_, push):
        key = await push.public_key()
        await push.subscribe(browser.subscription, None, "Phone")
        await emit_event(EventType.ATTENTION, ATTENTION)
        await emit_event(EventType.BATCH_PAUSE, {"batch_id": 3, "reason": "operator"})  # not worth a message
        await emit_event(EventType.BATCH_END, {"batch_id": 3, "cycles_completed": 1, "status": "completed"})
        await browser.count(2)
    assert [(each["title"], each["body"]) for each in browser.messages()] == [
        ("Perch", "A story is blocked."),
        ("Perch", "Batch 3 is complete."),
    ]
    headers, body = browser.requests[0]
    assert b"blocked" not in body
    assert (headers["Content-Encoding"], headers["TTL"], headers["Urgency"]) == ("aes128gcm", "86400", "high")
    assert headers["Authorization"].endswith(f"k={key}")
    assert Vapid02.verify(headers["Authorization"])
    claims = headers["Authorization"].partition("t=")[2].split(".")[1]
    decoded = json.loads(base64.urlsafe_b64decode(claims + "=="))
    assert decoded["aud"] == browser.endpoint.removesuffix("/push/1")
    assert decoded["sub"] == "https://box.example"
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("status", [404, 410])
async def test_a_subscription_that_has_ended_is_removed(tmp_path: Path, browser: Browser, status: int) -> None:
    browser.answers = [status]
    async with pushing(tmp_path) as (_, push):
        await push.subscribe(browser.subscription, None, "Phone")
        await emit_event(EventType.ATTENTION, ATTENTION)
        await browser.count(1)
        async with asyncio.timeout(30):
            while await push.devices():
                await asyncio.sleep(0.01)


async def test_who_has_a_message_does_not_get_it_again_for_another(tmp_path: Path, browser: Browser) -> None:
    other = Browser(endpoint=browser.endpoint.replace("push/1", "push/2"))
    browser.answers = [201, 503]  # for the first device, then for the second
    async with pushing(tmp_path) as (_, push):
        for one in (browser, other):
            await push.subscribe(one.subscription, None, "Phone")
        await emit_event(EventType.ATTENTION, ATTENTION)
        await browser.count(3)
        await emit_event(EventType.ATTENTION, ATTENTION)
        await browser.count(5)
    sizes = [len(body) for _, body in browser.requests]
    assert len(sizes) == 5


async def test_a_test_message(tmp_path: Path, browser: Browser) -> None:
    async with pushing(tmp_path) as (_, push):
        await push.subscribe(browser.subscription, None, "Phone")
        (row,) = await push.devices()
        await push.test(row.id)
        assert browser.messages()[0]["body"] == "Messages reach this device."
        browser.answers = [403]
        with pytest.raises(DeliveryRejected, match="responded with 403"):
            await push.test(row.id)
        await push.subscribe(browser.subscription, None, "Phone again")  # the same browser is one device
        assert [each.name for each in await push.devices()] == ["Phone again"]
        assert await push.unsubscribe((await push.devices())[0].id)


async def test_devices_are_few(tmp_path: Path, browser: Browser) -> None:
    async with pushing(tmp_path) as (_, push):
        for number in range(DEVICES_MAX):
            one = Browser(endpoint=f"{browser.endpoint}{number}", key=browser.key)
            await push.subscribe(one.subscription, None, "x")
        with pytest.raises(TooManyDevices):
            await push.subscribe(browser.subscription, None, "x")


# -- where messages may go -----------------------------------------------------------------------------------------

REFUSED = [
    "http://push.example.org/x",
    "https://127.0.0.1/x",
    "https://[::1]/x",
    "https://10.0.0.1/x",
    "https://8.8.8.8/x",
    "https://user@push.example.org/x",
    "https://push.example.org:22/x",
    "https:///x",
    "https://[x/",
    "ftp://push.example.org/",
    "javascript:1",
    "https://push.example.org/" + "x" * 2048,
    "https://push.example.org/é",
    "http://127.0.0.1:1/x",
]


@pytest.mark.parametrize("endpoint", REFUSED)
def test_an_address_from_a_browser_is_https_to_a_name(endpoint: str) -> None:
    EndpointRule().check("https://push.example.org/x")
    with pytest.raises(BadSubscription):
        EndpointRule().check(endpoint)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        *[(private, False) for private in ("127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254")],
        *[(private, False) for private in ("0.0.0.0", "100.64.0.1", "224.0.0.1", "255.255.255.255", "::", "::1")],
        *[(private, False) for private in ("fe80::1%eth0", "fd00::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::a00:1")],
        ("2002:a00:1::", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1"])
async def test_a_name_that_leads_to_this_machine_is_refused(host: str) -> None:
    with pytest.raises(OSError, match="a private address"):
        await PublicResolver().resolve(host, 443)
    subscription = Browser(endpoint=f"https://{host}/x").subscription
    key = module.new_key()
    with pytest.raises(DeliveryFailed):
        await module.send(key, subscription, module.PushMessage("a", "b", "c"), EndpointRule())


@pytest.mark.parametrize("change", [{"p256dh": "A" * 87}, {"auth": "x"}, {"p256dh": "!"}])
async def test_keys_that_are_none_are_refused(tmp_path: Path, browser: Browser, change: dict[str, Any]) -> None:
    values = {name: getattr(browser.subscription, name) for name in ("endpoint", "p256dh", "auth", "origin")}
    async with pushing(tmp_path) as (_, push):
        with pytest.raises(BadSubscription):
            await push.subscribe(Subscription(**{**values, **change}), None, "x")
        assert await push.devices() == []


def test_the_program_imports_no_package_of_an_extra() -> None:
    packages = ("pywebpush", "py_vapid", "http_ece", "cryptography", "mcp")
    code = f"import sys, server; print([name for name in {packages} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_without_the_package_one_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert module.why_unavailable() is None
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    sentence = module.why_unavailable() or ""
    assert "pip install pywebpush" in sentence
    assert "sprint-runner[push]" in sentence
