"""The state of the run as the page shows it: a fold over committed events.

Owns `RunState`, which `GET /api/run` and every `init` answer with. It is built from nothing but committed events, so
it is true at exactly one `seq` and survives a crash; `static/state.js` folds the same events by the same rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

from runstate.views import (
    AttentionView,
    BatchView,
    ContextView,
    CycleView,
    OperationView,
    Run,
    StoryView,
    Totals,
)

STATES: Final = ("idle", "starting", "running", "pausing", "paused", "stopping", "waiting")
ATTENTION_MAX: Final = 100  # newest calls for the operator that are kept in the snapshot; the log has them all
TOKENS: Final = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")


class FoldedEvent(Protocol):
    """What the fold needs of an event, live or read back."""

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
    """The fold. `apply` takes committed events in order; `run` is the state after the last of them."""

    def __init__(self) -> None:
        self.run = Run()

    @property
    def active_batch(self) -> BatchView | None:
        """The batch that is running, paused or waiting; None between batches."""
        return self.run.batch if self.run.state != "idle" else None

    def apply(self, events: Iterable[FoldedEvent] | Sequence[FoldedEvent]) -> None:
        for event in events:
            handler = _HANDLERS.get(event.type)
            if handler is not None and not self._is_foreign(event):
                handler(self.run, event.payload, event.timestamp)
            self.run.seq = event.seq

    def _is_foreign(self, event: FoldedEvent) -> bool:
        """A status that stays (its file changed), or that somebody set of a story that the batch has not met."""
        if event.type != "story:status":
            return False
        if event.payload["old_status"] == event.payload["new_status"]:
            return True
        known = (story.story_key for story in self.run.stories)
        return event.batch_id is None and event.payload["story_key"] not in known


def _batch_start(run: Run, payload: dict[str, Any], at: int) -> None:
    run.batch = BatchView(
        id=payload["batch_id"],
        status="running",
        max_cycles=payload["max_cycles"],
        cycles_completed=0,
        started_at=at,
        agent=payload.get("agent", ""),
        workflow=payload.get("workflow", ""),
        budget_usd=payload.get("budget_usd"),
    )
    run.state, run.reason, run.until, run.resumable = "running", None, None, None
    run.cycle, run.cycles, run.stories, run.attention = None, [], [], []
    run.operations = [operation for operation in run.operations if operation.background]
    run.totals = Totals()


def _batch_end(run: Run, payload: dict[str, Any], at: int) -> None:
    run.state, run.reason, run.until, run.resumable = "idle", payload.get("reason"), None, None
    run.operations = [operation for operation in run.operations if operation.background]
    run.cycle, run.cycles = None, []
    if run.batch is not None and run.batch.id == payload["batch_id"]:
        run.batch.status = payload["status"]
        run.batch.cycles_completed = payload["cycles_completed"]
        run.batch.ended_at = at
        run.batch.reason = payload.get("reason")


def _batch_pause(run: Run, payload: dict[str, Any], _at: int) -> None:
    reason = payload["reason"]
    run.reason, run.until = reason, payload.get("until")
    run.state = {"usage-limit": "waiting", "unreachable": "waiting", "interrupted": "idle"}.get(reason, "paused")
    run.resumable = payload["batch_id"] if reason == "interrupted" else None
    if run.batch is not None:
        run.batch.status = "interrupted" if reason == "interrupted" else "paused"


def _batch_resume(run: Run, _payload: dict[str, Any], _at: int) -> None:
    run.state, run.reason, run.until, run.resumable = "running", None, None, None
    if run.batch is not None:
        run.batch.status = "running"


def _batch_warning(run: Run, payload: dict[str, Any], _at: int) -> None:
    if payload["warning_type"] in ("pausing", "stopping"):
        run.state = payload["warning_type"]
    elif payload["warning_type"] == "answered":
        answered = ("question", payload.get("command_id"))
        run.attention = [view for view in run.attention if (view.kind, view.command_id) != answered]


def _cycle_start(run: Run, payload: dict[str, Any], at: int) -> None:
    run.cycle = CycleView(number=payload["cycle_number"], story_keys=list(payload["story_keys"]), started_at=at)
    run.cycles = [*_other_cycles(run, payload), run.cycle]
    for key in payload["story_keys"]:
        _story(run, key).cycle_number = payload["cycle_number"]


def _cycle_end(run: Run, payload: dict[str, Any], _at: int) -> None:
    run.cycles = _other_cycles(run, payload)
    run.cycle = run.cycles[-1] if run.cycles else None
    if run.batch is not None:
        run.batch.cycles_completed += 1


def _other_cycles(run: Run, payload: dict[str, Any]) -> list[CycleView]:
    return [cycle for cycle in run.cycles if cycle.number != payload["cycle_number"]]


def _command_start(run: Run, payload: dict[str, Any], at: int) -> None:
    if "command_id" not in payload:
        return
    operation = OperationView(
        command_id=payload["command_id"],
        story_key=payload["story_key"],
        story_keys=payload.get("story_keys", [payload["story_key"]]),
        command=payload["command"],
        task_id=payload["task_id"],
        attempt=payload.get("attempt", 1),
        agent=payload.get("agent", ""),
        model=payload.get("model"),
        background=payload.get("background", False),
        started_at=at,
        updated_at=at,
    )
    run.operations = [*_others(run, operation.command_id), operation]
    _story(run, operation.story_key)


def _command_progress(run: Run, payload: dict[str, Any], at: int) -> None:
    for operation in run.operations:
        if operation.command_id == payload.get("command_id"):
            operation.task_id = payload["task_id"]
            operation.message = payload["message"]
            operation.metrics = payload.get("metrics", operation.metrics)
            operation.updated_at = at


def _command_end(run: Run, payload: dict[str, Any], _at: int) -> None:
    run.operations = _others(run, payload.get("command_id"))
    metrics = payload.get("metrics", {})
    story = _story(run, payload["story_key"])
    story.commands += 1
    story.cost_usd += metrics.get("cost_usd", 0.0)
    story.estimated_usd += metrics.get("estimated_usd", 0.0)
    _book(run.totals, metrics, failed=payload["status"] != "success")


def _story_status(run: Run, payload: dict[str, Any], at: int) -> None:
    story = _story(run, payload["story_key"])
    story.old_status, story.status = payload["old_status"], payload["new_status"]
    story.reason, story.updated_at = payload.get("reason"), at
    run.totals.stories_done = sum(story.status == "done" for story in run.stories)
    run.totals.stories_blocked = sum(story.status == "blocked" for story in run.stories)


def _attention(run: Run, payload: dict[str, Any], at: int) -> None:
    view = AttentionView(
        kind=payload["kind"],
        message=payload["message"],
        story_key=payload.get("story_key"),
        command_id=payload.get("command_id"),
        at=at,
    )
    run.attention = [*run.attention, view][-ATTENTION_MAX:]


def _context_started(run: Run, payload: dict[str, Any], _at: int) -> None:
    run.context = ContextView(status="running", message=payload.get("message"))


def _context_complete(run: Run, payload: dict[str, Any], _at: int) -> None:
    run.context = None
    metrics = payload.get("metrics")
    if metrics is not None:
        _book(run.totals, metrics, failed=payload["status"] != "success")


def _book(totals: Totals, metrics: dict[str, Any], *, failed: bool) -> None:
    totals.commands += 1
    totals.commands_failed += failed
    totals.cost_usd += metrics.get("cost_usd", 0.0)
    totals.estimated_usd += metrics.get("estimated_usd", 0.0)
    totals.turns += metrics.get("turns", 0)
    for name in TOKENS:
        setattr(totals, name, getattr(totals, name) + metrics.get(name, 0))


def _story(run: Run, key: str) -> StoryView:
    """The story's view, added at the end when the batch has not met it yet."""
    for story in run.stories:
        if story.story_key == key:
            return story
    story = StoryView(story_key=key)
    run.stories.append(story)
    return story


def _others(run: Run, command_id: int | None) -> list[OperationView]:
    return [operation for operation in run.operations if operation.command_id != command_id]


_HANDLERS: Final[dict[str, Callable[[Run, dict[str, Any], int], None]]] = {
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
