"""Requests and WebSocket frames that no client would send, made of the server's own OpenAPI document and a seed."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

METHODS: Final = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "X" * 50)
TEXTS: Final = (
    *(
        "",
        " ",
        "0",
        "-1",
        "1",
        "1e9",
        "9" * 40,
        "٣",
        "null",
        "true",
        "all",
        "now",
        "graceful",
        "done",
        "backlog",
        "work",
    ),
    *(
        "\x00",
        "a\x00b",
        "\ud800",
        "\udfff\ud800",
        "\x1b[31m",
        "\r\nX: y",
        "%",
        "%s%n",
        "{{}}",
        "${x}",
        "';--",
        '"',
        "\\",
    ),
    *("../../etc/passwd", "/etc/passwd", "..%2f..%2f", "~root", "-rf", "--exec=x", "file:///etc/passwd", "CON", "."),
    *("<script>alert(1)</script>", "javascript:1", "x" * 5000, "é", "\u202e", "\ufeff", "🔥" * 50, "1-1-a", "epic-1"),
)
NUMBERS: Final = (0, 1, -1, 2, 1000, 1001, 2**31, 2**53, 2**63, 2**64, 10**400, 0.5, -0.0, 1e308, 1e-320)
RAW_BODIES: Final = (
    *(b"", b" ", b"[]", b"null", b"7", b'"x"', b"{", b"}", b"\xff\xfe", b"\xef\xbb\xbf{}", b"{}{}", b"{'a': 1}"),
    *(b"[" * 50_000, b'{"a":' * 20_000, b'{"batch_size": NaN}', b'{"batch_size": Infinity}', b'{"a": "\\ud800"}'),
    *(b'{"a": 1, "a": 2}', b'{"\\u0000": 1}', b'{"stories": [' + b'"x",' * 5000 + b'"x"]}', b"a=1&b=2", b"\x00" * 1000),
    *(b'{"budget_usd": 1e999}', b'{"batch_size": ' + b"9" * 5000 + b"}", b" " * 2_000_000),
)
TYPES: Final = (
    *("application/json",) * 12,
    *("application/json; charset=utf-16", "text/plain", "multipart/form-data", "application/x-www-form-urlencoded"),
    *("", "a/b/c", "application/json\x00", "text/html; charset=nonsense", "\xff"),
)
HEADERS: Final = (
    *("Range: bytes=0-1", "If-None-Match: *", "If-Modified-Since: x", "Accept: application/x-ndjson", "Accept: \xff"),
    *(
        "Accept-Encoding: gzip;q=x",
        "Accept-Encoding: " + "gzip," * 500,
        "Cookie: a=b; c",
        'Cookie: "',
        "Expect: 100-continue",
    ),
    *("Expect: nothing", "Transfer-Encoding: gzip", "Content-Encoding: gzip", "Content-Encoding: br", "Upgrade: h2c"),
    *("X-HTTP-Method-Override: DELETE", "Forwarded: for=x", "Authorization: Bearer x", "Authorization: \xff", "TE: x"),
    *(
        "Content-Length: 5",
        "Content-Length: x",
        "Sec-Fetch-Site: cross-site",
        "X: " + "y" * 3000,
        "Origin: null",
        "Host: x",
    ),
)

Maker = Callable[[random.Random], Any]


class Requests:
    """Makes requests to a server with this document; `keys` are stories that it has."""

    def __init__(self, document: Mapping[str, Any], keys: list[str], port: int, seed: int) -> None:
        self._rng = random.Random(seed)
        self._operations = [
            (method.upper(), path, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        ]
        self._schemas = document["components"]["schemas"]
        self._keys = keys
        self._host = f"127.0.0.1:{port}"

    def request(self) -> tuple[bytes, bool]:
        """One request, on a connection of its own, and whether it is whole: one with wrong bytes may never end."""
        rng = self._rng
        method, path, operation = rng.choice(self._operations)
        body = self._body(operation)
        method, whole = rng.choice(METHODS) if rng.random() < 0.1 else method, True
        lines = [f"{method} {self._path(path)}{self._query(operation)} HTTP/1.1", f"Host: {self._host}"]
        if body or method in ("POST", "PUT"):
            lines += [f"Content-Type: {rng.choice(TYPES)}", f"Content-Length: {len(body)}"]
        if rng.random() < 0.3:
            lines += (more := rng.sample(HEADERS, rng.randint(1, 3)))
            whole = not any(line.startswith(("Transfer-Encoding", "Content-Length", "Expect")) for line in more)
        head = "\r\n".join([*lines, "Connection: close", "", ""]).encode("utf-8", "surrogatepass")
        data, whole = (
            head + body,
            whole and len(body) < 1 << 20,
        )  # of an answer to more, a reset may be all that arrives
        if rng.random() > 0.1:
            return data, whole
        place = rng.randrange(len(data))
        return data[:place] + rng.randbytes(rng.randint(1, 4)) + data[place + rng.randint(0, 4) :], False

    def _text(self) -> str:
        return self._rng.choice(TEXTS)

    def _path(self, path: str) -> str:
        rng = self._rng
        for name, good in (
            ("{key}", rng.choice(self._keys)),
            ("{id}", "1"),
            ("{name}", "app.js"),
            ("{path}", "shell/app.js"),
        ):
            if name in path:
                path = path.replace(name, good if rng.random() < 0.5 else self._coded(self._text()))
        if rng.random() < 0.05:
            path += rng.choice(("/", "//", "/..", "%00", "%2e%2e", "?", "#x", ";a=b", "%ff", "\\"))
        return path

    def _coded(self, text: str) -> str:
        """As a client writes it, or raw but for what would end the line."""
        if self._rng.random() < 0.8:
            return quote(text.encode("utf-8", "surrogatepass"), safe="")
        return text.replace(" ", "+").replace("\r", "").replace("\n", "")

    def _query(self, operation: Mapping[str, Any]) -> str:
        rng = self._rng
        names = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"]
        chosen = [name for name in [*names, self._text()] if rng.random() < 0.5]
        pairs = [f"{self._coded(name)}={self._coded(self._text())}" for name in chosen]
        return "?" + rng.choice("&&&;").join(pairs) if pairs else ""

    def _body(self, operation: Mapping[str, Any]) -> bytes:
        rng = self._rng
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            return rng.choice(RAW_BODIES) if rng.random() < 0.05 else b""
        if rng.random() < 0.3:
            return rng.choice(RAW_BODIES)
        text = json.dumps(self._value(content["schema"], 0))
        return text.encode()

    def _value(self, schema: Mapping[str, Any], depth: int) -> Any:
        """A value like the schema's, or of any other kind."""
        rng = self._rng
        if depth > 6 or rng.random() < 0.3:
            return self._odd(depth)
        if "$ref" in schema:
            schema = self._schemas[schema["$ref"].rpartition("/")[2]]
        if "anyOf" in schema:
            return self._value(rng.choice(schema["anyOf"]), depth + 1)
        if "enum" in schema:
            return rng.choice(schema["enum"])
        made: dict[str, Maker] = {
            "object": lambda rng: self._object(schema, depth),
            "array": lambda rng: [self._value(schema.get("items", {}), depth + 1) for _ in range(rng.randint(0, 3))],
            "integer": lambda rng: rng.choice(NUMBERS[:10]),
            "number": lambda rng: rng.choice(NUMBERS),
            "string": lambda rng: rng.choice([*TEXTS, *self._keys]),
            "boolean": lambda rng: rng.random() < 0.5,
        }
        make = made.get(str(schema.get("type")))
        return self._odd(depth) if make is None else make(rng)

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        rng = self._rng
        fields = {name: self._value(kind, depth + 1) for name, kind in schema.get("properties", {}).items()}
        kept = {name: value for name, value in fields.items() if rng.random() < 0.8}
        return {**kept, self._text(): self._odd(depth + 1)} if rng.random() < 0.2 else kept

    def _odd(self, depth: int) -> Any:
        rng = self._rng
        kinds: tuple[Callable[[], Any], ...] = (
            self._text,
            lambda: rng.choice(NUMBERS),
            lambda: None,
            lambda: rng.random() < 0.5,
            lambda: [self._odd(depth + 1) for _ in range(rng.randint(0, 3))] if depth < 6 else [],
            lambda: {self._text(): self._odd(depth + 1)} if depth < 6 else {},
        )
        return rng.choice(kinds)()

    # -- /ws -------------------------------------------------------------------------------------------------------

    def handshake(self) -> bytes:
        rng = self._rng
        query = self._query({"parameters": [{"in": "query", "name": name} for name in ("since", "epoch")]})
        key = rng.choice(("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ==", "x"))
        lines = [
            f"GET /ws{query} HTTP/1.1",
            *(f"Host: {self._host}", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {key}"),
            f"Sec-WebSocket-Version: {rng.choice((13, 13, 13, 8, 99))}",
            *rng.sample(
                ("Sec-WebSocket-Extensions: permessage-deflate; x", "Sec-WebSocket-Protocol: a, b"), rng.randint(0, 2)
            ),
        ]
        return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogatepass")

    def frames(self) -> bytes:
        """What a client says: JSON of any shape, and frames that break every rule."""
        return b"".join(self._frame() for _ in range(self._rng.randint(0, 6)))

    def _frame(self) -> bytes:
        rng = self._rng
        text = json.dumps(rng.choice(({"type": "ping"}, {"type": self._text()}, self._odd(0)))).encode()
        data = rng.choice((text, text, b"\xff\xfe", b"[" * 15_000, b"x" * 20_000, rng.randbytes(200), b""))
        first = rng.choice(
            (0x81, 0x81, 0x81, 0x82, 0x01, 0x00, 0x80, 0x88, 0x89, 0x8A, 0x8B, 0xC1, 0xF1, rng.randrange(256))
        )
        size = len(data) if rng.random() < 0.9 else rng.choice((0, 2**31, 2**63, 2**64 - 1))
        masked = 0x80 if rng.random() < 0.9 else 0
        head = (
            struct.pack("!BB", first, masked | size) if size < 126 else struct.pack("!BBQ", first, masked | 127, size)
        )
        mask = rng.randbytes(4) if masked else b""
        body = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data)) if mask else data
        return head + mask + body
