"""The record of a delivery: each change is its row and its event in one commit.

What is going to be done is committed before it is done. A problem is also a call for the operator.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final

from events import emit
from payloads import Attention, StoryDelivery, or_unset
from running.workspace import Workspace, emit_durable, until_stored
from store.deliveries import (
    DeliveryRow,
    change_delivery,
    create_delivery,
    get_delivery,
    get_open_deliveries,
)

RETRY: Final = "retry"
STOP: Final = "stop"
DECISIONS: Final = (RETRY, STOP)


def _nothing() -> object:
    return None


async def open_delivery(workspace: Workspace, keys: Sequence[str], message: str, **columns: Any) -> int:
    """Create a delivery with its event and return its id."""
    database = workspace.database
    delivery_id: int = await until_stored(lambda: database.reserve_id("deliveries"))
    payload = StoryDelivery(
        story_key=keys[0],
        story_keys=list(keys),
        delivery_id=delivery_id,
        state="planned",
        branch=columns["branch"],
        head=columns["wanted"],
        message=message,
    )

    await until_stored(
        lambda: database.in_one_commit(
            lambda: [database.write(create_delivery, delivery_id, keys, **columns), emit(payload)]
        )
    )
    return delivery_id


async def record(
    workspace: Workspace,
    row: DeliveryRow,
    message: str,
    also: Callable[[], object] = _nothing,
    **columns: Any,
) -> DeliveryRow:
    """Change a delivery with its event, and return it as it is then; `also` enqueues more rows of the same commit.

    Raises `DeliveryChanged`, and `NotWritten` for the event with it, where it is not as it was read any more.
    """
    message = workspace.masker.text(message)
    problem = columns.get("problem", row.problem)

    def write() -> Iterator[Awaitable[object]]:
        yield workspace.database.write(change_delivery, row, columns)
        also()
        yield emit(_payload(row, message, columns))
        if problem is not None:
            yield emit(_call(row, problem))

    await until_stored(lambda: workspace.database.in_one_commit(write))
    return await _read(workspace, row.id)


async def keep(workspace: Workspace, row: DeliveryRow, **columns: Any) -> DeliveryRow:
    """Change what no page shows, such as the time of the next look."""
    await until_stored(lambda: workspace.database.write(change_delivery, row, columns))
    return await _read(workspace, row.id)


async def fail(workspace: Workspace, row: DeliveryRow, problem: str, **columns: Any) -> DeliveryRow:
    """Record that a delivery waits for the operator, with the reason."""
    problem = workspace.masker.text(problem)
    return await record(workspace, row, problem, problem=problem, **columns)


async def call_for_problems(workspace: Workspace) -> None:
    """Call the operator for the deliveries that wait for a decision: a new batch begins with no calls."""
    for row in await workspace.database.read(get_open_deliveries):
        if row.problem is not None:
            await emit_durable(_call(row, row.problem))


def _payload(row: DeliveryRow, message: str, columns: dict[str, Any]) -> StoryDelivery:
    def now(name: str) -> Any:
        return columns.get(name, getattr(row, name))

    return StoryDelivery(
        story_key=row.keys[0],
        story_keys=row.keys,
        delivery_id=row.id,
        state=now("state"),
        branch=row.branch,
        message=message,
        head=now("wanted"),
        url=or_unset(now("url")),
        checks=or_unset(now("checks")),
        round=now("round"),
        problem=now("problem") is not None,
    )


def _call(row: DeliveryRow, problem: str) -> Attention:
    return Attention(
        kind="delivery",
        message=f"The delivery of {row.subject} waits for you: {problem}",
        story_key=row.keys[0],
        delivery_id=row.id,
        decisions=list(DECISIONS),
    )


async def _read(workspace: Workspace, delivery_id: int) -> DeliveryRow:
    row = await workspace.database.read(get_delivery, delivery_id)
    if row is None:
        raise LookupError(f"delivery {delivery_id} is not in the database")
    return row
