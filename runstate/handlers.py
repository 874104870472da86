"""The handlers of the fold: what each type of event changes in the run.

Every part of the run is a frozen value that a handler replaces, so a view never changes while it is serialised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import UNSET
from msgspec.structs import replace

from base.outcome import outcome_of
from payloads import (
    Attention,
    BatchEnd,
    BatchPause,
    BatchResume,
    BatchStart,
    BatchWarning,
    CommandEnd,
    CommandProgress,
    CommandStart,
    ContextComplete,
    ContextCreate,
    CycleEnd,
    CycleStart,
    LaneChange,
    Metrics,
    QuotaChange,
    RunQueueChange,
    StoryDelivery,
    StoryStatus,
    StoryTakeover,
    value_or,
)
from runstate.views import (
    AttentionView,
    BatchView,
    ContextView,
    CycleView,
    FoldedRun,
    OperationView,
    QueueView,
    QuotaView,
    StoryView,
    TakeOverView,
    Totals,
)

WAITS: Final = (
    "usage-limit",
    "reserve",
    "unreachable",
    "retry",
    "program",
    "hours",
    "scheduled",
)  # reasons of pauses that end by themselves
ATTENTION_MAX: Final = 100  # newest calls for the operator that are kept in the snapshot; the log has them all
NO_METRICS: Final = Metrics()
SUMMED: Final = (  # metrics of a command that add up over a batch
    *("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"),
    *("cost_usd", "estimated_usd", "turns"),
)


def _batch_start(run: FoldedRun, payload: BatchStart, at: int) -> None:
    run.batch = BatchView(
        id=payload.batch_id,
        status="running",
        max_cycles=payload.max_cycles,
        cycles_completed=0,
        started_at=at,
        agent=value_or(payload.agent, ""),
        workflow=value_or(payload.workflow, ""),
        budget_usd=value_or(payload.budget_usd, None),
        label=value_or(payload.label, ""),
    )
    run.state, run.reason, run.until, run.resumable = "running", None, None, None
    run.cycle, run.cycles, run.stories, run.attention = None, (), (), ()
    run.operations = _background(run)  # background commands of the previous batch may still run
    run.totals = Totals()


def _batch_end(run: FoldedRun, payload: BatchEnd, at: int) -> None:
    run.state, run.reason, run.until, run.resumable = "idle", value_or(payload.reason, None), None, None
    run.operations = _background(run)  # a command without a command:end was interrupted
    run.cycle, run.cycles = None, ()
    run.queue = QueueView(stories=run.queue.stories)  # the rest was meant for this batch
    if run.batch is not None and run.batch.id == payload.batch_id:
        run.batch = replace(
            run.batch,
            status=payload.status,
            cycles_completed=payload.cycles_completed,
            ended_at=at,
            reason=value_or(payload.reason, None),
        )


def _batch_pause(run: FoldedRun, payload: BatchPause, _at: int) -> None:
    reason = payload.reason
    run.reason, run.until = reason, value_or(payload.until, None)
    # An interrupted batch waits for a decision, not for a time, and nothing of it runs: for pages that is idle.
    run.state = "waiting" if reason in WAITS else "idle" if reason == "interrupted" else "paused"
    run.resumable = payload.batch_id if reason == "interrupted" else None
    if run.batch is not None:
        run.batch = replace(run.batch, status="interrupted" if reason == "interrupted" else "paused")


def _batch_resume(run: FoldedRun, _payload: BatchResume, _at: int) -> None:
    run.state, run.reason, run.until, run.resumable = "running", None, None, None
    if run.batch is not None:
        run.batch = replace(run.batch, status="running")


def _batch_warning(run: FoldedRun, payload: BatchWarning, _at: int) -> None:
    if payload.warning_type in ("pausing", "stopping"):
        run.state = payload.warning_type
    elif payload.warning_type == "answered":
        answered = ("question", value_or(payload.command_id, None))
        run.attention = tuple(view for view in run.attention if (view.kind, view.command_id) != answered)
    elif payload.warning_type == "decided":
        decided = ("gate", value_or(payload.gate_id, None))
        run.attention = tuple(view for view in run.attention if (view.kind, view.gate_id) != decided)


def _cycle_start(run: FoldedRun, payload: CycleStart, at: int) -> None:
    run.cycle = CycleView(number=payload.cycle_number, story_keys=tuple(payload.story_keys), started_at=at)
    run.cycles = (*_other_cycles(run, payload.cycle_number), run.cycle)
    for key in payload.story_keys:
        _put_story(run, replace(_story(run, key), cycle_number=payload.cycle_number))


def _cycle_end(run: FoldedRun, payload: CycleEnd, _at: int) -> None:
    run.cycles = _other_cycles(run, payload.cycle_number)
    run.cycle = run.cycles[-1] if run.cycles else None
    if run.batch is not None:
        run.batch = replace(run.batch, cycles_completed=run.batch.cycles_completed + 1)


def _lane_change(run: FoldedRun, payload: LaneChange, _at: int) -> None:
    machine = value_or(payload.machine, None) if payload.state == "worker" else None
    run.cycles = tuple(
        replace(cycle, machine=machine, waits=payload.state == "waiting")
        if cycle.number == payload.cycle_number
        else cycle
        for cycle in run.cycles
    )
    run.cycle = run.cycles[-1] if run.cycles else None


def _other_cycles(run: FoldedRun, number: int) -> tuple[CycleView, ...]:
    return tuple(cycle for cycle in run.cycles if cycle.number != number)


def _command_start(run: FoldedRun, payload: CommandStart, at: int) -> None:
    if payload.command_id is UNSET:
        return  # emitted without an id: no later event could end the operation
    operation = OperationView(
        command_id=payload.command_id,
        story_key=payload.story_key,
        story_keys=tuple(value_or(payload.story_keys, [payload.story_key])),
        command=payload.command,
        task_id=payload.task_id,
        attempt=value_or(payload.attempt, 1),
        agent=value_or(payload.agent, ""),
        model=value_or(payload.model, None),
        background=value_or(payload.background, False),
        started_at=at,
        updated_at=at,
        machine=value_or(payload.machine, None),
    )
    run.operations = (*_others(run, operation.command_id), operation)
    _put_story(run, _story(run, operation.story_key))


def _command_progress(run: FoldedRun, payload: CommandProgress, at: int) -> None:
    run.operations = tuple(
        _progressed(operation, payload, at) if operation.command_id == value_or(payload.command_id, None) else operation
        for operation in run.operations
    )


def _progressed(operation: OperationView, payload: CommandProgress, at: int) -> OperationView:
    return replace(
        operation,
        task_id=payload.task_id,
        message=payload.message,
        metrics=value_or(payload.metrics, operation.metrics),
        updated_at=at,
    )


def _command_end(run: FoldedRun, payload: CommandEnd, _at: int) -> None:
    run.operations = _others(run, value_or(payload.command_id, None))
    metrics = value_or(payload.metrics, NO_METRICS)
    story = _story(run, payload.story_key)
    ended = replace(
        story,
        commands=story.commands + 1,
        cost_usd=story.cost_usd + value_or(metrics.cost_usd, 0.0),
        estimated_usd=story.estimated_usd + value_or(metrics.estimated_usd, 0.0),
    )
    _put_story(run, ended)
    failed = outcome_of(payload.status, value_or(payload.verdict, None)) == "failed"
    run.totals = _added(run.totals, metrics, failed=failed)


def _story_status(run: FoldedRun, payload: StoryStatus, at: int) -> None:
    changed = replace(
        _story(run, payload.story_key),
        old_status=payload.old_status,
        status=payload.new_status,
        reason=value_or(payload.reason, None),
        updated_at=at,
    )
    _put_story(run, changed)
    run.totals = replace(
        run.totals,
        stories_done=sum(story.status == "done" for story in run.stories),
        stories_blocked=sum(story.status == "blocked" for story in run.stories),
    )


def _run_queue(run: FoldedRun, payload: RunQueueChange, _at: int) -> None:
    run.queue = QueueView(
        stories=tuple(payload.stories),
        only=value_or(payload.only, False),
        after=value_or(payload.after, None),
        at=value_or(payload.at, None),
    )


def _story_delivery(run: FoldedRun, payload: StoryDelivery, _at: int) -> None:
    """A delivery that continues does not need the operator any more; a new call follows where it still does."""
    run.attention = tuple(view for view in run.attention if view.delivery_id != payload.delivery_id)


def _quota_change(run: FoldedRun, payload: QuotaChange, _at: int) -> None:
    place = (payload.account, payload.window)
    view = QuotaView(*place, float(payload.used_fraction), value_or(payload.resets_at, None), payload.at)
    others = (known for known in run.quota if (known.account, known.window) != place)
    run.quota = tuple(sorted((*others, view), key=lambda one: (one.account, one.window)))


def _story_takeover(run: FoldedRun, payload: StoryTakeover, at: int) -> None:
    others = tuple(view for view in run.takeovers if view.story_key != payload.story_key)
    if payload.state == "returned":
        run.takeovers = others
        return
    line = value_or(payload.command_line, None)
    view = TakeOverView(payload.story_key, payload.state, payload.folder, payload.message, line, at)
    run.takeovers = (*others, view)


def _attention(run: FoldedRun, payload: Attention, at: int) -> None:
    view = AttentionView(
        kind=payload.kind,
        message=payload.message,
        story_key=value_or(payload.story_key, None),
        command_id=value_or(payload.command_id, None),
        story_keys=tuple(value_or(payload.story_keys, [])),
        at=at,
        gate_id=value_or(payload.gate_id, None),
        delivery_id=value_or(payload.delivery_id, None),
        decisions=tuple(value_or(payload.decisions, [])),
        options=tuple(value_or(payload.options, [])),
    )
    run.attention = (*run.attention, view)[-ATTENTION_MAX:]


def _context_started(run: FoldedRun, payload: ContextCreate, _at: int) -> None:
    run.context = ContextView(status="running", message=value_or(payload.message, None))


def _context_complete(run: FoldedRun, payload: ContextComplete, _at: int) -> None:
    run.context = None
    if payload.metrics is not UNSET:
        # The context file belongs to no story, so its cost is in the totals only.
        failed = outcome_of(payload.status, None) == "failed"
        run.totals = _added(run.totals, payload.metrics, failed=failed)


def _added(totals: Totals, metrics: Metrics, *, failed: bool) -> Totals:
    """Return the totals with one more command added."""
    sums = {name: getattr(totals, name) + value_or(getattr(metrics, name), 0) for name in SUMMED}
    return replace(totals, commands=totals.commands + 1, commands_failed=totals.commands_failed + failed, **sums)


def _story(run: FoldedRun, key: str) -> StoryView:
    """Return the story's view, a new one for the first event of a story."""
    return next((story for story in run.stories if story.story_key == key), StoryView(story_key=key))


def _put_story(run: FoldedRun, story: StoryView) -> None:
    """Replace the story's view in its position, or append it; a command that plans the sprint has no story."""
    if not story.story_key:
        return
    keys = [known.story_key for known in run.stories]
    at = keys.index(story.story_key) if story.story_key in keys else len(keys)
    run.stories = (*run.stories[:at], story, *run.stories[at + 1 :])


def _background(run: FoldedRun) -> tuple[OperationView, ...]:
    return tuple(operation for operation in run.operations if operation.background)


def _others(run: FoldedRun, command_id: int | None) -> tuple[OperationView, ...]:
    return tuple(operation for operation in run.operations if operation.command_id != command_id)


HANDLERS: Final[Mapping[str, Callable[[FoldedRun, Any, int], None]]] = {
    "batch:start": _batch_start,
    "batch:end": _batch_end,
    "batch:pause": _batch_pause,
    "batch:resume": _batch_resume,
    "batch:warning": _batch_warning,
    "cycle:start": _cycle_start,
    "cycle:end": _cycle_end,
    "lane:change": _lane_change,
    "command:start": _command_start,
    "command:progress": _command_progress,
    "command:end": _command_end,
    "story:status": _story_status,
    "story:delivery": _story_delivery,
    "run:queue": _run_queue,
    "quota:change": _quota_change,
    "story:takeover": _story_takeover,
    "attention": _attention,
    "context:create": _context_started,
    "context:refresh": _context_started,
    "context:complete": _context_complete,
}
