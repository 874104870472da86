"""Files that carry a story's number and are not the story: notes about it, and documents of an epic."""

import re

_EPIC = re.compile(r"tech-spec|epic-|sprint-|retro", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_NOTE = re.compile(
    r"(?<=[-_.])(?:context|validation|retro|retrospective|report|checklist|completion|complete|handoff|hand-off|summary"
    r"|notes?|review-notes|postmortem)(?=[-_.]|$)",
    re.IGNORECASE,
)


def is_note(stem: str, about: str = "") -> bool:
    """Whether a file's name, without its ending, says that it is a note.

    `about` is the story's own key: a story that is called after a summary may have one in its file's name.
    """
    if _EPIC.match(stem):
        return True
    own = set(words(about))
    return any(word not in own for found in _NOTE.finditer(stem) for word in words(found[0]))


def words(text: str) -> list[str]:
    """The words of a slug or a title, lower case, without numbers and marks."""
    return _WORD.findall(text.lower())


def share_a_word(one: str, other: str) -> bool:
    """Whether two slugs may mean the same: a word in common, or nothing that could be compared."""
    mine, theirs = ({_stem(word) for word in words(text) if len(word) > 1} for text in (one, other))
    if not mine or not theirs or mine.isdisjoint(theirs) is False:
        return True
    latin = [all(word.isascii() for word in found) for found in (mine, theirs)]
    # A Chinese title has a transliterated slug: two scripts cannot be compared.
    return latin[0] != latin[1]


def _stem(word: str) -> str:
    """Singular and plural, `login` and `logins`, are one word."""
    return word.removesuffix("s") if len(word) > 3 else word
