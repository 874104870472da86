"""Bytes to a node tree."""

import time

import pytest
import yaml

from sprint import document
from sprint.document import MAX_DEPTH, Mapping, Scalar, Sequence, decode, parse


def root(text: str) -> Mapping:
    found = parse(decode(text.encode())).root
    assert isinstance(found, Mapping)
    return found


def test_everything_is_a_string() -> None:
    text = "a: 3_4\nb: 12:30\nc: on\nd: 2026-01-02\ne: ~\nf: 1e3\n"
    values = [value.text for _, value in root(text).pairs if isinstance(value, Scalar)]
    assert values == ["3_4", "12:30", "on", "2026-01-02", "~", "1e3"]


@pytest.mark.parametrize("loader", ["CBaseLoader", "BaseLoader"])
def test_tokens_stand_where_they_say(loader: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "_Loader", getattr(yaml, loader))
    text = "é𝄞: 'done'  # x\r\nb: \"review\"\r\nc: plain text # y\r\nd: {e: f}\r\n"
    tokens = [value for _, value in root(text).pairs if isinstance(value, Scalar)]
    assert [text[token.start : token.end] for token in tokens] == ["'done'", '"review"', "plain text"]
    assert [token.style for token in tokens] == ["'", '"', ""]


def test_duplicates_are_kept_and_recorded() -> None:
    source = decode(b"a: 1\nb: 2\na: 3\n")
    found = parse(source)
    assert [(key, source.line(at)) for key, at in found.duplicates] == [("a", 3)]
    assert isinstance(found.root, Mapping)
    assert found.root.text("a") == "3"


def test_aliases_and_anchors_are_not_bare() -> None:
    pairs = root("a: &x done\nb: *x\nc: !!str done\nd: done\n").pairs
    assert [value.bare for _, value in pairs if isinstance(value, Scalar)] == [False, False, False, True]


def test_an_alias_bomb_stays_small() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    assert len(root("\n".join(lines)).pairs) == 60


@pytest.mark.parametrize("text", ["[" * 200_000, "- " * 200_000, "? " * 200_000, "{a: " * 200_000])
def test_deep_nesting_is_a_problem_at_once(text: str) -> None:
    begun = time.process_time()
    found = parse(decode(text.encode()))
    assert found.problem is not None
    assert f"more than {MAX_DEPTH} levels" in found.problem.message
    assert time.process_time() - begun < 1


def test_problems_name_the_line() -> None:
    found = parse(decode(b"a: 1\nb: c: d\n"))
    assert found.problem is not None
    assert found.problem.line == 2


@pytest.mark.parametrize(
    "data", [b"a: \x00", b"a: \x07", b"\xff\xfe\x00", b"a: \xff", b"%YAML 9.9\n---\na", b"a: 'x", b"a: *x\n"]
)
def test_odd_bytes_are_a_problem(data: bytes) -> None:
    assert parse(decode(data)).problem is not None


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbfa: b\r\n", "a: é\u2028".encode(), b"\r\r\n\n"])
def test_decoding_loses_no_byte(data: bytes) -> None:
    source = decode(data)
    assert source.encode(source.text) == data
    assert "".join(source.lines()) == source.text


def test_utf16_is_read_and_named() -> None:
    source = decode("a: b".encode("utf-16"))
    assert source.text == "a: b"
    assert source.problem is not None


def test_several_documents_are_noticed() -> None:
    found = parse(decode(b"--- \na: 1\n---\na: 2\n"))
    assert found.several
    assert isinstance(found.root, Mapping)
    assert found.root.text("a") == "1"


def test_keys_that_are_collections_are_not_names() -> None:
    assert [key.text for key, _ in root("? [a, b]\n: 1\nc: [d]\n").pairs] == ["{…}", "c"]
    assert isinstance(root("c: [d]").get("c"), Sequence)


def test_lookups_take_the_last_of_duplicates_and_skip_empty_texts() -> None:
    mapping = root("a: ''\nb: 1\nb: 2\n")
    assert mapping.text("a", "b") == "2"
    assert mapping.get("z") is None
