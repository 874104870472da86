from __future__ import annotations

import json

import pytest

from agents.error_text import plain

NESTED = json.dumps({"error": {"message": json.dumps({"error": {"code": 404, "message": "no such thing"}}), "code": 4}})


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ('{"error": {"message": "Too long.", "type": "invalid_request_error"}}', "Too long."),
        ('[API Error: {"error":{"code":400,"message":"API key not valid."}}]', "API key not valid."),
        ("[API Error: 401 Incorrect API key provided: k.]", "401 Incorrect API key provided: k."),
        (NESTED, "no such thing"),
        ('unexpected status 500: {"message": "broken"}', "unexpected status 500: broken"),
        ('{"error": "in words"}', "in words"),
        ("plain words", "plain words"),
        ('{"error": {}}', '{"error": {}}'),
        ("{not JSON", "{not JSON"),
        ("[" * 5, "[" * 5),
        ("{" * 20_000, "{" * 16_000),
        ("", ""),
    ],
)
def test_the_sentence_is_found(printed: str, said: str) -> None:
    assert plain(printed) == said
