"""What agents claim of their usage windows is weighed."""

from __future__ import annotations

import math
from typing import Any

import pytest

from base.plausible import reset_time, used_fraction

DAY = 86_400.0


@pytest.mark.parametrize(
    ("claimed", "used"),
    [
        *((0, 0.0), (0.93, 0.93), (1, 1.0), (1.02, 1.0), (1.5, 1.0)),
        *((wrong, None) for wrong in (-0.1, 1.51, 93, math.nan, math.inf, True, "0.5", None, 10**400)),
    ],
)
def test_a_used_share_is_between_nothing_and_all(claimed: Any, used: float | None) -> None:
    assert used_fraction(claimed) == used


@pytest.mark.parametrize(
    ("claimed", "resets"),
    [(1001.0, 1001.0), (1000 + 8 * DAY, 1000 + 8 * DAY)]
    + [(wrong, None) for wrong in (None, 1000.0, 999.0, 1001 + 8 * DAY, math.nan, math.inf)],
)
def test_a_reset_is_to_come_and_not_too_far(claimed: float | None, resets: float | None) -> None:
    assert reset_time(claimed, 1000.0) == resets
