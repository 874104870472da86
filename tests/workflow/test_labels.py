"""What a batch was started for, in words."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from workflow.labels import batch_label

ROWS: list[tuple[int | None, Sequence[str] | None, str]] = [
    (None, None, "all stories"),
    (1, None, "1 group"),
    (2, None, "2 groups"),
    (None, ["1-1-a"], "1 story: 1-1"),
    (None, ["1-1-a", "1-2-b-c", "2a-1-d"], "3 stories: 1-1, 1-2, 2a-1"),
    (2, ["1-1-a", "2-1-b"], "2 groups of 2 stories: 1-1, 2-1"),
    (None, [f"1-{number}-x" for number in range(10)], "10 stories: 1-0, 1-1, 1-2, 1-3, 1-4, 1-5, 1-6, 1-7 and 2 more"),
]


@pytest.mark.parametrize(("cycles", "only", "label"), ROWS)
def test_the_label_of_a_batch(cycles: int | None, only: Sequence[str] | None, label: str) -> None:
    assert batch_label(cycles, only) == label
