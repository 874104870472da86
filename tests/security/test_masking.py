"""What is masked, what is not, and that no text makes masking slow. The secrets are made up here, piece by piece."""

from __future__ import annotations

import html
import json
import re
import string
import time
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from security.masking import Masker
from security.names import is_secret_name, secret_values
from security.shapes import GROUPS

LETTERS = "q7Zx4Kp9Wm2Vt8Rb5Yc3Nd6Jf1Hg0Ls" * 8
UPPER = LETTERS.upper()
HEX = "0f1e2d3c4b5a69788796a5b4c3d2e1f0" * 4
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
    f"xai-{LETTERS[:80]}",
    f"gsk_{LETTERS[:52]}",
    f"pplx-{LETTERS[:48]}",
    f"SG.{LETTERS[:22]}.{LETTERS[:43]}",
    f"dop_v1_{HEX[:64]}",
    f"dapi{HEX[:32]}",
    f"hvs.{LETTERS[:90]}",
    f"dckr_pat_{LETTERS[:27]}",
    f"AGE-SECRET-KEY-1{UPPER[:58]}",
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
    ("bot 123456789:{}", f"AA{LETTERS[:33]}"),
    ("AccountName=x;AccountKey={};EndpointSuffix=core.windows.net", f"{LETTERS[:86]}=="),
    ("Ocp-Apim-Subscription-Key: {}", LETTERS[:32]),
    ("https://x.blob.core.windows.net/c?sv=2024&sig={}&sp=r", f"{LETTERS[:43]}%3D"),
    ("client secret abc8{}", f"Q~{LETTERS[:34]}"),
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
@settings(deadline=None)
def test_what_is_masked_is_not_masked_again(pieces: list[str]) -> None:
    masked = Masker().text(" ".join(pieces))
    assert Masker().text(masked) == masked


@given(st.text(alphabet=string.printable, max_size=200))
@settings(deadline=None)
def test_any_text_in_json_stays_json(text: str) -> None:
    masked = Masker().bytes(json.dumps([text]).encode())
    assert isinstance(json.loads(masked)[0], str)


SECRET_NAMES = """
    ANTHROPIC_API_KEY OPENAI_API_KEY GITHUB_TOKEN AWS_SECRET_ACCESS_KEY DB_PASSWORD SPRINT_RUNNER_TOKEN KEY2
    NPM_CONFIG__AUTH client_secret PGPASSWORD DB_PASS SMTP_PASS GH_PAT APITOKEN ACCESSKEY ACCESS_KEYS API_TOKENS APIKEYS
    GITHUB_PATS MYSQL_PWD MYPWD SSHPASS REDIS_AUTH GOOGLE_CREDENTIALS AZURE_CREDENTIAL githubToken dbPass
    SECRET_KEY_BASE APIKEY_PROD TOKEN_1 SIGNING_SECRETS PASSWORDS KEY_PASSPHRASE X-API-KEY
"""
HARMLESS_NAMES = """
    SSH_AUTH_SOCK SSH_KEY_PATH KEYBOARD KEYBOARD_LAYOUT MAX_TOKENS CLAUDE_CODE_MAX_OUTPUT_TOKENS PATH MANPATH AUTHOR
    GIT_AUTHOR_NAME MONKEY GOOGLE_CREDENTIALS_FILE PWD OLDPWD INIT_CWD COMPAT NODE_COMPAT BYPASS GIT_ASKPASS SSH_ASKPASS
    COMPASS TOKENIZERS_PARALLELISM XAUTHORITY HOTKEYS TOKEN_URL AUTH_TYPE KEYMAP PASSENGER PATTERN TOKENIZER LANG
"""
NAMES = {**dict.fromkeys(SECRET_NAMES.split(), True), **dict.fromkeys(HARMLESS_NAMES.split(), False)}


@pytest.mark.parametrize(("name", "secret"), NAMES.items())
def test_names_of_variables_that_hold_secrets(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret
    assert secret_values({name: "something"}) == (["something"] if secret else [])


SIZE = 1 << 18  # characters; time must grow with it, not with its square
BEGINNINGS = [
    *(
        "sk-ant-",
        "sk-or-",
        "sk-",
        "xai-",
        "gsk_",
        "pplx-",
        "AIza",
        "ya29.",
        "GOCSPX-",
        "gh",
        "ghp_",
        "github_pat_",
        "glpat-",
    ),
    *(
        "AKIA",
        "ASIA",
        "xox",
        "xapp-",
        "hooks.slack.com/services/",
        "sk_",
        "rk_",
        "sk_live_",
        "whsec_",
        "SG.",
        "dop_v1_",
    ),
    *("dapi", "hvs.", "dckr_pat_", "AGE-SECRET-KEY-1", "npm_", "pypi-AgE", "hf_", "12345678:AA", "AccountKey=", "sig="),
    *("eyJ", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "%3A%2F%2F", "a0eyJ", "[0msk-", "\\nAIza", "\x1b[31m", "…"),
]
HOSTILE = [
    *(f"{beginning}{tail}" for beginning in BEGINNINGS for tail in ("", "a", "-", " ", "\n", "." * 3)),
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


# -- the text around a secret ------------------------------------------------------------------------------------

ALL = [*((secret, secret) for secret in SECRETS), *((words.format(secret), secret) for words, secret in BEHIND)]
BEFORE = [
    "",
    " ",
    "x\n",
    "x\r",
    "x\t",
    "\x1b[31m",
    "\x1b[0m",
    "x\x1b[1;31m\x1b[K",
    "x\x1b[38;5;196m",
    '"',
    "'",
    "<b>",
    "=",
    "é ",
]
AFTER = ["", " ", "\nx", "\r\nx", "\tx", "\x1b[0m", '"', "'", "</b>", ",", "\u202e", "…"]
ENCODERS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "JSON": json.dumps,
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "HTML": html.escape,
    "HTML in numbers": lambda text: text.replace("\n", "&#10;").replace('"', "&quot;").replace("+", "&#43;"),
    "an address": lambda text: quote(text, safe=""),
    "a form": quote_plus,
}


def core(secret: str) -> str:
    """What must be seen nowhere: letters of the middle that every encoding leaves as they are."""
    words: list[str] = re.findall(r"[A-Za-z0-9]+", secret[12:] if len(secret) > 30 else secret)
    return max(words, key=len)[:24]


@given(
    st.sampled_from(ALL),
    st.sampled_from(BEFORE),
    st.sampled_from(AFTER),
    st.sampled_from(sorted(ENCODERS)),
)
@settings(max_examples=600, deadline=None)
def test_nothing_around_a_secret_hides_it(both: tuple[str, str], before: str, after: str, way: str) -> None:
    text, secret = both
    written = ENCODERS[way](before + text + after)
    masked = Masker().json(json.dumps({"a": ["x", written], "b": 1}).encode())
    assert core(secret) not in masked.decode()
    assert json.loads(masked)["b"] == 1


@given(st.sampled_from(SECRETS), st.integers(1, 60))
@settings(deadline=None)
def test_a_colour_within_a_secret_does_not_hide_it(secret: str, at: int) -> None:
    if secret.startswith("-----"):
        return
    at = min(at, len(secret) - 1)
    masked = Masker().text(f"x {secret[:at]}\x1b[01;31m\x1b[K{secret[at:]}\x1b[m y")
    assert "[masked: " in masked
    assert core(secret) not in masked


@given(st.sampled_from([secret for secret in SECRETS if not secret.startswith("-----")]), st.integers(20, 60))
@settings(deadline=None)
def test_a_secret_that_was_cut_off_is_masked(secret: str, at: int) -> None:
    """Lines are cut with an ellipsis before they are masked."""
    shown = Masker().text(f"export KEY={secret[: min(at, len(secret) - 1)]}…")
    assert secret[8:12] not in shown


def test_a_private_key_that_comes_line_by_line() -> None:
    lines = ["I print it:", *PEM.format("RSA ", "\n").splitlines(), "done"]
    masker = Masker().lines()
    shown = [masker.text(line) for line in lines]
    assert [line for line in shown if LETTERS[4:30] in line or "AbCd" in line] == []
    assert (shown[0], shown[-1]) == ("I print it:", "done")


def test_a_private_key_in_the_lines_of_a_change() -> None:
    lines = [{"kind": "added", "text": f"+{line}"} for line in PEM.format("", "\n").splitlines()]
    masked = Masker().value([*lines, {"kind": "context", "text": " word"}])
    assert LETTERS[4:30] not in str(masked)
    assert "AbCd" not in str(masked)
    assert masked[-1] == {"kind": "context", "text": " word"}
    assert {line["kind"] for line in masked} == {"added", "context"}


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=20), lambda c: st.lists(c, max_size=3))
)
def test_json_without_a_secret_stays_as_it_is_to_the_byte(value: object) -> None:
    data = json.dumps(value, indent=1).encode()
    assert Masker(["a-given-value"]).json(data) == data


def test_every_shape_is_a_pattern() -> None:
    """They are compiled when a text has their trigger, which is no time to learn of a mistake."""
    assert all(len(group.substitutions) == len(group.shapes) for group in GROUPS)
