"""The outcome of a command: the one rule for every sum. The page has the same in `static/shell/command-result.js`.

A call that succeeded and yet held its story up has failed; one that was stopped or waits counts neither way.
"""

from __future__ import annotations

from typing import Final, Literal

Outcome = Literal["succeeded", "failed", "held"]

SUCCESS: Final = "success"
# The statuses of commands that ended without success, and by no fault of the agent's.
HELD: Final = ("stopped", "interrupted", "usage-limit", "unchecked", "question")
# The verdicts of calls that succeeded, and yet held up their stories.
BAD_VERDICTS: Final = ("blocked", "unread")


def outcome_of(status: str, verdict: str | None) -> Outcome:
    """Return how a command that has ended counts."""
    if status in HELD:
        return "held"
    return "succeeded" if status == SUCCESS and verdict not in BAD_VERDICTS else "failed"
