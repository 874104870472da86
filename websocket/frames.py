"""WebSocket frames as bytes (RFC 6455 section 5.2): all messages of the server, and the parser of a client's ping.

The server's frames are unmasked, unfragmented and uncompressed, so a frame is built once and sent to every client.
"""

from __future__ import annotations

from typing import Final

import msgspec

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA  # opcodes
MESSAGE_MAX: Final = 16 * 1024  # bytes of a client's message; more closes with 1009

GOING_AWAY: Final = 1001
FAILED: Final = 1011  # section 7.4.1: the server cannot fulfil the request
REVOKED: Final = 4401  # the access was revoked: do not reconnect
TOO_SLOW: Final = 4408  # reconnect with `since`
TOO_MANY: Final = 4429


def frame(data: bytes, opcode: int = TEXT) -> bytes:
    """Return one unmasked, unfragmented frame."""
    size = len(data)
    if size < 126:
        return bytes((0x80 | opcode, size)) + data
    if size < 1 << 16:
        return bytes((0x80 | opcode, 126)) + size.to_bytes(2) + data
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8) + data


def init_payload(batch: bytes, events: bytes, seq: int, epoch: str, run: bytes, page: str = "") -> bytes:
    """Return the payload of `init`. `batch` and `run` are JSON, `events` envelopes separated by commas.

    `page` is the version of the page that the server has, by which an older one knows that it is older.
    """
    head = b'"batch":%b,"events":[%b],"seq":%d,"epoch":%b' % (batch, events, seq, msgspec.json.encode(epoch))
    return b'{%b,"recovered":false,"run":%b%b}' % (head, run, _page(page))


def init_text(payload: bytes, now: int) -> bytes:
    """Return the message `init`; `now` is the server's time in ms since the epoch."""
    return b'{"type":"init","now":%d,"payload":%b}' % (now, payload)


def init(payload: bytes, now: int) -> bytes:
    """Return the frame of `init`."""
    return frame(init_text(payload, now))


def resumed_text(first: int, last: int, page: str = "") -> bytes:
    """Return the message that precedes the events that a client has missed; `page` as in `init_payload`."""
    return b'{"type":"resumed","payload":{"from":%d,"to":%d%b}}' % (first, last, _page(page))


def resumed(first: int, last: int, page: str = "") -> bytes:
    """Return the frame of `resumed`."""
    return frame(resumed_text(first, last, page))


def _page(version: str) -> bytes:
    """Return the last key of a first message; a hub that has no page has none."""
    return b',"page":%b' % msgspec.json.encode(version) if version else b""


def tick(seq: int, problem: str | None, now: int, revision: int = 0) -> bytes:
    """Return the frame with the position of the log and the server's time in ms since the epoch.

    `revision` is another number when the state has changed in a part that no event carries; `problem` is the reason why
    no event can be stored, which therefore no event can report.
    """
    suffix = b"" if problem is None else b',"problem":%b' % msgspec.json.encode(problem)
    return frame(b'{"type":"tick","seq":%d,"now":%d,"revision":%d%b}' % (seq, now, revision, suffix))


class _ClientMessage(msgspec.Struct):
    type: str


_decoder: Final = msgspec.json.Decoder(_ClientMessage)
PONG_MESSAGE: Final = frame(b'{"type":"pong"}')


def is_ping(message: str) -> bool:
    """Whether a client's text message is `{"type": "ping"}`; never raises."""
    try:
        return _decoder.decode(message).type == "ping"
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return False
