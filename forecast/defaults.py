"""Defaults until a project has a history: what commands usually take, by kind. They are called defaults where shown.

Each is a low, a middle and a high value: of minutes and of US dollars at the list price of a model of the middle class.
They know nothing of the project, so that their range is wide.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

# Minutes, dollars.
BY_KIND: Final[dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]]] = {
    "create-story": ((1.5, 3, 6), (0.10, 0.25, 0.60)),
    "story-discovery": ((0, 0, 0), (0.05, 0.15, 0.40)),  # beside create-story
    "story-review": ((1, 2, 5), (0.08, 0.20, 0.50)),
    "create-tech-spec": ((1, 2, 5), (0.05, 0.20, 0.60)),
    "tech-spec-review": ((0.5, 1, 3), (0.05, 0.15, 0.40)),
    "dev-story": ((5, 12, 30), (0.60, 1.60, 4.50)),
    "code-review": ((3, 8, 25), (0.30, 0.90, 3.00)),
    "build-auto": ((8, 20, 50), (1.00, 2.50, 7.00)),
    "build-plan": ((2, 5, 10), (0.20, 0.50, 1.50)),
    "commit": ((0.2, 0.5, 1), (0.0, 0.02, 0.05)),
    "create-project-context": ((2, 4, 8), (0.15, 0.40, 1.00)),
}
OTHER: Final = ((1.0, 3.0, 10.0), (0.10, 0.30, 1.50))  # of a preset of the operator's own

# The agent of the demo, a script, beside a real one: measured over its batches at its own speed.
SCRIPTED_TIME: Final = 1 / 170
SCRIPTED_COST: Final = 1 / 6

Defaults = Callable[[Collection[str]], tuple[list[float], list[float]]]


def scripted_values(kinds: Collection[str]) -> tuple[list[float], list[float]]:
    """Return what the commands of a story take with the demo's agent."""
    seconds, dollars = default_values(kinds)
    return [SCRIPTED_TIME * value for value in seconds], [SCRIPTED_COST * value for value in dollars]


def default_values(kinds: Collection[str]) -> tuple[list[float], list[float]]:
    """Return the seconds and the dollars of a story that needs these commands, as values to resample."""
    rows = [BY_KIND.get(kind, OTHER) for kind in kinds]
    seconds = [60 * sum(row[0][place] for row in rows) for place in range(3)]
    dollars = [sum(row[1][place] for row in rows) for place in range(3)]
    # The middle one twice as often as the others.
    return [seconds[0], seconds[1], seconds[1], seconds[2]], [dollars[0], dollars[1], dollars[1], dollars[2]]
