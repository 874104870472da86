"""The judgement of receipts: what is said of each kind of commit, and that every random change is found."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from receipts.envelope import Envelope, Malformed, encode_line, read_line, seal
from receipts.judgement import NO_SIGNATURE, Answer, ChainLink, CommitFacts, SignatureFacts, judge, judge_chain
from tests.receipts.samples import BASE, COMMIT, FACTS, KEY, receipt

SIGNED = seal(receipt(KEY), "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n")
CHANGES = 1000


def test_a_signed_receipt_of_its_commit_is_verified() -> None:
    said = judge(SIGNED, FACTS, SignatureFacts(key=KEY, signer="me@example.org"))
    assert (said.answer, said.gaps, said.differs) == (Answer.VERIFIED, [], [])
    assert f"signed by me@example.org ({KEY})" in said.proved


@pytest.mark.parametrize(
    ("facts", "signature", "recorded", "answer", "words"),
    [
        (FACTS, SignatureFacts(key=KEY), False, Answer.GAPS, "no allowed signers file names"),
        (FACTS, SignatureFacts(key=KEY), True, Answer.VERIFIED, ""),
        (FACTS, SignatureFacts(unchecked="no ssh-keygen"), False, Answer.GAPS, "was not checked: no ssh-keygen"),
        (FACTS, SignatureFacts(problem="incorrect signature"), True, Answer.NOT, "does not fit"),
        (FACTS, SignatureFacts(key="SHA256:other", signer="x"), False, Answer.NOT, "signed by SHA256:other, not by"),
        (replace(FACTS, base_tree=None, diff_sha256=None), None, True, Answer.GAPS, "git fetch --unshallow"),
        (replace(FACTS, tree="1" * 40), None, True, Answer.NOT, "the tree is 111"),
        (replace(FACTS, parents=()), None, True, Answer.NOT, "the first parent is none"),
        (replace(FACTS, diff_sha256="0" * 64), None, True, Answer.NOT, "the hash of the change"),
        (replace(FACTS, submodules=("lib",)), None, True, Answer.GAPS, "lib is a submodule"),
        (replace(FACTS, object_format="sha256"), None, True, Answer.NOT, "names objects by sha256"),
        (replace(FACTS, hash="9" * 40), None, True, Answer.GAPS, "made again"),
        (
            replace(FACTS, hash="9" * 40, tree="8" * 40),
            None,
            True,
            Answer.GAPS,
            "another tree, which no check has seen",
        ),
        (replace(FACTS, hash="9" * 40, diff_sha256="0" * 64), None, True, Answer.NOT, "makes another change"),
    ],
)
def test_what_is_said(
    facts: CommitFacts, signature: SignatureFacts | None, recorded: bool, answer: Answer, words: str
) -> None:
    said = judge(SIGNED, facts, signature or SignatureFacts(key=KEY), recorded=recorded)
    assert said.answer is answer
    assert words in " ".join(said.gaps + said.differs)


def test_an_unsigned_receipt_shows_no_origin() -> None:
    said = judge(seal(receipt()), FACTS)
    assert (said.answer, said.gaps) == (Answer.GAPS, ["not signed: it fits the commit, but nothing shows who made it"])


def test_a_merge_that_is_not_here_is_a_gap() -> None:
    part = msgspec.structs.replace(receipt().commit, merge="7" * 40)
    envelope = seal(msgspec.structs.replace(receipt(), commit=part))
    assert judge(envelope, replace(FACTS, merged=True), recorded=True).answer is Answer.VERIFIED
    assert "is not in this clone" in judge(envelope, replace(FACTS, merged=False), recorded=True).gaps[0]


def test_a_chain_whose_change_was_made_up_is_found() -> None:
    link = ChainLink(seal(receipt()), NO_SIGNATURE, receipt().commit.diff_sha256)
    assert judge_chain([link], FACTS).answer is Answer.GAPS
    assert judge_chain([replace(link, diff_sha256="0" * 64)], FACTS).answer is Answer.NOT
    assert judge_chain([replace(link, diff_sha256=None)], FACTS).answer is Answer.GAPS


def _answer(line: str, facts: CommitFacts, signature: SignatureFacts) -> Answer:
    try:
        envelope = read_line(line)
    except Malformed:
        return Answer.NOT
    fits = envelope.content == SIGNED.content and envelope.signature == SIGNED.signature
    shown = signature if fits else SignatureFacts(problem="it does not fit")
    return judge(envelope, facts, shown).answer


def test_a_thousand_random_changes_of_a_receipt_are_all_found() -> None:
    chance, line = random.Random(18), encode_line(SIGNED)
    good = SignatureFacts(key=KEY, signer="me@example.org")
    assert _answer(line, FACTS, good) is Answer.VERIFIED
    unfound = []
    for number in range(CHANGES):
        changed = (_as_text, _as_value, _resealed)[number % 3](line, chance)
        if changed != line and _answer(changed, FACTS, good) is not Answer.NOT:
            unfound.append(changed)
    assert unfound == []


def test_a_thousand_random_changes_of_an_unsigned_receipt_are_all_found() -> None:
    chance, line = random.Random(19), encode_line(seal(receipt()))
    for number in range(CHANGES):
        changed = (_as_text, _as_value)[number % 2](line, chance)
        try:
            envelope: Envelope | None = read_line(changed)
        except Malformed:
            envelope = None
        assert changed == line or envelope is None or judge(envelope, FACTS).answer is Answer.NOT


def test_a_thousand_random_changes_of_a_commit_are_all_found() -> None:
    chance, good = random.Random(20), SignatureFacts(key=KEY, signer="me")
    for _ in range(CHANGES):
        changed = _other_commit(chance)
        assert judge(SIGNED, changed, good).answer is not Answer.VERIFIED
        if changed.hash == COMMIT and changed.base_tree is not None:
            assert judge(SIGNED, changed, good).answer is Answer.NOT


def _as_text(line: str, chance: random.Random) -> str:
    """A character changed, taken away, doubled, or two swapped."""
    at, other = chance.randrange(len(line)), chance.randrange(len(line))
    match chance.randrange(4):
        case 0:
            return line[:at] + chance.choice('0123456789abcdef"{}[],:null é') + line[at + 1 :]
        case 1:
            return line[:at] + line[at + 1 :]
        case 2:
            return line[:at] + line[at] + line[at:]
        case _:
            low, high = sorted((at, other))
            return line[:low] + line[high : high + 1] + line[low + 1 : high] + line[low : low + 1] + line[high + 1 :]


def _as_value(line: str, chance: random.Random) -> str:
    """A value of the JSON changed, and written in the canonical form again."""
    value = json.loads(line)
    _change(value["receipt"], chance)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _resealed(line: str, chance: random.Random) -> str:
    """The same with a digest that fits, as an attacker who knows the format would do it: only the signature shows it."""
    changed = _as_value(line, chance)
    try:
        return encode_line(msgspec.structs.replace(read_line(changed), digest=seal(read_line(changed).receipt).digest))
    except Malformed:
        return changed


def _change(value: Any, chance: random.Random) -> None:
    """Change one thing somewhere inside of an object or a list."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = chance.choice(keys)
    inner = value[key]
    if isinstance(inner, dict | list) and inner and chance.random() < 0.8:
        _change(inner, chance)
    elif isinstance(value, list) and chance.random() < 0.5:
        del value[key]
    elif isinstance(inner, bool):
        value[key] = not inner
    elif isinstance(inner, int):
        value[key] = inner + chance.choice((-1, 1, 1000))
    elif isinstance(inner, str):
        value[key] = chance.choice((inner + "x", inner[:-1], inner.swapcase(), ""))
    else:
        value[key] = chance.choice((None, 7, "x")) if inner is not None else "x"


def _other_commit(chance: random.Random) -> CommitFacts:
    digit = chance.choice("0123456789")
    match chance.randrange(7):
        case 0:
            return replace(FACTS, tree=FACTS.tree[:-1] + digit)
        case 1:
            return replace(FACTS, parents=chance.choice(((), ("0" * 40,), (BASE[:-1] + digit,), ("1" * 40, BASE))))
        case 2:
            return replace(FACTS, base_tree=digit * 40)
        case 3:
            return replace(FACTS, diff_sha256=digit * 64)
        case 4:
            return replace(FACTS, files=chance.choice((0, 1, 3, 4000)))
        case 5:
            return replace(FACTS, hash=digit * 40)
        case _:
            return replace(FACTS, base_tree=None, diff_sha256=None, files=None)
