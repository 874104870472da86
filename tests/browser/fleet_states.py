"""The fleet's page over runners in every state, without any runner: `python -m tests.browser.fleet_states COUNT`.

Prints the address of the page, and serves until its standard input ends. With "reader" behind the count the page is one
that changes nothing: open it with the token `READER`.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from typing import Final

import msgspec
from aiohttp import web

from fleet.server import FleetConfig, build_app
from fleet.source import (
    Listed,
    Lost,
    News,
    Removed,
    RunnerId,
    RunnerInfo,
    RunnerRequest,
    RunnerResponse,
    Snapshot,
    SourceProblem,
    Unreachable,
)
from runstate.server_state import Budgets, ProjectView, ServerState, StoryCounts
from runstate.views import AttentionView, BatchView, FoldedRun, OperationView, QuotaView, run_view
from security.grants import Role
from settings import LOOPBACK

TOKEN: Final = "the-token-of-the-fleet-1"
READER: Final = "the-token-of-its-readers"
NOW: Final = int(time.time() * 1000)
LATER: Final = NOW + 3 * 3_600_000
QUESTION: Final = "Which timezone do dates without one mean?"
LONG: Final = "a-" * 30 + "monorepo with a name that no header has room for"
PROBLEM: Final = (
    "Runners of other machines are not reached: the NATS server at nats://hub.example.org:4222 cannot be reached."
)


def operation(number: int, key: str, command: str) -> OperationView:
    started = NOW - 95_000 * number
    return OperationView(number, key, (key,), command, "implement", 1, "claude", None, False, started, started)


def folds() -> list[FoldedRun]:
    """The states that a row can show, the most frequent first."""
    batch = BatchView(1, "running", "all", 1, NOW - 600_000, agent="claude")
    over = msgspec.structs.replace(batch, status="completed", ended_at=NOW - 60_000)
    failed = msgspec.structs.replace(over, status="error", reason="the disk is full")
    asked = AttentionView("question", QUESTION, "1-2-b", NOW, 1, options=("UTC", "The observer's own"))
    broken = AttentionView("breaker", "1-1 and 1-2 failed for the same reason: no license", None, NOW)
    quota = (QuotaView("claude", "5 h", 0.83, LATER, NOW), QuotaView("claude", "week", 0.31, LATER, NOW))
    both = (operation(1, "1-2-correct-a-sighting", "dev-story"), operation(2, "1-3-x", "code-review"))
    return [
        FoldedRun(state="running", batch=batch, operations=both, quota=quota),
        FoldedRun(state="paused", reason="question", batch=batch, attention=(asked,), quota=quota[1:]),
        FoldedRun(),
        FoldedRun(batch=over),
        FoldedRun(state="paused", reason="breaker", batch=batch, attention=(broken,)),
        FoldedRun(state="waiting", reason="usage-limit", until=LATER, batch=batch, quota=quota),
        FoldedRun(batch=failed),
    ]


class States:
    """A source of so many runners; those after the first of each seven are not reached in turn."""

    name = "stream"

    def __init__(self, count: int) -> None:
        self._count = count

    async def news(self) -> AsyncIterator[News]:
        if self._count == 20:
            yield SourceProblem("stream", PROBLEM)
        for number in range(self._count):
            for news in self._of(number):
                yield news
        await asyncio.Event().wait()
        yield Removed(RunnerId("stream", "none"))

    def _of(self, number: int) -> list[News]:
        kinds = folds()
        id, fold = RunnerId("stream", f"r{number}"), kinds[number % len(kinds)]
        name = LONG if number == 8 else f"فرقة {number}" if number == 9 else f"Project {number:02}"
        info = RunnerInfo(project=name, machine=f"laptop-{number % 3}", folder=f"/home/ada/wörk/{name}", branch="main")
        facts = ServerState(
            limits=Budgets(today_usd=1.37 * number),
            project=ProjectView(name=name),
            plan=StoryCounts(done=3 * number % 38, total=38, blocked=number % 4 // 3, runnable=5),
        )
        run = msgspec.json.encode(run_view(fold, facts, fold.state))
        lost = Lost(id, "Nothing is heard of it.")
        if number % 7 == 6:  # never heard
            return [Listed(id, info), lost]
        return [Listed(id, info), Snapshot(id, "e", fold.seq, run, NOW), *([lost] if number % 7 == 2 else [])]

    def resync(self, runner: RunnerId) -> None:
        raise AssertionError("nothing is missing")

    async def request(self, runner: RunnerId, request: RunnerRequest) -> RunnerResponse:
        raise Unreachable("It is painted.")

    async def messages(self, runner: RunnerId, query: str, role: Role) -> AsyncIterator[bytes]:
        raise Unreachable("It is painted.")
        yield b""


async def main(count: int, *, tokens: bool) -> None:
    given = (TOKEN, READER) if tokens else (None, None)
    config = FleetConfig(hosts=LOOPBACK, token=given[0], reader_token=given[1], secret=b"s" * 32)
    runner = web.AppRunner(build_app(config, [States(count)]), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sys.stdout.write(f"http://127.0.0.1:{runner.addresses[0][1]}/\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), tokens="reader" in sys.argv))
