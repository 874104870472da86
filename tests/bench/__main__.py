"""`python -m tests.bench`: measures and prints tables; docs/performance.md reads them."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from typing import Final

import aiohttp

from tests.bench import (
    board,
    brief,
    burst,
    delivery,
    endtoend,
    fleet,
    forecast,
    guardian,
    install,
    masking,
    memory,
    messages,
    overhead,
    page,
    project,
    recordings,
    search,
    stream,
    workers,
)

PARTS: Final = (
    "delivery",
    "burst",
    "endtoend",
    "memory",
    "project",
    "page",
    "board",
    "brief",
    "install",
    "masking",
    "recordings",
    "guardian",
    "overhead",
    "forecast",
    "messages",
    "search",
    "stream",
    "fleet",
    "workers",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("parts", nargs="*", help=f"which parts, default all: {', '.join(PARTS)}")
    parser.add_argument("--seconds", type=float, default=6.0, help="how long each steady measurement lasts")
    parser.add_argument("--rounds", type=int, default=15, help="how often each burst is repeated")
    parser.add_argument("--soak-minutes", type=float, default=0.5, help="how long the soak lasts")
    options = parser.parse_args()
    runs: dict[str, Callable[[], Awaitable[None]]] = {
        "delivery": lambda: delivery.run(options.seconds),
        "burst": lambda: burst.run(options.rounds),
        "endtoend": lambda: endtoend.run(options.seconds),
        "memory": lambda: memory.run(options.soak_minutes),
        "forecast": forecast.run,
        "fleet": lambda: fleet.run(options.seconds),
        "messages": messages.run,
        "project": project.run,
        "page": page.run,
        "board": board.run,
        "brief": brief.run,
        "guardian": guardian.run,
        "overhead": overhead.run,
        "install": install.run,
        "masking": masking.run,
        "recordings": recordings.run,
        "search": search.run,
        "stream": lambda: stream.run(options.seconds),
        "workers": workers.run,
    }
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    sys.stdout.write(_machine())
    for part in options.parts or PARTS:
        asyncio.run(_run(runs[part]))


async def _run(part: Callable[[], Awaitable[None]]) -> None:
    await part()


def _machine() -> str:
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release().split('-')[0]}, "
        f"load {os.getloadavg()[0]:.1f}; Python {platform.python_version()}, aiohttp {aiohttp.__version__}, "
        f"SQLite {sqlite3.sqlite_version}\n"
    )


if __name__ == "__main__":
    main()
