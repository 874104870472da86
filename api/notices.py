"""The route that sends a test by a channel of notifications, as the settings have it now."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from api.bodies import NoticeTestBody
from api.http import ApiError, json_response, read_body
from api.push import MessageSent
from notify.channels import DeliveryFailed, DeliveryRejected
from running.notifier import NoChannel, Notifier

NOTIFIER: Final = web.AppKey("notifier", Notifier)


async def post_notice_test(request: web.Request) -> web.Response:
    """Send a test to the webhook, or by the command; a refusal is its sentence."""
    body = await read_body(request, NoticeTestBody)
    try:
        await request.app[NOTIFIER].test(body.channel)
    except NoChannel as missing:
        raise ApiError(409, "no_channel", f"{missing}: set it first") from None
    except (DeliveryFailed, DeliveryRejected) as error:
        raise ApiError(409, "not_sent", f"the test was not sent: {error}") from None
    return json_response(MessageSent(f"the {body.channel}"))


ROUTES: Final = [web.post("/api/notices/test", post_notice_test)]
