"""When two stories in a row fail for the same reason, row by row."""

from __future__ import annotations

import pytest

from workflow.breaker import EndedStory, normalised, same_reason_before

# two reasons, whether they are the same
REASONS = [
    ("dev-story failed 3 times: exit code 1", "dev-story failed 2 times: exit code 137", True),
    ("no story file was written for 1-1-login", "no story file was written for 2-10-log-out", True),
    ("/home/a/x.py is missing", "/home/b/c/y.py is missing", True),
    ("commit 3f2a9c1d does not exist", "commit 77aa01b does not exist", True),
    ("Model opus-9 is  unknown", "model opus-9 is unknown", True),
    ("the check `pytest` ended with 1", "the check `ruff` ended with 1", False),
    ("timed out", "no login", False),
]


@pytest.mark.parametrize(("one", "other", "same"), REASONS)
def test_what_differs_between_two_occurrences_does_not_count(one: str, other: str, same: bool) -> None:
    assert (normalised(one) == normalised(other)) is same


BLOCKED, OTHER, DONE = EndedStory("1-1-a", True, "x 1"), EndedStory("1-2-b", True, "y"), EndedStory("1-3-c", False, "")
# stories that ended, newest first, and those that were blocked for the reason "x 2"
ROWS = [
    ([], []),
    ([BLOCKED], ["1-1-a"]),
    ([EndedStory("1-0-z", True, "x 7"), BLOCKED], ["1-1-a", "1-0-z"]),
    ([DONE, BLOCKED], []),
    ([OTHER, BLOCKED], []),
    ([BLOCKED, DONE], ["1-1-a"]),
]


@pytest.mark.parametrize(("ended", "found"), ROWS)
def test_a_success_or_another_reason_between_is_the_end_of_the_row(ended: list[EndedStory], found: list[str]) -> None:
    assert same_reason_before(ended, "x 2") == found
