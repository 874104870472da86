"""What is masked, what is not, and that no text makes masking slow. The secrets are made up here, piece by piece."""

from __future__ import annotations

import json
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.masking import SHAPES, Masker, is_secret_name, secret_values

LETTERS = "q7Zx4Kp9Wm2Vt8Rb5Yc3Nd6Jf1Hg0Ls" * 8
UPPER = LETTERS.upper()
PEM = "-----BEGIN {0}PRIVATE KEY-----{1}" + (LETTERS[:64] + "{1}") * 3 + "AbCd+/=={1}-----END {0}PRIVATE KEY-----"
JWT = f"eyJ{LETTERS[:30]}.eyJ{LETTERS[:60]}.{LETTERS[:43]}"

SECRETS = [
    f"sk-ant-api03-{LETTERS[:93]}-{LETTERS[:4]}AA",
    f"sk-ant-oat01-{LETTERS[:40]}",
    f"sk-proj-{LETTERS[:60]}_{LETTERS[:20]}",
    f"sk-svcacct-{LETTERS[:60]}",
    f"sk-{LETTERS[:48]}",
    f"sk-or-v1-{LETTERS[:64]}",
    f"AIza{LETTERS[:35]}",
    f"ya29.{LETTERS[:60]}",
    f"GOCSPX-{LETTERS[:28]}",
    *(f"gh{kind}_{LETTERS[:36]}" for kind in "pousr"),
    f"github_pat_{LETTERS[:22]}_{LETTERS[:59]}",
    f"glpat-{LETTERS[:20]}",
    f"AKIA{UPPER[:16]}",
    f"ASIA{UPPER[:16]}",
    f"xoxb-123456789012-1234567890123-{LETTERS[:24]}",
    f"xoxe.xoxp-1-{LETTERS[:60]}",
    f"xapp-1-A{UPPER[:10]}-1234567890123-{LETTERS[:40]}",
    f"sk_live_{LETTERS[:24]}",
    f"rk_test_{LETTERS[:24]}",
    f"whsec_{LETTERS[:32]}",
    f"npm_{LETTERS[:36]}",
    f"pypi-AgEIcHlwaS5vcmc{LETTERS[:80]}",
    f"hf_{LETTERS[:34]}",
    JWT,
    *(PEM.format(kind, end) for kind in ("", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED ") for end in ("\n", "\\n", "\r\n")),
]
AROUND = [
    "{}",
    "the key is {}",
    "KEY={}",
    '"{}"',
    "'{}',",
    "<{}>",
    "({})",
    "key:{}\n",
    "a\t{}\tb",
    "curl -H x={} y",
    "_{}",
]

BEHIND = [
    ("Authorization: Bearer {}", LETTERS[:40]),
    ("authorization: bearer {}", LETTERS[:40]),
    ('{{"Authorization": "Bearer {}"}}', LETTERS[:40]),
    ('-H "Authorization: Basic {}"', "dXNlcjpwYXNzd29yZA=="),
    ("x-api-key: {}", LETTERS[:32]),
    ('"X-Api-Key": "{}"', LETTERS[:32]),
    ('\\"x-api-key\\": \\"{}\\"', LETTERS[:32]),
    ("PRIVATE-TOKEN: {}", LETTERS[:20]),
    ("https://user:{}@host.example/x", "p4ss,w0rd!"),
    ("postgres://app:{}@127.0.0.1:5432/db", "s3cr3t"),
    ("redis://:{}@cache:6379", "s3cr3t"),
    ("git clone https://x-access-token:{}@github.com/a/b", "tok3n"),
]

PLAIN = [
    "",
    "Edit src/app.py",
    "task-force-sk-and-more",
    "a commit: 0123456789abcdef0123456789abcdef01234567",
    "sk-learn, risk-averse-people-who-like-long-hyphenated-words-in-prose",
    "desk-0123456789012345678901234567890123456789",
    "the bearer authenticationmiddleware",
    "Authorization: required",
    "eyJ is how they begin",
    "http://localhost:8080/path@2x.png",
    "see https://example.org/a:b@c and http://[::1]:8080/",
    "mailto:someone@example.org",
    'text.startswith("-----BEGIN PRIVATE KEY-----") is asked first',
    "-----BEGIN PRIVATE KEY----- is what such a file begins with",
    "-----BEGIN CERTIFICATE-----\n" + LETTERS[:64] + "\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\n" + LETTERS[:64] + "\n-----END PUBLIC KEY-----",
    "ghost_writer, highs and lows",
    "AKIAX",
    "\ud800 half a pair",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_known_shape_is_masked_wherever_it_stands(secret: str) -> None:
    for around in AROUND if not secret.startswith("eyJ") else AROUND[:-1]:
        masked = Masker().text(around.format(secret))
        assert "[masked: " in masked
        assert secret[12:24] not in masked
        before, _, after = around.partition("{}")
        assert masked.startswith(before)
        assert masked.endswith(after.strip("\n"))


@pytest.mark.parametrize("secret", SECRETS)
def test_a_shape_is_masked_in_json_and_json_within_json_and_both_stay_json(secret: str) -> None:
    inner = json.dumps({"text": f"it is {secret} indeed"})
    line = json.dumps({"result": inner}).encode()
    masked = Masker().bytes(line)
    assert secret[12:24].encode() not in masked
    assert "[masked: " in json.loads(json.loads(masked)["result"])["text"]


@pytest.mark.parametrize(("words", "secret"), BEHIND)
def test_what_stands_behind_telling_words_is_masked_and_the_words_are_kept(words: str, secret: str) -> None:
    before, _, after = words.replace("{{", "{").replace("}}", "}").partition("{}")
    masked = Masker().text(before + secret + after)
    assert secret not in masked
    assert masked.startswith(before + "[masked: ")
    assert masked.endswith(after)


@pytest.mark.parametrize("text", PLAIN)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert Masker(["a-given-value"]).text(text) == text


def test_a_given_value_is_masked_in_every_form_it_is_written_in() -> None:
    value = 'pa"ss wörd/1'
    masker = Masker([value, "short"])
    forms = [value, json.dumps(value), json.dumps(value, ensure_ascii=False), "pa%22ss%20w%C3%B6rd%2F1"]
    for form in forms:
        assert masker.text(f"it is {form}.").count("[masked: value of a variable]") == 1
    assert masker.text("short stays") == "short stays"


def test_a_value_that_is_part_of_another_one_leaves_nothing_of_it() -> None:
    masked = Masker(["12345678", "x12345678y"]).text("x12345678y")
    assert masked == "[masked: value of a variable]"


def test_bytes_that_are_no_text_are_kept() -> None:
    data = b"\xff\xfe key: AKIA" + UPPER[:16].encode() + b" \x80\x00"
    assert Masker().bytes(data) == b"\xff\xfe key: [masked: AWS key] \x80\x00"


@given(st.lists(st.sampled_from([*SECRETS, *PLAIN[:12], "x", " ", '"', "\\", "@", "://", "eyJ"]), max_size=8))
def test_what_is_masked_is_not_masked_again(pieces: list[str]) -> None:
    masked = Masker().text(" ".join(pieces))
    assert Masker().text(masked) == masked


@given(st.text(alphabet=string.printable, max_size=200))
def test_any_text_in_json_stays_json(text: str) -> None:
    masked = Masker().bytes(json.dumps([text]).encode())
    assert isinstance(json.loads(masked)[0], str)


NAMES = {
    "ANTHROPIC_API_KEY": True,
    "OPENAI_API_KEY": True,
    "GITHUB_TOKEN": True,
    "AWS_SECRET_ACCESS_KEY": True,
    "DB_PASSWORD": True,
    "SPRINT_RUNNER_TOKEN": True,
    "KEY2": True,
    "NPM_CONFIG__AUTH": True,
    "client_secret": True,
    "SSH_AUTH_SOCK": False,
    "SSH_KEY_PATH": False,
    "KEYBOARD": False,
    "MAX_TOKENS": False,
    "PATH": False,
    "AUTHOR": False,
    "MONKEY": False,
    "GOOGLE_CREDENTIALS_FILE": False,
}


@pytest.mark.parametrize(("name", "secret"), NAMES.items())
def test_names_of_variables_that_hold_secrets(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret
    assert secret_values({name: "something"}) == (["something"] if secret else [])


SIZE = 1 << 18  # characters; time must grow with it, not with its square
HOSTILE = [
    *(f"{shape.trigger}{tail}" for shape in SHAPES for tail in ("", "a", "-", " ", "\n", "." * 3)),
    *(
        "Bearer ",
        "://",
        "://a:",
        "x-api-key: ",
        "Authorization: Basic",
        "eyJaaaaaaaa.",
        "-----BEGIN PRIVATE KEY-----\n",
    ),
]


def test_no_text_is_slow() -> None:
    """Each begins, again and again, what may become a secret; quadratic work would take minutes."""
    masker = Masker(["a-given-value"])
    for piece in HOSTILE:
        began = time.process_time()
        masker.text(piece * (SIZE // len(piece)))
        assert time.process_time() - began < 5, piece


def test_a_line_of_sixteen_mebibytes_takes_no_longer_than_reading_it() -> None:
    line = "the quick brown fox " * (1 << 20)
    began = time.process_time()
    Masker().text(line[: 16 << 20])
    assert time.process_time() - began < 10
