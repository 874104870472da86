"""The order in which stories run: the queue that the operator sets by hand, and what a run would take, without one.

Promises: a queue and its event are one commit; what cannot run is refused with the reason, and what a story of the
queue waits for is reported and still holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

import msgspec

import sprint
from events import emit
from payloads import RunQueueChange, or_unset
from running.candidates import candidates, order_of
from running.epic_branch import plan_here
from running.preflight import BadRequest, NotNow, why_held
from running.selection import Selection
from running.workspace import Workspace
from store.run_queue import RunQueue, set_run_queue
from workflow import Candidate, first_cycle, runnable

QUEUE_MAX: Final = 1000  # stories of a queue
STATES: Final = {
    "done": "is done",
    "blocked": "is blocked: try it again first",
    "parked": "is out of scope in the plan",
    "unknown": "has a status that is not known",
}


class RunOrder(msgspec.Struct, frozen=True):
    """What a run would take: the keys of each cycle in order; `waits` says of each other story why it does not run."""

    cycles: list[list[str]]
    waits: dict[str, str]


async def keep_queue(workspace: Workspace, queue: RunQueue) -> None:
    """Store the queue. Raises `DatabaseUnavailable`."""
    payload = RunQueueChange(
        stories=list(queue.stories), only=queue.only, after=or_unset(queue.after), at=or_unset(queue.at)
    )
    database = workspace.database
    await database.in_one_commit(lambda: [database.write(set_run_queue, queue), emit(payload)])


async def check_queue(workspace: Workspace, queue: RunQueue, selection: Selection) -> list[str]:
    """Return what stories of the queue wait for, in sentences. Raises `BadRequest` and `NotNow`."""
    if queue.only and not queue.stories:  # no batch could start any more
        raise BadRequest("only", "no story is chosen: choose at least one, or have the batch stop after this story")
    tracker = await plan_here(workspace)
    for place, key in enumerate(queue.stories):
        if key in queue.stories[:place]:
            raise BadRequest("stories", f"{key} is named twice")
        if (refusal := _refusal(tracker, key, selection)) is not None:
            raise refusal
    return [note for key in queue.stories if (note := _waiting_note(tracker, key, queue))]


def _refusal(tracker: sprint.Sprint, key: str, selection: Selection) -> Exception | None:
    story = tracker.story(key)
    if story is None:
        return BadRequest("stories", f"the plan has no story {key!r}")
    if selection.is_running(key):
        return NotNow("running", f"{key} is in the group that runs")
    if (state := STATES.get(story.status.value)) is not None:
        return NotNow("ended", f"{key} {state}")
    if key in selection.skipped:
        return NotNow("skipped", f"{key} is skipped: bring it back first")
    return NotNow("held", f"{key} cannot be queued: {story.conditions.hold}") if story.conditions.hold else None


def _waiting_note(tracker: sprint.Sprint, key: str, queue: RunQueue) -> str:
    """Return what a story waits for, in a sentence. Raises `NotNow` where the queue itself keeps it from coming."""
    story = tracker.story(key)
    waiting = () if story is None else story.conditions.waiting_for
    for other in waiting:
        if other in queue.stories and queue.stories.index(other) > queue.stories.index(key):
            raise NotNow("dependent", f"{key} waits for {other}: put {other} before it")
        if queue.only and other not in queue.stories:
            raise NotNow("dependent", f"{key} waits for {other}, which would not run: add it")
    return f"{key} waits for {', '.join(waiting)} and runs after that" if waiting else ""


async def run_order(
    workspace: Workspace, only: Sequence[str] | None, cycles: int | None, most: int, selection: Selection
) -> RunOrder:
    """Return what a run of so many cycles (None: all) would take, as things are now and if all of it succeeds."""
    return await order_of_plan(workspace, await plan_here(workspace), only, cycles, most, selection)


async def order_of_plan(
    workspace: Workspace,
    plan: sprint.Sprint,
    only: Sequence[str] | None,
    cycles: int | None,
    most: int,
    selection: Selection,
) -> RunOrder:
    """Return the same for a plan that has been read already."""
    setting = workspace.settings().story_order
    return await asyncio.to_thread(_order, plan, only, cycles, most, selection, setting)


def _order(
    plan: sprint.Sprint,
    only: Sequence[str] | None,
    cycles: int | None,
    most: int,
    selection: Selection,
    setting: str,
) -> RunOrder:
    taken = cycles_of_plan(plan, only, cycles, most, selection, setting)
    gone = selection.running.union(*taken)
    return RunOrder(taken, _waits(plan, gone, selection.allowed(only), selection))


def cycles_of_plan(
    plan: sprint.Sprint,
    only: Sequence[str] | None,
    cycles: int | None,
    most: int,
    selection: Selection,
    setting: str,
    exclude: Collection[str] = (),
) -> list[list[str]]:
    """Return the keys of each cycle of a run; `setting` is the order of stories, `most` the stories of a cycle.

    Those of `exclude` are not taken.
    """
    possible = {candidate.key: candidate for candidate in candidates(plan, selection.skipped)}
    allowed, order, first = selection.allowed(only), order_of(setting, plan), selection.queue.stories
    taken: list[list[str]] = []
    gone = selection.running.union(exclude)
    held = [key for key, candidate in possible.items() if candidate.held]

    def open_now() -> list[Candidate]:
        open_ones = runnable(possible.values(), order=order, only=allowed, first=first)
        return [candidate for candidate in open_ones if candidate.key not in gone]

    open_ones = open_now()
    while cycles is None or len(taken) < cycles:
        picked = first_cycle(open_ones, most, first)
        if not picked:
            break
        taken.append([candidate.key for candidate in picked])
        gone.update(taken[-1])
        for candidate in picked:
            open_ones.remove(candidate)
        # What waited only for these may run in a later cycle.
        released = [key for key in held if _is_released(plan, key, gone, selection.skipped)]
        if released:
            held = [key for key in held if key not in released]
            possible |= {key: replace(possible[key], held=False) for key in released}
            open_ones = open_now()
    return taken


def _is_released(plan: sprint.Sprint, key: str, gone: Collection[str], skipped: Collection[str]) -> bool:
    story = plan.story(key)
    if story is None or story.conditions.hold or key in skipped:
        return False
    return set(story.conditions.waiting_for) <= set(gone)


def _waits(
    plan: sprint.Sprint, gone: Collection[str], allowed: Collection[str] | None, selection: Selection
) -> dict[str, str]:
    wanted = [story.key for story in plan.stories if allowed is None or story.key in allowed]
    held = {key: why_held(plan, key, selection.skipped) for key in wanted if key not in gone}
    return {key: why for key, why in held.items() if why}
