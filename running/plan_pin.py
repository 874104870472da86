"""The plan that a batch was started on: a user may choose another initiative while the batch is open."""

from __future__ import annotations

from sprint.tickets.lists import TICKETS_FILE


def pin_name(batch_id: int) -> str:
    """Return the name under which the plan of a batch is kept."""
    return f"plan:{batch_id}"


def is_other_initiative(one: str | None, other: str | None) -> bool:
    """Whether two plans are the tickets of different initiatives; unlike before and after a migration, no story is in
    both."""
    if one is None or other is None or one == other:
        return False
    return one.endswith(TICKETS_FILE) and other.endswith(TICKETS_FILE)
