"""The links of messages: which there are, what each is bound to, and each reason for which one does nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from db import Database
from running import links as module
from running.choices import choices_of
from running.links import LinkRefused, Links
from security.links import LINK_S, LinkClaim, LinkExpired, WrongSignature, claim_of, link_key, signed
from store.batches import create_batch
from store.commands import create_command
from store.gates import decide_gate, open_gate, renew_gate
from store.grants import use_link
from store.questions import answer_question, ask_question
from tests.lines import Clock

KEY = link_key(b"k" * 32)
CLAIM = LinkClaim("gate", 7, "print", "go", 2000)
BASE = "https://box.example"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A database with a question and an open gate."""
    opened = await Database.open(tmp_path / "x.db")
    batch = await opened.write(create_batch, None)
    command = await opened.write(create_command, batch, "dev-story")
    await opened.write(ask_question, command, "May it do this: rm x? (Allow once / Reject)")
    gate = {"kind": "plan", "subject": "1-1-a", "round": 1, "content": "print", "message": "Look at the plan"}
    await opened.write(open_gate, batch, **gate)
    yield opened
    await opened.close()


QUESTION: dict[str, Any] = {"kind": "question", "command_id": 1}
GATE: dict[str, Any] = {"kind": "gate", "gate_id": 1, "decisions": ["go", "back", "skip", "stop"]}


def test_a_claim_is_read_as_it_was_signed() -> None:
    text = signed(KEY, CLAIM)
    assert claim_of(KEY, text, 1999) == CLAIM
    assert text.isascii()
    with pytest.raises(LinkExpired):
        claim_of(KEY, text, 2000)


@pytest.mark.parametrize("change", [lambda text: text[1:], lambda text: text[:-1], str.upper, lambda text: f"{text}="])
def test_a_changed_claim_is_none(change: Any) -> None:
    with pytest.raises(WrongSignature):
        claim_of(KEY, change(signed(KEY, CLAIM)), 0)


@pytest.mark.parametrize("text", ["", ".", "x", "x.y", "é.é", "\udcff.\udcff", "a" * 10_000])
def test_what_is_no_claim(text: str) -> None:
    with pytest.raises(WrongSignature):
        claim_of(KEY, text, 0)


def test_the_key_is_the_server_s_own() -> None:
    with pytest.raises(WrongSignature):
        claim_of(link_key(b"o" * 32), signed(KEY, CLAIM), 0)


async def test_a_question_is_answered_by_its_choices_or_left_to_the_agent(database: Database) -> None:
    links = Links(database, KEY, f"{BASE}/", Clock())
    made = await links.for_event("attention", QUESTION)
    labels = ["Answer “Allow once”", "Answer “Reject”", "Let the agent decide", "Open the page"]
    assert [link.label for link in made] == labels
    assert made[-1].url == f"{BASE}/#run"
    opened = await links.open(made[1].url.removeprefix(f"{BASE}/link/"))
    assert (opened.label, opened.text) == ("Answer “Reject”", "Reject")
    assert opened.about.startswith("May it do this")


async def test_what_an_agent_asks_is_masked(database: Database) -> None:
    links = Links(database, KEY, BASE, Clock(), lambda text: text.replace("rm x", "•••"))
    opened = await links.open(await first_link(links, QUESTION))
    assert opened.about == "May it do this: •••? (Allow once / Reject)"


async def test_a_gate_is_decided_where_no_comment_is_needed(database: Database) -> None:
    links = Links(database, KEY, BASE, Clock())
    made = await links.for_event("attention", GATE)
    assert [link.label for link in made] == ["Approve", "Skip it", "Stop the run", "Open the page"]


async def test_there_are_none_without_an_address_or_a_question(database: Database) -> None:
    assert await Links(database, KEY, None, Clock()).for_event("attention", QUESTION) == []
    links = Links(database, KEY, BASE, Clock())
    assert await links.for_event("batch:end", {"batch_id": 1}) == []
    assert await links.for_event("attention", {"kind": "blocked", "message": "x"}) == []
    await database.write(answer_question, 1, "x")
    assert await links.for_event("attention", QUESTION) == []


async def first_link(links: Links, payload: dict[str, Any]) -> str:
    return (await links.for_event("attention", payload))[0].url.removeprefix(f"{BASE}/link/")


async def refused(links: Links, text: str) -> tuple[int, str]:
    with pytest.raises(LinkRefused) as caught:
        await links.open(text)
    return caught.value.status, str(caught.value)


async def test_each_reason_has_its_sentence(database: Database) -> None:
    clock = Clock()
    links = Links(database, KEY, BASE, clock)
    question, gate = await first_link(links, QUESTION), await first_link(links, GATE)
    assert await refused(links, f"x{question}") == (403, module.WRONG)
    await database.write(renew_gate, 1, "another print")
    assert await refused(links, gate) == (410, module.CHANGED)
    decided = await first_link(links, GATE)
    await database.write(decide_gate, 1, "go", None)
    assert await refused(links, decided) == (410, module.ANSWERED)
    await database.write(answer_question, 1, "Reject")
    assert await refused(links, question) == (410, module.ANSWERED)
    await database.write(lambda connection: connection.execute("UPDATE questions SET asked_at = 1, answer = NULL"))
    assert await refused(links, question) == (410, module.ASKED_ANEW)
    clock.now += LINK_S
    assert await refused(links, question) == (410, module.EXPIRED)


async def test_a_used_link_is_used(database: Database) -> None:
    links = Links(database, KEY, BASE, Clock())
    text = await first_link(links, GATE)
    opened = await links.open(text)
    assert str(await links.why_refused(opened)) == module.ANSWERED
    await database.write(use_link, opened.digest)
    assert await refused(links, text) == (410, module.USED)
    assert str(await links.why_refused(opened)) == module.USED


@pytest.mark.parametrize(
    ("question", "choices"),
    [
        ("Do it? (Yes / No)", ["Yes", "No"]),
        ("Which colour?", []),
        ("Do it? (Yes)", []),
        ("Do it? (a / b / c / d / e)", []),
        (f"Do it? (a / {'x' * 61})", []),
        ("Do it (Yes / No)", []),
    ],
)
def test_the_choices_of_a_question(question: str, choices: list[str]) -> None:
    assert choices_of(question) == choices
