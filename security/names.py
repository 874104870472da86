"""The names of variables that hold secrets.

A name is split at characters that are no letters and before a capital that follows a small letter. It is secret when
one of its words is, or ends with, a word for a secret (`DB_PASS`, `PGPASSWORD`, `apiTokens`), unless its last word says
that the value is something about the secret (`SSH_KEY_PATH`), or the word only looks so (`COMPASS`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SECRET: Final = re.compile(
    r"(?:KEY|TOKEN|SECRET|PASS|PASSWORD|PASSWD|PASSPHRASE|PASSCODE|PWD|PAT|CREDENTIAL|CRED|AUTH)S?\Z"
)
# Words that only end like a word for a secret, and variables with such a name that hold none.
_HARMLESS_WORDS: Final = """
    ASKPASS BYPASS COMPASS COMPAT DISPAT DONKEY ENCOMPASS EXPAT HOCKEY HOTKEY HOTKEYS JOCKEY KEYBOARD KEYMAP
    MONKEY MONKEYS OVERPASS SACRED SPAT SURPASS TRESPASS TURKEY UNDERPASS WHISKEY
"""
_HARMLESS_NAMES: Final = """
    INIT_CWD OLDPWD PWD
"""
# Last words of a name whose value is a fact about the secret, such as its location.
_ABOUT: Final = """
    ALGORITHM AUDIENCE BITS COMMAND COUNT DIR DIRECTORY DISABLED ENABLED ENDPOINT EXPIRES EXPIRY FILE FILES
    FOLDER FORMAT HELPER HOST ID IDS ISSUER LENGTH LIMIT METHOD MODE MS NAME NAMES PATH PATHS PORT PREFIX
    PROGRAM PROVIDER REGION REQUIRED SCOPE SCOPES SECONDS SIZE SOCK SOCKET TIMEOUT TTL TYPE TYPES URI URL USER
    USERNAME VERSION
"""
# Words before TOKENS that make it a number of tokens of a model.
_COUNTED: Final = """
    BUDGET COMPLETION CONTEXT INPUT MAX MIN NUM OUTPUT PROMPT REASONING THINKING TOTAL
"""

HARMLESS_WORDS: Final = frozenset(_HARMLESS_WORDS.split())
HARMLESS_NAMES: Final = frozenset(_HARMLESS_NAMES.split())
ABOUT: Final = frozenset(_ABOUT.split())
COUNTED: Final = frozenset(_COUNTED.split())


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name holds a secret."""
    words = [word.upper() for word in _WORD.findall(name)]
    if name.upper() in HARMLESS_NAMES or not words or words[-1] in ABOUT:
        return False
    if words[-1] == "TOKENS" and COUNTED & set(words):
        return False
    return any(word not in HARMLESS_WORDS and _SECRET.search(word) for word in words)


def secret_values(environment: Mapping[str, str]) -> list[str]:
    """Return the values of variables with a secret name, such as ANTHROPIC_API_KEY."""
    return [value for name, value in environment.items() if is_secret_name(name) and value]


__all__ = ["is_secret_name", "secret_values"]
