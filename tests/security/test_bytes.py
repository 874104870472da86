"""Requests as no client would send them, byte for byte, on HTTP and on `/ws`: answered as the protocol says, never
with a 500, never with a traceback, and the server continues."""

from __future__ import annotations

import logging

import pytest

from tests.security.conftest import SiteHarness

OWN = b"Host: localhost:PORT\r\n"
UPGRADE = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)

# The bytes between the method and the end of the headers, and the status of the response.
HEADS: dict[str, tuple[bytes, int]] = {
    "two hosts": (b" HTTP/1.1\r\n" + OWN + b"Host: evil.example\r\n", 400),
    "two equal hosts": (b" HTTP/1.1\r\n" + OWN + OWN, 400),
    "host folded": (b" HTTP/1.1\r\nHost:\r\n localhost:PORT\r\n", 400),
    "host with a space before the colon": (b" HTTP/1.1\r\nHost : localhost:PORT\r\n", 400),
    "host with a tab inside": (b" HTTP/1.1\r\nHost: local\thost\r\n", 400),
    "host with a zero": (b" HTTP/1.1\r\nHost: localhost\x00evil.example\r\n", 400),
    "host with a bare return": (b" HTTP/1.1\r\nHost: localhost\revil.example\r\n", 400),
    "host with user": (b" HTTP/1.1\r\nHost: evil.example@localhost\r\n", 400),
    "host with password": (b" HTTP/1.1\r\nHost: localhost:PORT@evil.example\r\n", 400),
    "host with a trailing dot": (b" HTTP/1.1\r\nHost: localhost.:PORT\r\n", 403),
    "host in punycode": (b" HTTP/1.1\r\nHost: xn--lcalhost-n4a:PORT\r\n", 403),
    "host in UTF-8": (b" HTTP/1.1\r\nHost: loc\xc3\xa4lhost\r\n", 400),
    "host in full width": (b" HTTP/1.1\r\nHost: \xef\xbd\x8cocalhost\r\n", 400),
    "host in upper case": (b" HTTP/1.1\r\nHOST: LOCALHOST:PORT\r\n", 200),
    "host with leading zeros": (b" HTTP/1.1\r\nHost: 127.0.0.01:PORT\r\n", 403),
    "host in octal": (b" HTTP/1.1\r\nHost: 0177.0.0.1\r\n", 403),
    "host of 8 KiB": (b" HTTP/1.1\r\nHost: " + b"a" * 8192 + b"\r\n", 400),
    "host of 64 KiB": (b" HTTP/1.1\r\nHost: " + b"a" * 65536 + b"\r\n", 400),
    "IPv6 in brackets": (b" HTTP/1.1\r\nHost: [::1]:PORT\r\n", 200),
    "IPv6 in full": (b" HTTP/1.1\r\nHost: [0000:0000:0000:0000:0000:0000:0000:0001]\r\n", 403),
    "IPv6 mapped": (b" HTTP/1.1\r\nHost: [::ffff:7f00:1]\r\n", 403),
    "IPv6 with a zone": (b" HTTP/1.1\r\nHost: [::1%25lo]\r\n", 400),
    "IPv6 without brackets": (b" HTTP/1.1\r\nHost: ::1\r\n", 400),
    "IPvFuture": (b" HTTP/1.1\r\nHost: [v1.x]\r\n", 400),
    "a port of nothing": (b" HTTP/1.1\r\nHost: localhost:\r\n", 400),
    "a port with a sign": (b" HTTP/1.1\r\nHost: localhost:+80\r\n", 400),
    "a port in Arabic digits": (b" HTTP/1.1\r\nHost: localhost:\xd9\xa1\r\n", 400),
    "no host": (b" HTTP/1.1\r\n", 400),
    "no host, HTTP/1.0": (b" HTTP/1.0\r\n", 400),
    "origin twice": (b" HTTP/1.1\r\n" + OWN + b"Origin: http://localhost:PORT\r\nOrigin: null\r\n", 400),
    "origin null": (b" HTTP/1.1\r\n" + OWN + b"Origin: null\r\n", 403),
    "origin in upper case": (b" HTTP/1.1\r\n" + OWN + b"Origin: HTTP://LOCALHOST:PORT\r\n", 200),
    "origin with a trailing dot": (b" HTTP/1.1\r\n" + OWN + b"Origin: http://localhost.:PORT\r\n", 403),
    "origin with user": (b" HTTP/1.1\r\n" + OWN + b"Origin: http://localhost:PORT@evil.example\r\n", 400),
    "origin in punycode": (b" HTTP/1.1\r\n" + OWN + b"Origin: http://xn--lcalhost-n4a:PORT\r\n", 403),
    "origin with a path": (b" HTTP/1.1\r\n" + OWN + b"Origin: http://localhost:PORT/\r\n", 400),
    "origin of another port": (b" HTTP/1.1\r\n" + OWN + b"Origin: http://localhost:1\r\n", 403),
    "origin of no port": (b" HTTP/1.1\r\n" + OWN + b"Origin: http://localhost\r\n", 403),
    "origin of a huge port": (b" HTTP/1.1\r\n" + OWN + b"Origin: http://localhost:" + b"9" * 400 + b"\r\n", 403),
    "origin empty": (b" HTTP/1.1\r\n" + OWN + b"Origin:\r\n", 400),
    "origin of bytes": (b" HTTP/1.1\r\n" + OWN + b"Origin: \xff\xfe\xfd\r\n", 400),
    "origin of 9 KiB": (b" HTTP/1.1\r\n" + OWN + b"Origin: http://" + b"a" * 9000 + b"\r\n", 400),
    "origin list": (b" HTTP/1.1\r\n" + OWN + b"Origin: http://localhost:PORT, null\r\n", 400),
    "an image elsewhere": (
        b" HTTP/1.1\r\n" + OWN + b"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n",
        403,
    ),
    "a script on another port": (b" HTTP/1.1\r\n" + OWN + b"Sec-Fetch-Site: same-site\r\n", 403),
    "a frame elsewhere": (
        b" HTTP/1.1\r\n"
        + OWN
        + b"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n",
        403,
    ),
    "a link elsewhere": (
        b" HTTP/1.1\r\n"
        + OWN
        + b"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n",
        200,
    ),
    "129 headers": (b" HTTP/1.1\r\n" + OWN + b"".join(b"X-%d: y\r\n" % n for n in range(200)), 400),
    "a header of 9 KiB": (b" HTTP/1.1\r\n" + OWN + b"X: " + b"a" * 9000 + b"\r\n", 400),
    "a header without a name": (b" HTTP/1.1\r\n" + OWN + b": x\r\n", 400),
    "two lengths": (b" HTTP/1.1\r\n" + OWN + b"Content-Length: 0\r\nContent-Length: 5\r\n", 400),
    "a negative length": (b" HTTP/1.1\r\n" + OWN + b"Content-Length: -1\r\n", 400),
    "a length and chunks": (b" HTTP/1.1\r\n" + OWN + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
    "an expectation of bytes": (b" HTTP/1.1\r\n" + OWN + b"Expect: \xff\xfe\r\n", 200),
    "an unknown expectation, foreign host": (b" HTTP/1.1\r\nHost: evil.example\r\nExpect: x\r\n", 403),
    "an unknown version": (b" HTTP/9.9\r\n" + OWN, 400),
}
TARGETS: dict[bytes, int] = {
    b"/": 200,
    b"http://localhost:PORT/": 200,
    b"HTTP://LOCALHOST:PORT/": 200,
    b"http://evil.example/": 400,
    b"http://localhost/": 400,
    b"http://localhost:PORT@evil.example/": 400,
    b"http://": 400,
    b"http://[::1/": 400,
    b"ftp://localhost:PORT/": 400,
    b"//evil.example/": 200,
    b"/..%2f..%2fetc/passwd": 200,
    b"/%00": 200,
    b"/\xff\xfe": 400,
    b"/%ff%fe": 200,
    b"/%": 200,
    b"/%zz": 200,
    b"evil.example:80": 400,
    b"*": 400,
    b"x": 400,
    b"/" + b"a" * 9000: 400,
    b"/a b": 400,
}


def port(data: bytes, site: SiteHarness) -> bytes:
    return data.replace(b"PORT", str(site.port).encode())


@pytest.mark.parametrize("socket", [False, True], ids=["http", "ws"])
@pytest.mark.parametrize(("head", "status"), HEADS.values(), ids=HEADS)
async def test_heads(
    site: SiteHarness, head: bytes, status: int, socket: bool, caplog: pytest.LogCaptureFixture
) -> None:
    target, more = (b"/ws", UPGRADE) if socket else (b"/", b"Connection: close\r\n")
    if socket and status == 200:
        status = 101 if b" HTTP/1.1" in head else 400
    lines = port(b"GET " + target + head + more + b"\r\n", site)
    answered = await (site.begin(lines) if status == 101 else site.exchange(lines))
    assert answered.startswith("HTTP/1."), answered
    assert int(answered.split()[1]) == status, answered
    assert (site.calls == []) == (status not in (200, 101))
    await still_well(site, caplog)


@pytest.mark.parametrize(
    ("target", "status"), TARGETS.items(), ids=[target[:40].decode("latin-1") for target in TARGETS]
)
@pytest.mark.parametrize("method", [b"GET", b"OPTIONS", b"CONNECT", b"get", b"\x80", b"G" * 300])
async def test_targets(
    site: SiteHarness, method: bytes, target: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    answered = await site.exchange(
        port(method + b" " + target + b" HTTP/1.1\r\n" + OWN + b"Connection: close\r\n\r\n", site)
    )
    found = int(answered.split()[1])
    assert found == status if method == b"GET" else found in (200, 400, 404, 415), answered
    await still_well(site, caplog)


NO_REQUESTS = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"\x00" * 100 + b"\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET /\r\n\r\n",
    b" GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1 x\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\xff\xfe\xfd\r\n\r\n",
    b"A" * 20_000 + b"\r\n\r\n",
    b'{"json": true}\r\n\r\n',
]


@pytest.mark.parametrize("data", NO_REQUESTS)
async def test_what_is_no_request(site: SiteHarness, data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    answered = await site.exchange(data + b"\r\n\r\n")
    assert answered.startswith("HTTP/"), answered
    assert answered.split()[1] == "400"
    await still_well(site, caplog)


@pytest.mark.parametrize(
    "chunks", [b"zz\r\n", b"-1\r\n", b"ffffffffffffffffffff\r\n", b"5\r\nabc\r\n0\r\n\r\n", b"5;" + b"x" * 9000]
)
async def test_bodies_that_are_no_chunks(site: SiteHarness, chunks: bytes, caplog: pytest.LogCaptureFixture) -> None:
    head = port(
        b"POST / HTTP/1.1\r\n" + OWN + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n", site
    )
    answered = await site.exchange(head + b"Connection: close\r\n\r\n" + chunks + b"\r\n\r\n")
    assert answered.split()[1] in ("200", "400")
    await still_well(site, caplog)


async def still_well(site: SiteHarness, caplog: pytest.LogCaptureFixture) -> None:
    """The next request is answered, and nothing went wrong loudly."""
    assert [record for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info] == []
    assert (await site.get(b"Host: localhost"))[0] == 200
