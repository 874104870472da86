"""Hints: what the operator wants a story's next command to know, kept until a command has got it.

Promises: a hint and its event are one commit; a command's row and the hints that its prompt holds are one commit, so
that after a crash each hint was either given to that command or is still pending. A retry without the session of the
earlier call gets the hints of that call again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from events import emit
from payloads import StoryHint, or_unset
from running.workspace import Workspace, until_stored
from store.hints import HintRow, add_hint, get_pending_hints

SHOWN_CHARS: Final = 200  # of a hint, in the log


async def keep_hint(workspace: Workspace, story_key: str, text: str, sent_to: int | None = None) -> int:
    """Store a hint of the operator, emit its event, and return its id. Raises `DatabaseUnavailable`.

    `sent_to` is the running command that it is a message to.
    """
    database = workspace.database
    hint_id = await database.reserve_id("hints")

    payload = StoryHint(story_key=story_key, hint_id=hint_id, message=_shown(text), sent_to=or_unset(sent_to))
    await database.in_one_commit(lambda: [database.write(add_hint, hint_id, story_key, text, sent_to), emit(payload)])
    return hint_id


async def pending_hints(
    workspace: Workspace, story_keys: Sequence[str], command: str, *, resumed: bool
) -> list[HintRow]:
    """Return the hints for the next call of a command; a resumed session knows what its earlier calls got."""
    if not story_keys:
        return []
    hints = await until_stored(lambda: workspace.database.read(get_pending_hints, story_keys, command))
    return [hint for hint in hints if hint.command_id is None] if resumed else hints


def with_hints(prompt: str, hints: Sequence[HintRow]) -> str:
    """Return the prompt with the hints in a block of their own, so that the agent knows whose words they are."""
    if not hints:
        return prompt
    several = len({hint.story_key for hint in hints}) > 1
    blocks = [f"{f'For {hint.story_key}: ' if several else ''}{hint.text.strip()}" for hint in hints]
    body = "\n\n".join(blocks)
    return (
        f"{prompt.rstrip()}\n\n## Hints of the operator\n\nThe operator of this run has written this for you. It takes "
        f"precedence over the plan where the two differ.\n\n<operator-hint>\n{body}\n</operator-hint>\n"
    )


def given(hints: Sequence[HintRow], command_id: int) -> list[StoryHint]:
    """Return the events which report that a command got these hints."""
    return [
        StoryHint(
            story_key=hint.story_key,
            hint_id=hint.id,
            message=_shown(hint.text),
            command_id=command_id,
            sent_to=or_unset(hint.sent_to),
        )
        for hint in hints
    ]


def _shown(text: str) -> str:
    first = " ".join(text.split())
    return first if len(first) <= SHOWN_CHARS else first[: SHOWN_CHARS - 1] + "…"
