"""The devices that get messages while their page is closed: subscribe, list, test and remove."""

from __future__ import annotations

from typing import Final

import msgspec
from aiohttp import web

from api.access import ACCESS, device_name
from api.bodies import EmptyBody, SubscriptionBody
from api.http import ApiError, json_response, path_id, read_body
from api.masked import unmasked_response
from notify.channels import DeliveryFailed, DeliveryRejected
from notify.push import BadSubscription, Subscription, SubscriptionEnded
from running.push import Push, TooManyDevices
from security import VISITOR
from security.grants import digest_of

PUSH: Final = web.AppKey("push", Push)
ENDED: Final = "this device gets no messages any more: switch them on there again"


class DeviceView(msgspec.Struct, frozen=True):
    """A device that gets messages. `digest` is the SHA-256 of its address, by which a browser knows itself."""

    id: int
    name: str
    made_at: int
    digest: str


class PushView(msgspec.Struct, frozen=True):
    """`missing` says how to get the package that sends messages; null where it is installed."""

    missing: str | None
    devices: list[DeviceView]


class PushKey(msgspec.Struct, frozen=True):
    """The public key of this server, for `pushManager.subscribe`."""

    key: str


class MessageSent(msgspec.Struct, frozen=True):
    """`sent_to` is the name of the device."""

    sent_to: str


async def get_push(request: web.Request) -> web.Response:
    return json_response(await _view(request.app[PUSH]))


async def post_key(request: web.Request) -> web.Response:
    """Respond with the public key, which is made with the private one at the first request."""
    await read_body(request, EmptyBody)
    try:
        return unmasked_response(PushKey(await _available(request).public_key()))
    except OSError as error:
        raise ApiError(503, "disk", f"the key cannot be written: {error.strerror}") from None


async def post_subscription(request: web.Request) -> web.Response:
    """Send messages to the device that asks from now on."""
    body = await read_body(request, SubscriptionBody)
    push, grant_id = _available(request), request[VISITOR].grant_id
    own = [grant.name for grant in request.app[ACCESS].grants.all() if grant.id == grant_id]
    subscription = Subscription(body.endpoint, body.p256dh, body.auth, request.headers.get("Origin", ""))
    try:
        await push.subscribe(subscription, grant_id, own[0] if own else device_name(body.name))
    except BadSubscription as bad:
        raise ApiError(400, "bad_request", str(bad)) from None
    except TooManyDevices as many:
        raise ApiError(409, "too_many", str(many)) from None
    return json_response(await _view(push))


async def post_remove(request: web.Request) -> web.Response:
    """Send nothing more to a device."""
    await read_body(request, EmptyBody)
    push = request.app[PUSH]
    if not await push.unsubscribe(path_id(request, "id")):
        raise ApiError(409, "no_device", ENDED)
    return json_response(await _view(push))


async def post_test(request: web.Request) -> web.Response:
    """Send a test to one device; a refusal of the push service is its sentence."""
    await read_body(request, EmptyBody)
    push, number = _available(request), path_id(request, "id")
    names = {row.id: row.name for row in await push.devices()}
    try:
        await push.test(number)
    except SubscriptionEnded:
        raise ApiError(409, "no_device", ENDED) from None
    except (DeliveryFailed, DeliveryRejected) as error:
        raise ApiError(409, "not_sent", f"the test was not sent: {error}") from None
    return json_response(MessageSent(names.get(number, "")))


def _available(request: web.Request) -> Push:
    push = request.app[PUSH]
    if push.missing is not None:
        raise ApiError(409, "not_installed", push.missing)
    return push


async def _view(push: Push) -> PushView:
    rows = await push.devices()
    return PushView(push.missing, [DeviceView(row.id, row.name, row.made_at, digest_of(row.endpoint)) for row in rows])


ROUTES: Final = [
    web.get("/api/push", get_push),
    web.post("/api/push", post_subscription),
    web.post("/api/push/key", post_key),
    web.post("/api/push/{id}/remove", post_remove),
    web.post("/api/push/{id}/test", post_test),
]
