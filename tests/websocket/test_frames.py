"""Frames as RFC 6455 wants them, and the one message that is answered."""

from __future__ import annotations

import json

import pytest

from tests.lines import frames
from websocket.frames import CLOSE, PING, TEXT, frame, init, init_payload, is_ping, resumed


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 200_000])
def test_a_frame_is_read_back_at_every_length(size: int) -> None:
    data = b"x" * size
    assert list(frames(frame(data) + frame(data, PING))) == [(TEXT, data), (PING, data)]


def test_the_shortest_frames_are_those_of_the_standard() -> None:
    assert frame(b"Hello") == bytes.fromhex("810548656c6c6f")  # RFC 6455 section 5.7
    assert frame(b"", CLOSE) == b"\x88\x00"


def test_the_greetings_are_those_of_the_protocol() -> None:
    received = list(
        frames(init(init_payload(b"null", b'{"seq":7}', 7, 'e"1', b'{"state":"idle"}'), 1706112000000) + resumed(8, 9))
    )
    assert [json.loads(data) for _, data in received] == [
        {
            "type": "init",
            "now": 1706112000000,
            "payload": {
                "batch": None,
                "events": [{"seq": 7}],
                "seq": 7,
                "epoch": 'e"1',
                "recovered": False,
                "run": {"state": "idle"},
            },
        },
        {"type": "resumed", "payload": {"from": 8, "to": 9}},
    ]


def test_the_greetings_have_the_version_of_the_page() -> None:
    greetings = init(init_payload(b"null", b"", 7, "e", b"{}", "v1"), 1) + resumed(8, 9, "v1")
    assert [json.loads(data)["payload"]["page"] for _, data in frames(greetings)] == ["v1", "v1"]


@pytest.mark.parametrize("message", ['{"type":"ping"}', ' {"id": [1, {}], "type" : "ping"} '])
def test_pings(message: str) -> None:
    assert is_ping(message)


@pytest.mark.parametrize(
    "message",
    [
        "", "null", "17", "1e999", "[]", '["ping"]', '"ping"', "{}", '{"type":"pong"}', '{"type":["ping"]}',
        '{"type":null}', '{"type":"ping"', '{"type":"ping"}}', "[" * 16_000, '{"a":' * 3_000, '{"type":' * 2_000,
        '{"x":' + "[" * 15_000, "\ud800", "\x00", "NaN",
    ],
)  # fmt: skip
def test_anything_else_is_no_ping_and_raises_nothing(message: str) -> None:
    assert not is_ping(message)
