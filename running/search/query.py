"""What is searched for: the words and phrases of a query, and the expression by which the index narrows it. Pure.

Every word has to be found, anywhere in a text and also within a word; `"words in quotes"` as they are written; a word
that ends with `*` only where a word begins. Nothing that is typed is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from store.search_text import clean_entry, fold

QUERY_MAX: Final = 300  # characters that are read
TERMS_MAX: Final = 12
GROUP: Final = 3  # characters that the index knows together
GROUPS_MAX: Final = 48  # in one expression: more of them narrow nothing
_PARTS: Final = re.compile(r'"([^"]*)"?|(\S+)')


@dataclass(frozen=True, slots=True)
class Term:
    """A text to find, folded; `begins`: only where a word begins."""

    text: str
    begins: bool = False

    def spans(self, folded: str) -> list[tuple[int, int]]:
        """Return where the text is found, from and to."""
        found, at = [], folded.find(self.text)
        while at >= 0:
            if not self.begins or at == 0 or not (folded[at - 1].isalnum() or folded[at - 1] == "_"):
                found.append((at, at + len(self.text)))
            at = folded.find(self.text, at + len(self.text))
        return found


def parse_query(text: str) -> tuple[Term, ...]:
    """Return the terms of a query, none for a query without any."""
    terms: list[Term] = []
    for phrase, word in _PARTS.findall(fold(clean_entry(text[:QUERY_MAX]))):
        begins = len(word) > 1 and word.endswith("*")
        # A quotation mark within a word is part of it.
        wanted = phrase.strip() if phrase else word.removesuffix("*") if begins else word.rstrip('"') or word
        term = Term(wanted, begins)
        if wanted and term not in terms:
            terms.append(term)
    return tuple(terms[:TERMS_MAX])


def expression(terms: Sequence[Term], beginning_with: Callable[[str], list[str] | None]) -> str | None:
    """Return the expression of FTS5 that every text with all terms fulfils; None where none narrows the search.

    `beginning_with` returns the groups of the index that begin with a text shorter than a group; None: too many.
    """
    groups: list[str] = []
    for term in terms:
        if len(term.text) >= GROUP:
            groups += (_quoted(term.text[at : at + GROUP]) for at in range(len(term.text) - GROUP + 1))
        elif (found := beginning_with(term.text)) is not None:
            # Not in the index at all: an expression that nothing fulfils.
            groups.append(f"({' OR '.join(map(_quoted, found))})" if found else _quoted("\x1e" * GROUP))
    return " AND ".join(dict.fromkeys(groups[:GROUPS_MAX])) or None


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
