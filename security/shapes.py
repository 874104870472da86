"""The shapes of secrets: keys and tokens by their prefixes, and values after words that announce a secret.

Promises: a pattern begins with literal text, which the engine finds fast, and every repetition is possessive or
bounded, so a place is read a bounded number of times. The text before a key may be an escape that ends in a letter
or a digit (`\\n`, `%0A`, a colour of a terminal): it does not hide the key. Characters outside the alphabet of URLs may
be encoded as JSON, as JSON in JSON, as HTML or for URLs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple


class SecretShape(NamedTuple):
    """A kind of secret by its pattern; a group `kept` of that is not masked."""

    name: str
    pattern: str
    flags: re.RegexFlag = re.NOFLAG


@dataclass(frozen=True)
class Group:
    """Shapes that need not be searched for in a text without `trigger`, or where `prefilter` finds nothing."""

    trigger: str
    prefilter: re.Pattern[str] | None
    shapes: tuple[SecretShape, ...]

    @cached_property
    def substitutions(self) -> list[tuple[Callable[[str, str], str], str]]:
        """For each shape the substitution and its replacement.

        They are compiled when a text has the trigger: all together take a tenth of the start of the program.
        """
        patterns = [(shape.name, re.compile(shape.pattern, shape.flags)) for shape in self.shapes]
        return [(pattern.sub, _replacement(name, pattern)) for name, pattern in patterns]


def _replacement(name: str, pattern: re.Pattern[str]) -> str:
    return (r"\g<kept>" if "kept" in pattern.groupindex else "") + f"[masked: {name}]"


# Escapes by their width, since the engine looks back over fixed widths only. A colour ends behind `[` or `;`, so that
# none of them consists of characters of a key: else each place of a long run could be the beginning of a key.
_ESCAPES: Final = (
    r"\\[abefnrtv0]|[\[;][mKJHGhl]",
    r"%[0-9A-Fa-f]{2}|[\[;][0-9][mKJHGhl]",
    r"\\x[0-9A-Fa-f]{2}|[\[;][0-9]{2}[mKJHGhl]|%[53][Bb][mK]|%5[Cc][nrtbf]",
    r"[\[;][0-9]{3}[mKJHGhl]|%[53][Bb][0-9][mK]",
    r"\\u[0-9A-Fa-f]{4}|%[53][Bb][0-9]{2}[mK]",
    r"%[53][Bb][0-9]{3}[mK]",
)
_MAY_ESCAPE: Final = r"[\\\[;0-9Bb][A-Fa-f0-9nrtvmKJHGhl]"  # how each of them ends: refuses most words at once

_ESC: Final = r"\\{1,8}"  # JSON in JSON in JSON writes seven
_BASE64_ESCAPED: Final = rf"%2[BbFf]|%3[Dd]|{_ESC}/|{_ESC}u00(?:2[bBfF]|3[dD])|&#(?:4[37]|61|x2[BbFf]|x3[Dd]);"


def _base64(least: int) -> str:
    """Return the pattern of at least so many characters of Base64; an escape counts by its own length."""
    return rf"(?=[A-Za-z0-9+/=%&#;\\]{{{least}}})(?:[A-Za-z0-9+/=]{{1,20000}}+|{_BASE64_ESCAPED}){{1,500}}+"


_BLANK: Final = rf"(?:[ \t+]|%20|%09|&#(?:32|x20);|&nbsp;|{_ESC}u0020)"
_QUOTE: Final = rf"(?:[\"'\\]|%2[27]|%5[Cc]|&(?:quot|apos|#34|#39|#x2[27]);|{_ESC}u002[27])"
_COLON: Final = rf"(?:[:=]|%3[AaDd]|&(?:#58|#61|#x3[AaDd]|colon);|{_ESC}u003[aAdD])"
# From a name to its value: as it is mostly written, then in all the other ways.
_GLUE: Final = (
    r"(?>[\"'\\]{0,5}[ \t]{0,5}[:=][ \t]{0,5}[\"'\\]{0,5}(?![%&\"'\\])"
    rf"|(?=[\"'\\%& \t:=+]){_QUOTE}{{0,8}}+{_BLANK}{{0,5}}+{_COLON}{_BLANK}{{0,5}}+{_QUOTE}{{0,8}}+)"
)
_LINE_END: Final = (
    rf"(?:\s|{_ESC}(?:[nrt]|u000[aAdD])|%0[AaDd9]|%20|(?:%5[Cc]){{1,8}}[nrt]|&#(?:10|13|x0?[aAdD]);|<br ?/?>)"
)
_PEM: Final = (
    rf"(?:[A-Z0-9]{{1,20}}{_BLANK}){{0,4}}PRIVATE{_BLANK}KEY(?:{_BLANK}BLOCK)?-----"
    rf"(?:{_LINE_END}{{1,8}}+[A-Za-z-]{{1,40}}+: [^\n\\]{{1,200}}){{0,8}}"  # Proc-Type and DEK-Info of encrypted keys
    rf"(?={_LINE_END}{{0,8}}+[+>]?{_base64(16)})"  # a header in a sentence hides no sentence
    rf"(?:{_LINE_END}{{0,8}}+[>-]?(?:[A-Za-z0-9+/=]{{1,20000}}+|{_BASE64_ESCAPED})){{1,5000}}+"
    rf"{_LINE_END}{{0,8}}+(?:[+> -]{{0,2}}-----END(?:{_BLANK}[A-Z0-9]{{1,20}}){{0,6}}-----)?"
)


def _edge(literal: str, inside: str = "A-Za-z0-9") -> str:
    """Return the condition behind a literal: no character of the same word precedes it, or an escape does."""
    behind = "|".join(f"(?<=(?:{escape}){literal})" for escape in _ESCAPES)
    return f"(?>(?<![{inside}]{literal})|(?<={_MAY_ESCAPE}{literal})(?:{behind}))"


def _shape(name: str, prefix: str, rest: str) -> SecretShape:
    literal = re.escape(prefix)
    return SecretShape(name, rf"{literal}{_edge(literal)}{rest}", re.ASCII)


def _behind(name: str, words: str, value: str) -> SecretShape:
    """Return a shape that masks `value` where it follows these words, which are kept."""
    return SecretShape(name, rf"(?P<kept>{words}{value}")


# A run of the token's own characters is entered at its beginning only: one without dots is read once, not often.
_JWT: Final = r"[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]*+){1,3}"
_TELEGRAM: Final = r"[A-Za-z0-9_-]{32,35}(?![A-Za-z0-9_-])"

_ENCODED: Final = r"(?:[A-Za-z0-9_.~!*'()-]|%(?!40|2F)[0-9A-Fa-f]{2}){1,500}+(?=%40[A-Za-z0-9_-])"
_PASSWORD: Final = r"[^\s/?#@:\"'<>\\]{0,200}+:)(?!\[masked)[^\s/?#@\"'<>\\]{1,500}+(?=@[A-Za-z0-9\[_-])"  # noqa: S105
_VALUE: Final = r"(?=[A-Za-z0-9._~+/=%-]{16})(?:[A-Za-z0-9._~+/=-]|%[23][BbDdFf]){16,4000}+"


def _group(trigger: str, *shapes: SecretShape, prefilter: str = "") -> Group:
    """Return shapes with a text that each of them contains: a literal is found in a fraction of a pattern's time."""
    return Group(trigger, re.compile(prefilter, re.ASCII) if prefilter else None, shapes)


GROUPS: Final = (
    _group(
        "sk-",
        _shape("Anthropic key", "sk-ant-", r"[A-Za-z0-9_-]{16,}+"),
        _shape("OpenRouter key", "sk-or-", r"[A-Za-z0-9_-]{24,}+"),
        _shape("OpenAI key", "sk-", r"(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}+|[A-Za-z0-9]{32,}+)"),
    ),
    _group(
        "x",
        _shape("xAI key", "xai-", r"[A-Za-z0-9]{40,}+"),
        _shape("Slack token", "xox", r"[abeoprs](?:[.-][a-z0-9]{1,10})?-[A-Za-z0-9-]{10,}+"),
        _shape("Slack token", "xapp-", r"[0-9]-[A-Za-z0-9-]{20,}+"),
        prefilter=r"x(?:ai-|ox[abeoprs]|app-)",
    ),
    _group(
        "g",
        _shape("GitHub token", "gh", r"[pousr]_[A-Za-z0-9]{36,255}+"),
        _shape("GitHub token", "github_pat_", r"[A-Za-z0-9_]{36,255}+"),
        _shape("GitLab token", "glpat-", r"[A-Za-z0-9_.-]{20,}+"),
        _shape("Groq key", "gsk_", r"[A-Za-z0-9]{40,}+"),
        prefilter=r"g(?:h[pousr]_|ithub_pat_|lpat-|sk_)",
    ),
    _group(
        "p",
        _shape("Perplexity key", "pplx-", r"[A-Za-z0-9]{40,}+"),
        _shape("PyPI token", "pypi-AgE", r"[A-Za-z0-9_-]{50,}+"),
        prefilter=r"p(?:plx-|ypi-A)",
    ),
    _group("ya29.", _shape("Google token", "ya29.", r"[A-Za-z0-9_-]{20,}+")),
    _group(
        "hooks.slack.com",
        _shape("Slack hook", "hooks.slack.com", r"(?:/services/|%2[Ff]services%2[Ff])[A-Za-z0-9/%]{20,}+"),
    ),
    _group("dapi", _shape("Databricks token", "dapi", r"[a-f0-9]{32}(?:-[0-9]{1,3})?(?![A-Za-z0-9])")),
    _group("hv", _shape("Vault token", "hv", r"[sbr]\.[A-Za-z0-9_-]{24,}+")),
    # The number of the bot, which is public, stays; so do the first four characters of Azure's secret.
    _group(":AA", SecretShape("Telegram token", rf"(?P<kept>:)AA(?<=[0-9]{{8}}:AA){_TELEGRAM}")),
    _group("cc", _behind("Azure key", "cc", rf"(?:ountKey|essKey|essSignature){_COLON}){_base64(40)}")),
    _group("sig=", _behind("Azure signature", "sig=", rf"){_base64(40)}")),
    _group("eyJ", SecretShape("JSON Web Token", rf"eyJ{_edge('eyJ', 'A-Za-z0-9_.-')}{_JWT}")),
    _group("-----BEGIN", SecretShape("private key", rf"-----BEGIN{_BLANK}{_PEM}")),
    _group("earer", _behind("bearer token", "earer", rf"(?: |%20|\+))(?=[^\s\"']{{0,80}}[0-9]){_VALUE}")),
    _group("uthorization", _behind("credentials", "uthorization", rf"{_GLUE}[Bb]asic{_BLANK}){_base64(6)}")),
    *(
        _group(name, _behind("key", name, rf"{rest}{_GLUE}){_VALUE}"))
        for name, rest in (("pi-", "[kK]ey"), ("ion-", "[kK]ey"), ("te-", "[tT]oken"))
    ),  # api, subscription, private
    _group(
        "A",
        _shape("Google key", "AIza", r"[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
        _shape("AWS key", "AKIA", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
        _shape("AWS key", "ASIA", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
        _shape("age key", "AGE-SECRET-KEY-1", r"[A-Z0-9]{50,}+"),
        prefilter=r"A(?:Iza|KIA|SIA|GE-SEC)",
    ),
    _group("GOCSPX-", _shape("Google secret", "GOCSPX-", r"[A-Za-z0-9_-]{20,}+")),
    _group("SG.", _shape("SendGrid key", "SG.", r"[A-Za-z0-9_-]{16,64}+\.[A-Za-z0-9_-]{20,64}+")),
    _group("JQQJ99", SecretShape("Azure key", r"JQQJ99(?<=[A-Za-z0-9]{30}JQQJ99)[A-Za-z0-9]{20,40}+")),
    _group("EARER", _behind("bearer token", "EARER", rf"(?: |%20|\+))(?=[^\s\"']{{0,80}}[0-9]){_VALUE}")),
    _group("UTHORIZATION", _behind("credentials", "UTHORIZATION", rf"{_GLUE}[Bb]asic{_BLANK}){_base64(6)}")),
    _group("PI-K", _behind("key", "PI-", rf"K(?:EY|ey){_GLUE}){_VALUE}")),
    _group("TE-TOKEN", _behind("key", "TE-TOKEN", rf"{_GLUE}){_VALUE}")),
    _group(
        "_",
        _shape("Stripe key", "sk_", r"(?:live|test)_[A-Za-z0-9]{16,}+"),
        _shape("Stripe key", "rk_", r"(?:live|test)_[A-Za-z0-9]{16,}+"),
        _shape("Stripe secret", "whsec_", _base64(24)),
        _shape("DigitalOcean token", "do", r"[opr]_v1_[a-f0-9]{64}"),
        _shape("Docker token", "dckr_", r"(?:pat|oat)_[A-Za-z0-9_-]{20,}+"),
        _shape("npm token", "npm_", r"[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
        _shape("Hugging Face token", "hf_", r"[A-Za-z0-9]{30,}+"),
    ),
    _group("~", SecretShape("Azure secret", r"Q~(?<=[A-Za-z0-9_~.-]{3}[0-9]Q~)[A-Za-z0-9_~.-]{31,34}")),
    _group(
        "%",
        SecretShape("Telegram token", rf"(?P<kept>%3A)AA(?<=[0-9]{{8}}%3AAA){_TELEGRAM}"),
        _behind("password", "%3A%2F%2F", rf"[A-Za-z0-9_.~-]{{0,200}}+%3A)(?!%5Bmasked){_ENCODED}"),
        _behind("Azure signature", "sig%3D", rf"){_base64(40)}"),
    ),
    _group("&", SecretShape("Telegram token", rf"(?P<kept>&#58;)AA(?<=[0-9]{{8}}&#58;AA){_TELEGRAM}")),
    _group(
        "\\",
        SecretShape("Telegram token", rf"(?P<kept>\\u003a)AA(?<=[0-9]{{8}}\\u003aAA){_TELEGRAM}"),
        _behind("password", r":\\/\\/", _PASSWORD),
    ),
    # scheme://user:password@host; what is read can hold no further "://", so no place is read twice
    _group("://", _behind("password", "://", _PASSWORD)),
)
# The beginnings of keys, for one that a text ends in the middle of.
BEGINNINGS: Final = re.compile(
    r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=[\[0-9;]m))(?:sk-(?:ant|or|proj|svcacct)-|xai-|g?sk_|rk_|pplx-|AIza|ya29\.|GOCSPX-|gh[pousr]_|github_pat_|glpat-|A[KS]IA|xox[a-z]-"
    r"|xapp-|whsec_|SG\.|do[opr]_v1_|dapi|hv[sbr]\.|dckr_[po]at_|AGE-SECRET-KEY-1|npm_|pypi-AgE|hf_|eyJ|sk-)"
    r"[A-Za-z0-9_.-]{4,200}…\Z"
)

__all__ = ["BEGINNINGS", "GROUPS", "Group", "SecretShape"]
