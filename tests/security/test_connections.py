"""Connections that never ask, ask slowly, or take no answer: real sockets, the limits patched low."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from security.connections import OTHER_FILES, Limits, limits_for
from tests.lines import Clock
from tests.security.conftest import MakeSite, SiteHarness

PATIENCE_S = 30.0
NEVER = 3600.0
BY_HAND = Limits(headers_s=15, response_s=60, sweep_s=NEVER)  # the test moves the clock and sweeps
OPEN = b"GET / HTTP/1.1\r\nHost: localhost\r\n"

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def line_to(site: SiteHarness) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def rest(line: Line) -> bytes:
    """What the server still says until it closes."""
    async with asyncio.timeout(PATIENCE_S):
        try:
            return await line[0].read()
        except ConnectionResetError:
            return b""


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)


async def answered(line: Line) -> bytes:
    """The head and body of one answer on a line that stays open."""
    async with asyncio.timeout(PATIENCE_S):
        head = await line[0].readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split()[0])
        return head + await line[0].readexactly(length)


async def test_a_request_that_drips_in_is_cut_off(make_site: MakeSite) -> None:
    """Slow loris: a byte now and then would hold the connection for ever."""
    clock = Clock()
    site = await make_site(limits=BY_HAND, clock=clock)
    async with line_to(site) as line:
        line[1].write(OPEN)
        await until(lambda: any(one.received for one in site.limiter.connections))
        for _ in range(int(BY_HAND.headers_s)):
            site.limiter.sweep()
            assert len(site.limiter.connections) == 1
            line[1].write(b"X")
            await line[1].drain()
            clock.now += 1
        site.limiter.sweep()
        await rest(line)
    assert site.calls == []
    await until(lambda: not site.limiter.connections)


async def test_a_slow_request_is_refused_with_the_reason(make_site: MakeSite) -> None:
    clock = Clock()
    site = await make_site(limits=BY_HAND, clock=clock)
    async with line_to(site) as line:
        line[1].write(OPEN)
        await until(lambda: any(one.received for one in site.limiter.connections))
        clock.now += BY_HAND.headers_s
        site.limiter.sweep()
        said = await rest(line)
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b"\r\nX-Content-Type-Options: nosniff\r\n" in said
    assert b'"code":"too_slow"' in said


async def test_who_says_nothing_is_let_go_without_a_word(make_site: MakeSite) -> None:
    """Browsers connect in advance, and take what comes then for the answer to their next request."""
    site = await make_site(limits=Limits(headers_s=0.2, sweep_s=0.05))
    async with line_to(site) as line:
        assert await rest(line) == b""


async def test_the_time_begins_anew_with_each_request(make_site: MakeSite) -> None:
    clock = Clock()
    site = await make_site(limits=BY_HAND, clock=clock)
    async with line_to(site) as line:
        for _ in range(3):
            line[1].write(OPEN)
            await until(lambda: any(one.received for one in site.limiter.connections))
            clock.now += BY_HAND.headers_s - 1
            site.limiter.sweep()
            line[1].write(b"\r\n")
            assert (await answered(line)).startswith(b"HTTP/1.1 200 ")
            clock.now += 1
        line[1].write(OPEN)  # and this one never ends
        await until(lambda: any(one.received for one in site.limiter.connections))
        clock.now += BY_HAND.headers_s
        site.limiter.sweep()
        assert (await rest(line)).startswith(b"HTTP/1.1 408 ")


async def test_an_idle_connection_is_closed_in_the_end(make_site: MakeSite) -> None:
    site = await make_site(limits=Limits(idle_s=0.3, sweep_s=0.05))
    async with line_to(site) as line:
        line[1].write(OPEN + b"\r\n")
        assert (await answered(line)).startswith(b"HTTP/1.1 200 ")
        assert await rest(line) == b""


async def test_an_answer_that_is_taken_slowly_is_given_all_the_same(make_site: MakeSite) -> None:
    clock = Clock()
    site = await make_site(limits=BY_HAND, clock=clock)
    async with line_to(site) as line:
        line[1].write(b"GET /slow HTTP/1.0\r\nHost: localhost\r\n\r\n")
        taken = 0
        async with asyncio.timeout(PATIENCE_S):
            while piece := await line[0].read(1 << 20):
                taken += len(piece)
                clock.now += 1
                site.limiter.sweep()
    assert taken > 64 << 20


async def test_who_takes_nothing_of_an_answer_is_cut_off(make_site: MakeSite) -> None:
    clock = Clock()
    site = await make_site(limits=BY_HAND, clock=clock)
    async with line_to(site) as line:
        line[1].transport.pause_reading()  # type: ignore[attr-defined]
        line[1].write(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await until(lambda: any(one.unsent()[0] for one in site.limiter.connections))

        def swept() -> bool:
            clock.now += BY_HAND.response_s
            site.limiter.sweep()
            return not site.limiter.connections

        await until(swept)
    assert site.limiter.expired == 1


async def test_who_goes_in_the_middle_of_an_answer_is_no_fault(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = await make_site()
    async with line_to(site) as line:
        line[1].write(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await line[0].readexactly(1000)
    await until(lambda: not site.limiter.connections)
    assert (await site.get(b"Host: localhost"))[0] == 200
    assert caplog.records == []


async def test_a_newcomer_takes_the_place_of_who_has_asked_for_nothing_for_longest(make_site: MakeSite) -> None:
    site = await make_site(limits=Limits(headers_s=NEVER, open_max=8))
    async with AsyncExitStack() as stack:
        idle = []
        for number in range(8):
            idle.append(await stack.enter_async_context(line_to(site)))
            await until(lambda number=number: len(site.limiter.connections) == number + 1)  # type: ignore[misc]
        for _ in range(20):
            assert (await site.get(b"Host: localhost"))[0] == 200
        assert await rest(idle[0]) == b""
        assert len(site.limiter.connections) <= 8


async def test_idle_connections_are_thinned_out_and_the_operator_gets_in(make_site: MakeSite) -> None:
    """A thousand that ask for nothing: few are kept, requests are answered all along."""
    site = await make_site(limits=Limits(headers_s=NEVER, open_max=1200, waiting_max=20, settled_s=0.2, sweep_s=0.05))
    async with AsyncExitStack() as stack:
        for _ in range(1000):
            await stack.enter_async_context(line_to(site))
        assert (await site.get(b"Host: localhost"))[0] == 200
        await until(lambda: len(site.limiter.connections) <= 20)
        assert (await site.get(b"Host: localhost"))[0] == 200
    await until(lambda: not site.limiter.connections)


async def test_where_every_place_is_taken_a_new_request_is_refused_for_now(make_site: MakeSite) -> None:
    site = await make_site(limits=Limits(response_s=NEVER, open_max=3))
    async with AsyncExitStack() as stack:
        for number in range(3):
            line = await stack.enter_async_context(line_to(site))
            line[1].transport.pause_reading()  # type: ignore[attr-defined]
            line[1].write(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
            busy = number + 1
            await until(lambda busy=busy: busy == sum(c.waiting_since is None for c in site.limiter.connections))  # type: ignore[misc]
        said = await rest(await stack.enter_async_context(line_to(site)))
        assert said.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nX-Frame-Options: DENY\r\n" in said
        assert site.limiter.refused == 1
    await until(lambda: not site.limiter.connections)
    assert (await site.get(b"Host: localhost"))[0] == 200


async def test_sockets_are_left_to_the_hub(make_site: MakeSite) -> None:
    site = await make_site(
        limits=Limits(headers_s=0.1, response_s=0.1, idle_s=0.1, sweep_s=0.02, waiting_max=0, settled_s=0.0)
    )
    async with line_to(site) as line:
        line[1].write(
            b"GET /ws/stays HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        async with asyncio.timeout(PATIENCE_S):
            assert (await line[0].readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
            await asyncio.sleep(0.5)  # five times each limit
            line[1].write(b"\x89\x80abcd")  # a ping, masked
            assert await line[0].readexactly(2) == b"\x8a\x00"


def test_the_limits_leave_room_for_all_pages_as_far_as_files_may_be_opened() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
        limits = limits_for(1000)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(1512 + OTHER_FILES, hard)
        assert limits.open_max == min(1512, hard - OTHER_FILES)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
