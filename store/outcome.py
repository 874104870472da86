"""The outcome of a command as conditions of SQL, for `commands c`: see `base/outcome.py`.

Beside its verdict a command fails by the block of its story that followed on it: it was the last one of the story that
the run has waited for.
"""

from __future__ import annotations

from typing import Final

from base.outcome import BAD_VERDICTS, HELD, SUCCESS


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)


# By the index over the commands of a story, and only where a story is blocked.
_BLOCKED_ITS_STORY: Final = """(NOT c.background
    AND EXISTS (SELECT 1 FROM stories b WHERE b.id = c.story_id AND b.status = 'blocked')
    AND NOT EXISTS (SELECT 1 FROM commands d WHERE d.story_id = c.story_id AND d.id > c.id AND NOT d.background))"""
IS_HELD: Final = f"c.status IN ({_listed(HELD)})"
IS_SUCCESS: Final = f"""(c.status = '{SUCCESS}' AND COALESCE(c.word, '') NOT IN ({_listed(BAD_VERDICTS)})
    AND NOT {_BLOCKED_ITS_STORY})"""
