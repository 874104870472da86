"""The server's use of the operating system: its port, signals, the browser."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
import sys
import webbrowser
from collections.abc import Sequence
from typing import Final

from cli.errors import CannotStart
from settings import Loaded

PORTS_TRIED: Final = 100  # from the default port on

log = logging.getLogger("sprint_runner")


def listen(loaded: Loaded, *, headless: bool = False) -> socket.socket:
    """Bind the listening socket. Called before the database is opened: a server without a port must not change
    anything.

    A port from the settings is the only one tried. Otherwise a server binds the next free one from the default on, and
    a headless run any free one. Raises `CannotStart`.
    """
    host, port = loaded.settings.host, loaded.settings.port
    named = loaded.sources["port"] != "default"
    return bind(host, port, [port] if named else [0] if headless else range(port, port + PORTS_TRIED))


def bind(host: str, port: int, candidates: Sequence[int]) -> socket.socket:
    """Bind the first of these ports that is free, of which `port` is the wanted one. Raises `CannotStart`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in candidates:
        try:
            # It sets SO_REUSEADDR, so a restart does not wait for connections in TIME_WAIT.
            listener = socket.create_server((host, candidate), family=family, backlog=1024)
        except OSError as error:
            failure = error
            if error.errno != errno.EADDRINUSE:
                break
        else:
            if candidate not in (0, port):
                log.warning("port %d is in use, so the server listens on port %d", port, candidate)
            return listener
    message = f"port {candidate} on {host} cannot be used ({failure.strerror}): choose another one with --port, or 0"
    raise CannotStart(message)


def until_signal() -> asyncio.Future[None]:
    """Return a future that is done at the first SIGINT, SIGTERM or SIGHUP; the second one ends the process immediately.

    A hangup that is ignored at the start, as under `nohup`, stays ignored.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    numbers = [signal.SIGINT, signal.SIGTERM, *([] if ignored else [signal.SIGHUP])]

    def end() -> None:
        if not ended.done():
            ended.set_result(None)
            for number in numbers:
                loop.remove_signal_handler(number)
                signal.signal(number, signal.SIG_DFL)

    for number in numbers:
        loop.add_signal_handler(number, end)
    return ended


def url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def open_browser(url: str) -> None:
    """Open the page in the browser if there is a screen, without waiting for the browser."""
    if _has_screen():
        asyncio.get_running_loop().run_in_executor(None, webbrowser.open, url)


def _has_screen() -> bool:
    """Whether there is a screen: without one, `webbrowser` would start a text browser in the terminal."""
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
