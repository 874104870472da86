"""What `docs/security.md` says is there: every test it names, every limit it gives."""

from __future__ import annotations

import re

import pytest

from api.http import BODY_MAX, BODY_S
from api.project import DATA_MAX
from security.connections import USUAL, USUAL_PAGES
from security.token import WRONG_MAX, WRONG_S
from tests.servers import ROOT
from websocket.frames import MESSAGE_MAX

TEXT = (ROOT / "docs/security.md").read_text("utf-8")
NAMED = re.findall(r"`(tests/[\w/.]+)::([^`]+)`", TEXT)
ROWS = [line for line in TEXT.partition("## Threats")[2].splitlines() if line.startswith("| ")][2:]


def test_every_threat_names_its_test() -> None:
    assert len(ROWS) >= 20
    assert [row for row in ROWS if "`tests/" not in row.split(" | ")[-1]] == []


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)))
def test_every_test_that_is_named_exists(file: str, name: str) -> None:
    text = (ROOT / file).read_text("utf-8")
    if file.endswith(".js"):
        assert f'test("{name}"' in text
    else:
        assert re.search(rf"^\s*(?:async )?def {re.escape(name)}\(", text, re.MULTILINE)


LIMITS = [
    (f"{BODY_MAX >> 20} MiB, {BODY_S:.0f} s to arrive", "a body"),
    (f"{USUAL.headers_s:.0f} s to arrive", "a request's headers"),
    (f"{USUAL.idle_s:.0f} s", "a connection between two requests"),
    (f"{USUAL.response_s:.0f} s", "an answer of which nothing is taken"),
    (f"{USUAL.open_max - USUAL_PAGES} more than", "connections"),
    (f"{USUAL.waiting_max}", "connections that ask for nothing"),
    (f"{MESSAGE_MAX >> 10} KiB", "a message to `/ws`"),
    (f"{DATA_MAX >> 20} MiB", "a data file"),
]


@pytest.mark.parametrize(("bound", "what"), LIMITS)
def test_the_limits_are_those_of_the_code(bound: str, what: str) -> None:
    assert f"| {what} | {bound}" in TEXT


def test_wrong_tokens_cost_what_is_said() -> None:
    assert WRONG_MAX == 10
    assert WRONG_S == 60
    assert "After ten wrong tokens within a minute" in TEXT
