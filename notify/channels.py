"""The channels of notifications. A channel delivers one notice or raises whether a retry can succeed."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import shlex
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Final, Protocol

import aiohttp
import msgspec

from notify.notice import Notice

WEBHOOK_S: Final = 10.0  # seconds for one delivery, including the connection
COMMAND_S: Final = 60.0
STDERR_BYTES: Final = 2_000  # at the end of standard error that a message quotes

Watched = Callable[[int], AbstractContextManager[None]]  # while a process runs: it is ended with the server


class DeliveryFailed(RuntimeError):
    """A delivery that failed and may succeed later."""


class DeliveryRejected(RuntimeError):
    """A delivery that would fail again, so that it is not retried."""


class Channel(Protocol):
    """A way to deliver notices. `name` appears in messages and in the key of its cursor in the database.

    `waits_s` are the seconds before each further try; None: those of the notifier.
    """

    name: str
    waits_s: Sequence[float] | None

    async def deliver(self, notice: Notice) -> None:
        """Deliver the notice, or raise `DeliveryFailed` or `DeliveryRejected`."""


def body_of(notice: Notice, project: str) -> bytes:
    """Return what every channel sends: the text, the project, the links that answer, and the event."""
    links = {"links": notice.links} if notice.links else {}
    return msgspec.json.encode({"text": notice.text, "project": project, **links, "event": notice.event})


class Webhook:
    """An HTTP POST of JSON, signed where a secret is set.

    The signature is `sha256=` and the HMAC-SHA256, in hex, of the timestamp header, a full stop and the body. The
    delivery header is the same in every retry, so that a receiver can recognise a repetition.
    """

    name = "webhook"
    waits_s: Sequence[float] | None = None

    def __init__(self, url: str, secret: str | None, project: str, epoch: str) -> None:
        self._url = url
        self._secret = secret
        self._project = project
        self._epoch = epoch

    async def deliver(self, notice: Notice) -> None:
        body = body_of(notice, self._project)
        timeout = aiohttp.ClientTimeout(total=WEBHOOK_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(
                    self._url, data=body, headers=self._headers(notice, body), allow_redirects=False
                ) as response,
            ):
                _check_status(response.status)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise DeliveryFailed(str(error) or type(error).__name__) from None

    def _headers(self, notice: Notice, body: bytes) -> dict[str, str]:
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "sprint-runner",
            "X-Sprint-Runner-Event": notice.type,
            "X-Sprint-Runner-Delivery": f"{self._epoch}-{notice.seq}",
            "X-Sprint-Runner-Timestamp": timestamp,
        }
        if self._secret is not None:
            headers["X-Sprint-Runner-Signature"] = signature(self._secret, timestamp, body)
        return headers


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature, which a receiver computes as well to verify sender and time."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _check_status(status: int) -> None:
    if status < 300:
        return
    if status in (408, 425, 429) or status >= 500:  # timeouts, rate limits and faults of the server pass
        raise DeliveryFailed(f"it responded with {status}")
    raise DeliveryRejected(f"it responded with {status}")


class CommandChannel:
    """A program of the user: it gets the notice as JSON on standard input and the sentence in SPRINT_RUNNER_MESSAGE.

    `environment` is the program's environment, without the server's secrets; it runs in `folder`.
    """

    name = "command"
    waits_s: Sequence[float] | None = None

    def __init__(
        self,
        line: str,
        project: str,
        environment: Mapping[str, str],
        watched: Watched = lambda pid: nullcontext(),
        folder: Path | None = None,
    ) -> None:
        self._argv = shlex.split(line)
        self._watched = watched
        self._folder = folder
        self._project = project
        self._environment = dict(environment)

    async def deliver(self, notice: Notice) -> None:
        body = body_of(notice, self._project)
        # The system allows no NUL in the environment.
        variables = {"SPRINT_RUNNER_EVENT": notice.type, "SPRINT_RUNNER_MESSAGE": notice.text.replace("\0", "")}
        try:
            process = await asyncio.create_subprocess_exec(
                *self._argv,
                env={**self._environment, **variables},
                cwd=self._folder,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise DeliveryRejected(f"{self._argv[0]} could not be started: {error.strerror}") from None
        await self._finish(process, body)

    async def _finish(self, process: asyncio.subprocess.Process, body: bytes) -> None:
        try:
            async with asyncio.timeout(COMMAND_S):
                with self._watched(process.pid):
                    _, errors = await process.communicate(body)
        except TimeoutError:
            raise DeliveryFailed(f"it did not end within {COMMAND_S:.0f} s") from None
        finally:
            with suppress(ProcessLookupError):  # the usual case: no process of the group is left
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        if process.returncode:
            message = errors[-STDERR_BYTES:].decode(errors="replace").strip()
            raise DeliveryFailed(f"it exited with {process.returncode}" + (f": {message}" if message else ""))
