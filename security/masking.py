"""Secrets in text that others wrote: keys and tokens by their known shapes, and values that this server was given.

Owns what counts as a secret by its looks. Promises: masking takes time in proportion to the text, whatever stands in
it (no pattern reads a place more than a bounded number of times); a text without a secret comes back as it was; what
is masked once is not masked again. It cannot know a secret that looks like nothing (a short password), and one that is
torn in two, half in one record and half in the next, has no shape in either.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple
from urllib.parse import quote

VALUE_MIN: Final = 8  # characters of a value that is masked wherever it stands; shorter ones stand in ordinary words
VALUE_MAX: Final = 64 * 1024  # characters; a longer variable is no key
SECRET_NAMES: Final = re.compile(
    r"(?:^|_)(?:KEY|APIKEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)(?:_|$|\d)|_AUTH$", re.IGNORECASE
)
# Names that end like a secret and say where one is, or something about it.
HARMLESS_NAMES: Final = re.compile(r"(?:_FILE|_PATH|_DIR|_SOCK|_TTL_MS|_TOKENS|_ID|_HELPER|_TYPE|_URL)$", re.IGNORECASE)


class Shape(NamedTuple):
    """What a kind of secret looks like. `trigger` stands in every one of them: a text without it is not searched.

    A pattern begins with literal text, which the engine finds fast; that no letter or digit stands before it is asked
    by a look back behind that literal. Repetitions are possessive or bounded, so that nothing is read twice.
    """

    name: str
    trigger: str
    pattern: re.Pattern[str]


def _shape(name: str, prefix: str, rest: str) -> Shape:
    literal = re.escape(prefix)
    return Shape(name, prefix, re.compile(rf"{literal}(?<![A-Za-z0-9]{literal}){rest}", re.ASCII))


_LINE_END: Final = r"(?:\s|\\{1,4}[nrt])"  # also as JSON writes it, and JSON within JSON
_PEM: Final = (
    r"(?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
    rf"(?:{_LINE_END}{{1,8}}[A-Za-z-]{{1,40}}: [^\n\\]{{1,200}}){{0,8}}"  # Proc-Type and DEK-Info of encrypted keys
    rf"(?={_LINE_END}{{0,8}}[A-Za-z0-9+/=]{{16}})"  # a header in a sentence hides no sentence
    rf"(?:{_LINE_END}{{0,8}}+[A-Za-z0-9+/=]{{1,20000}}+){{1,1000}}+"
    rf"{_LINE_END}{{0,8}}+(?:-----END [A-Z0-9 ]{{0,90}}-----)?"
)

SHAPES: Final = (
    _shape("Anthropic key", "sk-ant-", r"[A-Za-z0-9_-]{16,}+"),
    _shape("OpenRouter key", "sk-or-", r"[A-Za-z0-9_-]{24,}+"),
    _shape("OpenAI key", "sk-", r"(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}+|[A-Za-z0-9]{32,}+)"),
    _shape("Google key", "AIza", r"[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    _shape("Google token", "ya29.", r"[A-Za-z0-9_-]{20,}+"),
    _shape("Google secret", "GOCSPX-", r"[A-Za-z0-9_-]{20,}+"),
    _shape("GitHub token", "gh", r"[pousr]_[A-Za-z0-9]{36,255}+"),
    _shape("GitHub token", "github_pat_", r"[A-Za-z0-9_]{36,255}+"),
    _shape("GitLab token", "glpat-", r"[A-Za-z0-9_-]{20,}+"),
    _shape("AWS key", "AKIA", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _shape("AWS key", "ASIA", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _shape("Slack token", "xox", r"[abeoprs](?:[.-][a-z0-9]{1,10})?-[A-Za-z0-9-]{10,}+"),
    _shape("Slack token", "xapp-", r"[0-9]-[A-Za-z0-9-]{20,}+"),
    _shape("Slack hook", "hooks.slack.com/services/", r"[A-Za-z0-9/]{20,}+"),
    _shape("Stripe key", "sk_", r"(?:live|test)_[A-Za-z0-9]{16,}+"),
    _shape("Stripe key", "rk_", r"(?:live|test)_[A-Za-z0-9]{16,}+"),
    _shape("Stripe secret", "whsec_", r"[A-Za-z0-9+/=]{24,}+"),
    _shape("npm token", "npm_", r"[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
    _shape("PyPI token", "pypi-AgE", r"[A-Za-z0-9_-]{50,}+"),
    _shape("Hugging Face token", "hf_", r"[A-Za-z0-9]{30,}+"),
    # A run of the token's own characters is entered at its beginning only: one without dots is read once, not often.
    Shape(
        "JSON Web Token",
        "eyJ",
        re.compile(r"eyJ(?<![A-Za-z0-9_.-]eyJ)[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]*+){1,3}"),
    ),
    Shape("private key", "-----BEGIN ", re.compile(rf"-----BEGIN {_PEM}")),
)


class _Kept(NamedTuple):
    """A secret that stands behind words which are kept: `pattern` captures them as `kept`."""

    name: str
    trigger: str
    pattern: re.Pattern[str]


_GLUE: Final = (
    r"[\"'\\]{0,5}[ \t]{0,5}[:=][ \t]{0,5}[\"'\\]{0,5}"  # between a header's name and its value, quoted or not
)
_BEHIND: Final = (
    *(
        _Kept("bearer token", name, re.compile(rf"(?P<kept>{name})(?=[^\s\"']{{0,80}}[0-9])[A-Za-z0-9._~+/=-]{{16,}}+"))
        for name in ("earer ", "EARER ")
    ),
    *(
        _Kept("credentials", name, re.compile(rf"(?P<kept>{name}{_GLUE}[Bb]asic )[A-Za-z0-9+/=]{{6,}}+"))
        for name in ("uthorization", "UTHORIZATION")
    ),
    *(
        _Kept("key", name, re.compile(rf"(?P<kept>{name}{_GLUE})[A-Za-z0-9._~+/=-]{{16,}}+"))
        for name in ("pi-key", "pi-Key", "PI-KEY", "PI-Key", "te-token", "te-Token", "TE-TOKEN")  # api, private
    ),
    # scheme://user:password@host; what is read can hold no further "://", so no place is read twice
    _Kept(
        "password",
        "://",
        re.compile(r"(?P<kept>://[^\s/?#@:\"'<>\\]{0,200}+:)(?!\[masked)[^\s/?#@\"'<>\\]{1,500}+(?=@[A-Za-z0-9\[_-])"),
    ),
)


class Masker:
    """Masks the shapes, and the given values wherever they stand: as they are, and as JSON and addresses write them."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        written = {form for value in values if VALUE_MIN <= len(value) <= VALUE_MAX for form in _forms(value)}
        self._values = sorted(written, key=len, reverse=True)  # a longer one may hold a shorter one

    def text(self, text: str) -> str:
        """The text with every secret in it replaced by `[masked: what it was]`."""
        for value in self._values:
            if value in text:
                text = text.replace(value, "[masked: value of a variable]")
        for name, trigger, pattern in SHAPES:
            if trigger in text:
                text = pattern.sub(f"[masked: {name}]", text)
        for name, trigger, pattern in _BEHIND:
            if trigger in text:
                text = pattern.sub(rf"\g<kept>[masked: {name}]", text)
        return text

    def bytes(self, data: bytes) -> bytes:
        """The same for bytes of any kind; those that are no UTF-8 are kept as they are."""
        return self.text(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def secret_values(environment: Mapping[str, str]) -> list[str]:
    """The values of variables whose names say that they are secret, such as ANTHROPIC_API_KEY."""
    return [value for name, value in environment.items() if is_secret_name(name) and value]


def is_secret_name(name: str) -> bool:
    return SECRET_NAMES.search(name) is not None and HARMLESS_NAMES.search(name) is None


def _forms(value: str) -> set[str]:
    try:
        return {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], quote(value, safe="")}
    except UnicodeEncodeError:  # bytes of the environment that are no text
        return {value}


__all__ = ["Masker", "is_secret_name", "secret_values"]
