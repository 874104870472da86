"""The state of the run as clients see it: a fold over committed events.

Owns `RunState`, the source of `GET /api/run` and of every `init`. It depends on committed events alone, so it belongs
to exactly one `seq` and survives a crash; `static/state.js` folds the same events by the same rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

from msgspec.structs import replace

from runstate.views import (
    AttentionView,
    BatchView,
    ContextView,
    CycleView,
    FoldedRun,
    OperationView,
    StoryView,
    Totals,
)

STATES: Final = ("idle", "starting", "running", "pausing", "paused", "stopping", "waiting")
WAITS: Final = ("usage-limit", "unreachable", "retry", "program")  # reasons of pauses that end by themselves
ATTENTION_MAX: Final = 100  # newest calls for the operator that are kept in the snapshot; the log has them all
SUMMED: Final = (  # metrics of a command that add up over a batch
    *("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"),
    *("cost_usd", "estimated_usd", "turns"),
)


class FoldedEvent(Protocol):
    """The attributes of an event that the fold needs, live or read back from the log."""

    @property
    def type(self) -> str: ...
    @property
    def payload(self) -> dict[str, Any]: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def seq(self) -> int: ...
    @property
    def batch_id(self) -> int | None: ...


class RunState:
    """The fold. `apply` expects committed events in order; `run` is the state after the last of them."""

    def __init__(self) -> None:
        self.run = FoldedRun()

    @property
    def active_batch(self) -> BatchView | None:
        """The batch that is running, paused or waiting; None between batches."""
        return self.run.batch if self.run.state != "idle" else None

    def restore(self, events: Iterable[FoldedEvent], seq: int) -> None:
        """Fold the stored events since the newest batch began; `seq` is the newest committed event of all."""
        self.apply(events)
        self.run.seq = seq

    def apply(self, events: Iterable[FoldedEvent]) -> None:
        """Fold events, in the order of their `seq`."""
        for event in events:
            handler = _HANDLERS.get(event.type)
            if handler is not None and not self._is_foreign(event):
                handler(self.run, event.payload, event.timestamp)
            self.run.seq = event.seq

    def _is_foreign(self, event: FoldedEvent) -> bool:
        """Whether the event is no change of the run: a file edit, or a manual status of a story outside the batch."""
        if event.type != "story:status":
            return False
        if event.payload["old_status"] == event.payload["new_status"]:
            return True
        known = (story.story_key for story in self.run.stories)
        return event.batch_id is None and event.payload["story_key"] not in known


def _batch_start(run: FoldedRun, payload: dict[str, Any], at: int) -> None:
    run.batch = BatchView(
        id=payload["batch_id"],
        status="running",
        max_cycles=payload["max_cycles"],
        cycles_completed=0,
        started_at=at,
        agent=payload.get("agent", ""),
        workflow=payload.get("workflow", ""),
        budget_usd=payload.get("budget_usd"),
        label=payload.get("label", ""),
    )
    run.state, run.reason, run.until, run.resumable = "running", None, None, None
    run.cycle, run.cycles, run.stories, run.attention = None, (), (), ()
    run.operations = _background(run)  # background commands of the previous batch may still run
    run.totals = Totals()


def _batch_end(run: FoldedRun, payload: dict[str, Any], at: int) -> None:
    run.state, run.reason, run.until, run.resumable = "idle", payload.get("reason"), None, None
    run.operations = _background(run)  # a command without a command:end was interrupted
    run.cycle, run.cycles = None, ()
    if run.batch is not None and run.batch.id == payload["batch_id"]:
        run.batch = replace(
            run.batch,
            status=payload["status"],
            cycles_completed=payload["cycles_completed"],
            ended_at=at,
            reason=payload.get("reason"),
        )


def _batch_pause(run: FoldedRun, payload: dict[str, Any], _at: int) -> None:
    reason = payload["reason"]
    run.reason, run.until = reason, payload.get("until")
    # An interrupted batch waits for a decision, not for a time, and nothing of it runs: for pages that is idle.
    run.state = "waiting" if reason in WAITS else "idle" if reason == "interrupted" else "paused"
    run.resumable = payload["batch_id"] if reason == "interrupted" else None
    if run.batch is not None:
        run.batch = replace(run.batch, status="interrupted" if reason == "interrupted" else "paused")


def _batch_resume(run: FoldedRun, _payload: dict[str, Any], _at: int) -> None:
    run.state, run.reason, run.until, run.resumable = "running", None, None, None
    if run.batch is not None:
        run.batch = replace(run.batch, status="running")


def _batch_warning(run: FoldedRun, payload: dict[str, Any], _at: int) -> None:
    if payload["warning_type"] in ("pausing", "stopping"):
        run.state = payload["warning_type"]
    elif payload["warning_type"] == "answered":
        answered = ("question", payload.get("command_id"))
        run.attention = tuple(view for view in run.attention if (view.kind, view.command_id) != answered)
    elif payload["warning_type"] == "decided":
        decided = ("gate", payload.get("gate_id"))
        run.attention = tuple(view for view in run.attention if (view.kind, view.gate_id) != decided)


def _cycle_start(run: FoldedRun, payload: dict[str, Any], at: int) -> None:
    run.cycle = CycleView(number=payload["cycle_number"], story_keys=tuple(payload["story_keys"]), started_at=at)
    run.cycles = (*_other_cycles(run, payload), run.cycle)
    for key in payload["story_keys"]:
        _put_story(run, replace(_story(run, key), cycle_number=payload["cycle_number"]))


def _cycle_end(run: FoldedRun, payload: dict[str, Any], _at: int) -> None:
    run.cycles = _other_cycles(run, payload)
    run.cycle = run.cycles[-1] if run.cycles else None
    if run.batch is not None:
        run.batch = replace(run.batch, cycles_completed=run.batch.cycles_completed + 1)


def _other_cycles(run: FoldedRun, payload: dict[str, Any]) -> tuple[CycleView, ...]:
    return tuple(cycle for cycle in run.cycles if cycle.number != payload["cycle_number"])


def _command_start(run: FoldedRun, payload: dict[str, Any], at: int) -> None:
    if "command_id" not in payload:
        return  # emitted without an id: no later event could end the operation
    operation = OperationView(
        command_id=payload["command_id"],
        story_key=payload["story_key"],
        story_keys=tuple(payload.get("story_keys", [payload["story_key"]])),
        command=payload["command"],
        task_id=payload["task_id"],
        attempt=payload.get("attempt", 1),
        agent=payload.get("agent", ""),
        model=payload.get("model"),
        background=payload.get("background", False),
        started_at=at,
        updated_at=at,
    )
    run.operations = (*_others(run, operation.command_id), operation)
    _put_story(run, _story(run, operation.story_key))


def _command_progress(run: FoldedRun, payload: dict[str, Any], at: int) -> None:
    run.operations = tuple(
        _progressed(operation, payload, at) if operation.command_id == payload.get("command_id") else operation
        for operation in run.operations
    )


def _progressed(operation: OperationView, payload: dict[str, Any], at: int) -> OperationView:
    return replace(
        operation,
        task_id=payload["task_id"],
        message=payload["message"],
        metrics=payload.get("metrics", operation.metrics),
        updated_at=at,
    )


def _command_end(run: FoldedRun, payload: dict[str, Any], _at: int) -> None:
    run.operations = _others(run, payload.get("command_id"))
    metrics = payload.get("metrics", {})
    story = _story(run, payload["story_key"])
    ended = replace(
        story,
        commands=story.commands + 1,
        cost_usd=story.cost_usd + metrics.get("cost_usd", 0.0),
        estimated_usd=story.estimated_usd + metrics.get("estimated_usd", 0.0),
    )
    _put_story(run, ended)
    run.totals = _added(run.totals, metrics, failed=payload["status"] != "success")


def _story_status(run: FoldedRun, payload: dict[str, Any], at: int) -> None:
    changed = replace(
        _story(run, payload["story_key"]),
        old_status=payload["old_status"],
        status=payload["new_status"],
        reason=payload.get("reason"),
        updated_at=at,
    )
    _put_story(run, changed)
    run.totals = replace(
        run.totals,
        stories_done=sum(story.status == "done" for story in run.stories),
        stories_blocked=sum(story.status == "blocked" for story in run.stories),
    )


def _attention(run: FoldedRun, payload: dict[str, Any], at: int) -> None:
    view = AttentionView(
        kind=payload["kind"],
        message=payload["message"],
        story_key=payload.get("story_key"),
        command_id=payload.get("command_id"),
        story_keys=tuple(payload.get("story_keys", ())),
        at=at,
        gate_id=payload.get("gate_id"),
        decisions=tuple(payload.get("decisions", ())),
    )
    run.attention = (*run.attention, view)[-ATTENTION_MAX:]


def _context_started(run: FoldedRun, payload: dict[str, Any], _at: int) -> None:
    run.context = ContextView(status="running", message=payload.get("message"))


def _context_complete(run: FoldedRun, payload: dict[str, Any], _at: int) -> None:
    run.context = None
    metrics = payload.get("metrics")
    if metrics is not None:
        # The context file belongs to no story, so its cost is in the totals only.
        run.totals = _added(run.totals, metrics, failed=payload["status"] != "success")


def _added(totals: Totals, metrics: dict[str, Any], *, failed: bool) -> Totals:
    """Return the totals with one more command added."""
    sums = {name: getattr(totals, name) + metrics.get(name, 0) for name in SUMMED}
    return replace(totals, commands=totals.commands + 1, commands_failed=totals.commands_failed + failed, **sums)


def _story(run: FoldedRun, key: str) -> StoryView:
    """Return the story's view, a new one for the first event of a story."""
    return next((story for story in run.stories if story.story_key == key), StoryView(story_key=key))


def _put_story(run: FoldedRun, story: StoryView) -> None:
    """Replace the story's view in its position, or append it."""
    keys = [known.story_key for known in run.stories]
    at = keys.index(story.story_key) if story.story_key in keys else len(keys)
    run.stories = (*run.stories[:at], story, *run.stories[at + 1 :])


def _background(run: FoldedRun) -> tuple[OperationView, ...]:
    return tuple(operation for operation in run.operations if operation.background)


def _others(run: FoldedRun, command_id: int | None) -> tuple[OperationView, ...]:
    return tuple(operation for operation in run.operations if operation.command_id != command_id)


_HANDLERS: Final[dict[str, Callable[[FoldedRun, dict[str, Any], int], None]]] = {
    "batch:start": _batch_start,
    "batch:end": _batch_end,
    "batch:pause": _batch_pause,
    "batch:resume": _batch_resume,
    "batch:warning": _batch_warning,
    "cycle:start": _cycle_start,
    "cycle:end": _cycle_end,
    "command:start": _command_start,
    "command:progress": _command_progress,
    "command:end": _command_end,
    "story:status": _story_status,
    "attention": _attention,
    "context:create": _context_started,
    "context:refresh": _context_started,
    "context:complete": _context_complete,
}
