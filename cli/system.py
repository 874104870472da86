"""What a server takes from the system around it: a port, signals, a browser."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import webbrowser

from cli.errors import CannotStart
from settings import Settings


def listen(settings: Settings) -> socket.socket:
    """Bind, before the database is touched: a server that is refused its port must leave no trace.

    Raises `CannotStart`.
    """
    host, port = settings.host, settings.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        message = f"port {port} on {host} cannot be used ({error.strerror}): choose another one with --port, or 0"
        raise CannotStart(message) from None


def until_signal() -> asyncio.Future[None]:
    """Done at the first SIGINT or SIGTERM; the second one ends the process at once."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def end() -> None:
        if not ended.done():
            ended.set_result(None)
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
                signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    return ended


def url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def open_browser(url: str) -> None:
    """Show the page where there is a screen, without waiting for the browser."""
    if _has_screen():
        asyncio.get_running_loop().run_in_executor(None, webbrowser.open, url)


def _has_screen() -> bool:
    """Without one, `webbrowser` would start a text browser in this very terminal."""
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
