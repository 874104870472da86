"""Web push: messages to browsers whose page is closed, encrypted and signed by the package `pywebpush`, an extra.

Promises: a message says the project and what it is about, and no content; it goes only to a public address over https,
since the browser's address for it comes from outside; a subscription that has ended is reported as such.
"""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import ipaddress
import re
import socket
import time
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult

from notify.channels import DeliveryFailed, DeliveryRejected

MISSING: Final = (
    "Messages to a closed page need the package pywebpush: `uv tool install 'sprint-runner[push]'`, or "
    "`pip install pywebpush`, and restart the server."
)
SEND_S: Final = 15.0  # seconds for one message
TTL_S: Final = 24 * 3600  # how long a push service keeps a message for a device that is off
SIGNED_S: Final = 3600  # how long a signature is valid; services refuse more than a day
ENDPOINT_MAX: Final = 2048
_NAME: Final = re.compile(r"[\w-]+\.[\w.-]+", re.ASCII)  # what services take as the host of a contact
NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
CONTACT: Final = "mailto:sprint-runner@example.org"  # where the page has no https address to name


class BadSubscription(ValueError):
    """What a browser has sent is no subscription that messages may be sent to; the message says why."""


class SubscriptionEnded(Exception):
    """The push service no longer knows the subscription."""


class PushMessage(msgspec.Struct, frozen=True):
    """What a device shows. `tag` is the same for a repetition, which then replaces what it repeats."""

    title: str
    body: str
    tag: str


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where a browser gets its messages, and the keys that they are encrypted for, in unpadded base64url."""

    endpoint: str
    p256dh: str
    auth: str
    origin: str  # of the page: the contact that the push service is given


@dataclass(frozen=True, slots=True)
class EndpointRule:
    """Which addresses messages may be sent to. `loopback` allows plain HTTP to this machine, for tests alone."""

    loopback: bool = False

    def check(self, endpoint: str) -> None:
        """Raise `BadSubscription` unless the address may be used as far as it says itself."""
        try:
            parts = urlsplit(endpoint)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise BadSubscription("the address for messages is no URL") from None
        if self.loopback and host == "127.0.0.1":
            return
        if parts.scheme != "https" or not host or "@" in parts.netloc or port not in (None, 443):
            raise BadSubscription("the address for messages must begin with https:// and name a host alone")
        if len(endpoint) > ENDPOINT_MAX or not endpoint.isascii():
            raise BadSubscription("the address for messages is too long or not ASCII")
        if is_address(host):  # no push service has one without a name, and a name is checked when it is resolved
            raise BadSubscription("the address for messages must have a name, not a number")

    def connector(self) -> aiohttp.TCPConnector:
        """Return connections to public addresses alone: a name may lead to a private one, and change."""
        return aiohttp.TCPConnector(resolver=PublicResolver())


class PublicResolver(AbstractResolver):
    """Resolves names, and refuses one of which any address is private."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await aiohttp.ThreadedResolver().resolve(host, port, family)
        if private := [each["host"] for each in found if not is_public(each["host"])]:
            raise OSError(f"{host} leads to {private[0]}, a private address")
        return found

    async def close(self) -> None:
        """Nothing is open."""


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def is_public(address: str) -> bool:
    """Whether an IP address is a public one, also the IPv4 address that an IPv6 one stands for."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def why_unavailable() -> str | None:
    """Return how to get the package; None where it is installed. Imports nothing."""
    return MISSING if importlib.util.find_spec("pywebpush") is None else None


# -- keys and encryption: the package is imported only here --------------------------------------------------------


def new_key() -> bytes:
    """Return a new private key of this server, as PEM."""
    from py_vapid import Vapid02

    key = Vapid02()
    key.generate_keys()
    pem: bytes = key.private_pem()
    return pem


def public_key(pem: bytes) -> str:
    """Return the public key as browsers take it: an uncompressed point in unpadded base64url."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from py_vapid import Vapid02

    point = Vapid02.from_pem(pem).public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def encrypted(subscription: Subscription, message: PushMessage) -> bytes:
    """Return the message as only the browser can read it. Raises `BadSubscription` for keys that are none."""
    from pywebpush import WebPusher

    keys = {"p256dh": subscription.p256dh, "auth": subscription.auth}
    try:
        pusher = WebPusher({"endpoint": subscription.endpoint, "keys": keys})
        body: bytes = pusher.encode(msgspec.json.encode(message))["body"]
    except Exception as error:  # the package lets through whatever its parts raise for wrong keys
        raise BadSubscription(f"the keys of the subscription cannot be used: {error}") from None
    return body


def authorization(pem: bytes, subscription: Subscription, now: float) -> dict[str, str]:
    """Return the headers that prove who sends, for the push service of the subscription alone."""
    from py_vapid import Vapid02

    parts, page = urlsplit(subscription.endpoint), urlsplit(subscription.origin)
    named = page.scheme == "https" and _NAME.fullmatch(page.hostname or "") is not None
    audience = f"{parts.scheme}://{parts.netloc.removesuffix(':443')}"
    claims = {"sub": f"https://{page.hostname}" if named else CONTACT, "aud": audience, "exp": int(now) + SIGNED_S}
    signed: dict[str, str] = Vapid02.from_pem(pem).sign(claims)
    return signed


async def send(pem: bytes, subscription: Subscription, message: PushMessage, rule: EndpointRule) -> None:
    """Hand a message to the push service. Raises `SubscriptionEnded`, `DeliveryFailed` and `DeliveryRejected`."""
    try:
        rule.check(subscription.endpoint)
        body, headers = await asyncio.to_thread(_prepared, pem, subscription, message)
    except BadSubscription as error:
        raise DeliveryRejected(str(error)) from None
    connector = aiohttp.TCPConnector() if rule.loopback else rule.connector()
    timeout = aiohttp.ClientTimeout(total=SEND_S)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            session.post(subscription.endpoint, data=body, headers=headers, allow_redirects=False) as response,
        ):
            check_status(response.status)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise DeliveryFailed(str(error) or type(error).__name__) from None


def _prepared(pem: bytes, subscription: Subscription, message: PushMessage) -> tuple[bytes, dict[str, str]]:
    fixed = {
        "Content-Type": "application/octet-stream",
        "Content-Encoding": "aes128gcm",
        "TTL": str(TTL_S),
        "Urgency": "high",
    }
    return encrypted(subscription, message), {**fixed, **authorization(pem, subscription, time.time())}


def check_status(status: int) -> None:
    if status in (404, 410):
        raise SubscriptionEnded
    if status in (408, 425, 429) or status >= 500:
        raise DeliveryFailed(f"the push service responded with {status}")
    if status >= 300:
        raise DeliveryRejected(f"the push service responded with {status}")


# -- what a message says -------------------------------------------------------------------------------------------

ATTENTION: Final = {
    "question": "An agent asks you something.",
    "gate": "A gate waits for your decision.",
    "blocked": "A story is blocked.",
}
ENDED: Final = {"completed": "is complete", "stopped": "was stopped", "error": "ended with an error"}
WARNINGS: Final = {"budget": "A budget is nearly used up.", "disk": "The disk is nearly full."}


def message_about(project: str, type: str, payload: dict[str, Any], tag: str) -> PushMessage:
    """Return what a device shows about an event: the project and the kind, nothing of the content."""
    return PushMessage(project, _about(type, payload), tag)


def _about(type: str, payload: dict[str, Any]) -> str:
    if type == "batch:end":
        return f"Batch {payload['batch_id']} {ENDED[payload['status']]}."
    if type == "batch:pause":
        return f"Batch {payload['batch_id']} is paused."
    if type == "batch:warning":
        return WARNINGS.get(payload["warning_type"], "The run has a warning.")
    return ATTENTION.get(payload["kind"], "The run needs you.")
