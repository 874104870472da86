"""What `--include-partial-messages` adds to the stream: each reply as it grows, as raw events of the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from demo.tokens import Tokens, message_usage

PIECE = 40  # characters of a delta
Event = dict[str, Any]


def started(message_id: str, model: str, tokens: Tokens) -> Event:
    """The first event of a reply: its output has only just begun."""
    begun = Tokens(tokens.input, 1, tokens.cache_read, tokens.cache_write)
    message: Event = {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": message_usage(begun),
    }
    return {"type": "message_start", "message": message}


def growing(index: int, block: Event) -> Iterator[Event]:
    """A block from its start to its last piece; its end comes after the whole block's own line."""
    kind, text, empty = _parts(block)
    yield {"type": "content_block_start", "index": index, "content_block": empty}
    for at in range(0, len(text), PIECE):
        delta = {"type": f"{kind}_delta", _delta_key(kind): text[at : at + PIECE]}
        yield {"type": "content_block_delta", "index": index, "delta": delta}


def _parts(block: Event) -> tuple[str, str, Event]:
    if block["type"] == "tool_use":
        return "input_json", json.dumps(block["input"]), {**block, "input": {}}
    kind = str(block["type"])
    return kind, block[kind], {**block, kind: ""}


def _delta_key(kind: str) -> str:
    return "partial_json" if kind == "input_json" else kind


def stopped(index: int) -> Event:
    return {"type": "content_block_stop", "index": index}


def ended(tokens: Tokens, stop_reason: str) -> Iterator[Event]:
    """The end of a reply, with all of its tokens."""
    delta = {"stop_reason": stop_reason, "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": message_usage(tokens)}
    yield {"type": "message_stop"}
