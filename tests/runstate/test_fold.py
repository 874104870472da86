"""The fold that `GET /api/run` answers with: every event's effect, and what it leaves alone."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from payloads import EventType, Metrics
from runstate.fold import STATES, RunState
from runstate.handlers import ATTENTION_MAX
from runstate.server_state import AgentView, ServerState
from runstate.views import run_view

METRICS = {
    "input_tokens": 10,
    "output_tokens": 20,
    "cache_read_tokens": 30,
    "cache_write_tokens": 40,
    "cost_usd": 0.5,
    "turns": 3,
}


@dataclass
class StoredEvent:
    type: str
    payload: dict[str, Any]
    timestamp: int = 0
    seq: int = 0
    batch_id: int | None = 42


@dataclass
class Fold:
    """A run state and a way to feed it events by keyword."""

    state: RunState = field(default_factory=RunState)
    seq: int = 0

    def feed(self, type: str, /, **payload: Any) -> Any:
        self.seq += 1
        self.state.apply([StoredEvent(type, payload, 1000 + self.seq, self.seq)])
        return self.run

    @property
    def run(self) -> Any:
        return self.state.run

    def command(self, what: str, key: str = "1-1-a", id: int = 7, **more: Any) -> Any:
        return self.feed(f"command:{what}", story_key=key, command="dev-story", task_id="setup", command_id=id, **more)


@pytest.fixture
def fold() -> Fold:
    made = Fold()
    made.feed("batch:start", batch_id=42, max_cycles=2, agent="codex", workflow="classic", budget_usd=9.5)
    return made


def test_a_new_state_is_idle_and_empty() -> None:
    shown = json.loads(msgspec.json.encode(run_view(RunState().run, ServerState(), "idle")))
    assert (shown["state"], shown["batch"], shown["seq"], shown["resumable"]) == ("idle", None, 0, None)
    assert all(shown[name] == [] for name in ("stories", "operations", "attention"))
    assert list(shown) == [
        "state", "reason", "until", "batch", "cycle", "cycles", "stories", "operations", "totals", "attention",
        "context", "resumable", "queue", "quota", "takeovers", "seq", "limits", "agent", "project", "plan", "guardian",
        "awake", "problem", "forecast", "fleet",
    ]  # fmt: skip


def test_a_start_sets_the_batch(fold: Fold) -> None:
    batch = fold.run.batch
    assert fold.run.state == "running"
    assert (batch.id, batch.status, batch.max_cycles, batch.cycles_completed) == (42, "running", 2, 0)
    assert (batch.started_at, batch.ended_at, batch.agent, batch.workflow, batch.budget_usd) == (
        (1001, None, "codex", "classic", 9.5)
    )


def test_a_start_says_all_where_no_number_was_given() -> None:
    run = Fold().feed("batch:start", batch_id=1, max_cycles="all")
    assert (run.batch.max_cycles, run.batch.budget_usd) == ("all", None)


def test_a_start_empties_what_was_before_but_not_the_background(fold: Fold) -> None:
    fold.command("start", id=1)
    fold.command("start", id=2, background=True)
    fold.command("end", id=3, status="success", metrics=METRICS)
    fold.feed("attention", kind="blocked", message="look")
    fold.feed("cycle:start", cycle_number=1, story_keys=["1-1-a"])
    fold.feed("batch:pause", batch_id=42, reason="interrupted")
    run = fold.feed("batch:start", batch_id=43, max_cycles=1)
    assert (run.state, run.reason, run.until, run.resumable, run.cycle) == ("running", None, None, None, None)
    assert (run.stories, run.attention, run.totals.commands, run.totals.cost_usd) == ((), (), 0, 0.0)
    assert [operation.command_id for operation in run.operations] == [2]


@pytest.mark.parametrize("status", ["completed", "stopped", "error"])
def test_an_end_leaves_the_state_idle_whatever_the_status(fold: Fold, status: str) -> None:
    fold.command("start", id=1)
    fold.command("start", id=2, background=True)
    run = fold.feed("batch:end", batch_id=42, cycles_completed=1, status=status, reason="because")
    assert (run.state, run.reason, run.resumable, run.cycle) == ("idle", "because", None, None)
    assert (run.batch.status, run.batch.cycles_completed, run.batch.ended_at, run.batch.reason) == (
        (status, 1, run.seq + 1000, "because")
    )
    assert [operation.command_id for operation in run.operations] == [2]
    assert fold.state.active_batch is None


def test_the_end_of_another_batch_does_not_touch_this_one(fold: Fold) -> None:
    run = fold.feed("batch:end", batch_id=41, cycles_completed=9, status="stopped")
    assert (run.batch.status, run.batch.cycles_completed, run.batch.ended_at) == ("running", 0, None)


PAUSES = [
    ("operator", "paused", "paused", None),
    ("budget", "paused", "paused", None),
    ("disk", "paused", "paused", None),
    ("usage-limit", "waiting", "paused", None),
    ("interrupted", "idle", "interrupted", 42),
]


@pytest.mark.parametrize(("reason", "state", "status", "resumable"), PAUSES)
def test_a_pause_says_why_and_until_when(
    fold: Fold, reason: str, state: str, status: str, resumable: int | None
) -> None:
    run = fold.feed("batch:pause", batch_id=42, reason=reason, until=99)
    assert (run.state, run.reason, run.until, run.resumable) == (state, reason, 99, resumable)
    assert run.batch.status == status
    run = fold.feed("batch:resume", batch_id=42, reason="operator")
    assert (run.state, run.reason, run.until, run.resumable, run.batch.status) == (
        ("running", None, None, None, "running")
    )


@pytest.mark.parametrize(
    ("kind", "state"), [("pausing", "pausing"), ("stopping", "stopping"), ("budget", "running"), ("git", "running")]
)
def test_a_warning_changes_the_state_only_before_a_pause_or_a_stop(fold: Fold, kind: str, state: str) -> None:
    run = fold.feed("batch:warning", batch_id=42, warning_type=kind, message="m")
    assert run.state == state
    assert run.state in STATES


def test_a_cycle_is_counted_when_it_ends(fold: Fold) -> None:
    run = fold.feed("cycle:start", cycle_number=1, story_keys=["1-1-a", "1-2-b"])
    assert (run.cycle.number, run.cycle.story_keys, run.cycle.started_at) == (1, ("1-1-a", "1-2-b"), 1002)
    assert [(story.story_key, story.cycle_number, story.status) for story in run.stories] == [
        ("1-1-a", 1, None),
        ("1-2-b", 1, None),
    ]
    run = fold.feed("cycle:end", cycle_number=1, completed_stories=["1-1-a"])
    assert (run.cycle, run.cycles, run.batch.cycles_completed) == (None, (), 1)


def test_several_cycles_may_be_under_way(fold: Fold) -> None:
    for number, key in enumerate(["1-1-a", "2-1-b", "3-1-c"], start=1):
        fold.feed("cycle:start", cycle_number=number, story_keys=[key])
    run = fold.feed("cycle:end", cycle_number=2, completed_stories=[])
    assert [cycle.number for cycle in run.cycles] == [1, 3]
    assert run.cycle == run.cycles[-1]
    run = fold.feed("cycle:end", cycle_number=3, completed_stories=[])
    assert (run.cycle, run.batch.cycles_completed) == (run.cycles[0], 2)
    assert run.cycle.story_keys == ("1-1-a",)


def test_a_command_is_an_operation_while_it_runs(fold: Fold) -> None:
    fold.command("start", attempt=2, agent="codex", model="light", story_keys=["1-1-a", "1-2-b"], background=True)
    (operation,) = fold.run.operations
    assert (operation.command_id, operation.attempt, operation.agent, operation.model) == (7, 2, "codex", "light")
    assert (operation.story_keys, operation.background) == (("1-1-a", "1-2-b"), True)
    fold.feed(
        "command:progress",
        story_key="1-1-a",
        command="dev-story",
        task_id="tests",
        message="Bash: pytest -q",
        command_id=7,
        metrics={"output_tokens": 5},
    )
    (operation,) = fold.run.operations
    assert (operation.task_id, operation.message, operation.metrics) == (
        ("tests", "Bash: pytest -q", Metrics(output_tokens=5))
    )
    assert operation.started_at < operation.updated_at
    fold.command("progress", message="no metrics")
    assert fold.run.operations[0].metrics == Metrics(output_tokens=5)
    fold.command("end", status="success")
    assert fold.run.operations == ()


def test_parallel_commands_do_not_overwrite_each_other(fold: Fold) -> None:
    """Pitfall: keyed by task id; both of these are at `setup` of the same story."""
    fold.command("start", id=1)
    fold.command("start", id=2)
    fold.command("progress", id=2, message="second")
    assert [(each.command_id, each.message) for each in fold.run.operations] == [(1, ""), (2, "second")]
    fold.command("end", id=1, status="success")
    assert [each.command_id for each in fold.run.operations] == [2]


def test_the_same_command_reported_twice_is_one_operation(fold: Fold) -> None:
    fold.command("start")
    fold.command("start")
    assert len(fold.run.operations) == 1


def test_a_command_without_an_id_is_no_operation(fold: Fold) -> None:
    received = {"story_key": "1-1-a", "command": "dev-story", "task_id": "setup"}
    fold.feed("command:start", **received)
    fold.feed("command:progress", **received, message="m")
    run = fold.feed("command:end", **received, status="success", metrics=METRICS)
    assert (run.operations, run.totals.commands, run.totals.cost_usd) == ((), 1, 0.5)


def test_what_a_command_used_is_booked_at_its_end(fold: Fold) -> None:
    for status in ("success", "error", "timeout", "stopped"):
        fold.command("end", status=status, metrics=METRICS)
    fold.command("end", status="success", verdict="blocked")  # held its story up; who was stopped has not failed
    totals = fold.run.totals
    assert (totals.commands, totals.commands_failed, totals.turns, totals.cost_usd) == (5, 3, 12, 2.0)
    assert (totals.input_tokens, totals.output_tokens) == (40, 80)
    assert (totals.cache_read_tokens, totals.cache_write_tokens) == (120, 160)
    (story,) = fold.run.stories
    assert (story.cost_usd, story.commands) == (2.0, 5)


def test_a_status_is_the_newest_and_is_counted_once(fold: Fold) -> None:
    changes = [("1-1-a", "review", "done"), ("1-2-b", "backlog", "blocked"), ("1-1-a", "review", "done")]
    for key, old, new in changes:
        fold.feed("story:status", story_key=key, old_status=old, new_status=new, reason="r")
    run = fold.run
    assert [(story.story_key, story.old_status, story.status, story.reason) for story in run.stories] == [
        ("1-1-a", "review", "done", "r"),
        ("1-2-b", "backlog", "blocked", "r"),
    ]
    assert (run.totals.stories_done, run.totals.stories_blocked) == (1, 1)
    run = fold.feed("story:status", story_key="1-2-b", old_status="blocked", new_status="backlog")
    assert (run.totals.stories_blocked, run.stories[1].reason) == (0, None)


def test_an_answered_question_needs_no_operator(fold: Fold) -> None:
    for command_id in (7, 8):
        fold.feed("attention", kind="question", message="which?", story_key="1-1-a", command_id=command_id)
    fold.feed("attention", kind="blocked", message="look", command_id=7)
    run = fold.feed("batch:warning", batch_id=1, warning_type="answered", message="so", command_id=7)
    assert [(view.kind, view.command_id) for view in run.attention] == [("question", 8), ("blocked", 7)]


def test_attention_is_kept_until_the_next_batch(fold: Fold) -> None:
    fold.feed("attention", kind="blocked", message="first", story_key="1-1-a")
    run = fold.feed("attention", kind="budget", message="second")
    assert [(each.kind, each.story_key, each.at) for each in run.attention] == [
        ("blocked", "1-1-a", 1002),
        ("budget", None, 1003),
    ]
    run = fold.feed("batch:end", batch_id=42, cycles_completed=0, status="stopped")
    assert len(run.attention) == 2


@pytest.mark.parametrize("kind", ["create", "refresh"])
def test_work_on_the_context_never_touches_the_state(fold: Fold, kind: str) -> None:
    """Pitfall: a background chain that ends after the batch sets the state back to running."""
    fold.feed("batch:end", batch_id=42, cycles_completed=0, status="stopped")
    run = fold.feed(f"context:{kind}", status="running", message="writing")
    assert (run.state, run.context.status, run.context.message) == ("idle", "running", "writing")
    run = fold.feed("context:complete", status="error", metrics=METRICS)
    assert (run.state, run.context, run.totals.commands, run.totals.commands_failed) == ("idle", None, 1, 1)
    assert run.totals.cost_usd == 0.5


def test_an_event_of_an_older_version_with_an_undeclared_key_of_another_type_is_left_out(
    fold: Fold, caplog: pytest.LogCaptureFixture
) -> None:
    fold.command("start", story_keys=42)
    assert (fold.run.operations, fold.run.seq) == ((), 2)
    assert "event 2 was not folded: command:start" in caplog.text


def test_context_without_metrics_is_no_command(fold: Fold) -> None:
    assert fold.feed("context:complete", status="stopped").totals.commands == 0


@pytest.mark.parametrize("what", ["start", "progress", "end"])
def test_background_commands_after_the_batch_leave_it_idle(fold: Fold, what: str) -> None:
    fold.command("start", background=True)
    fold.feed("batch:end", batch_id=42, cycles_completed=0, status="completed")
    more: dict[str, Any] = {"start": {}, "progress": {"message": "m"}, "end": {"status": "success"}}[what]
    assert fold.command(what, background=True, **more).state == "idle"


def test_the_state_is_true_at_the_seq_of_the_last_event(fold: Fold) -> None:
    assert fold.feed("error", type="tracker", message="m").seq == 2
    assert fold.feed("of:the-future", any="thing").seq == 3


@pytest.mark.parametrize("type", [type for type in EventType if not type.startswith("batch:")])
def test_no_other_event_changes_the_state_of_the_run(type: EventType) -> None:
    payload = {
        "story_key": "a", "command": "c", "task_id": "t", "command_id": 1, "message": "m", "status": "success",
        "cycle_number": 1, "story_keys": ["a"], "completed_stories": [], "old_status": "x", "new_status": "done",
        "type": "t", "kind": "k",
    }  # fmt: skip
    assert Fold().feed(type, **payload).state == "idle"


@pytest.mark.parametrize("reason", ["operator", "usage-limit", "budget"])
def test_a_paused_batch_is_still_the_active_one(fold: Fold, reason: str) -> None:
    fold.feed("batch:pause", batch_id=42, reason=reason)
    assert fold.state.active_batch is not None


def test_an_interrupted_batch_is_not_active(fold: Fold) -> None:
    fold.feed("batch:pause", batch_id=42, reason="interrupted")
    assert fold.state.active_batch is None


@pytest.mark.parametrize("type", ["batch:pause", "batch:resume", "batch:end", "cycle:end"])
def test_a_log_that_begins_in_the_middle_is_no_fault(type: str) -> None:
    more = {"reason": "operator", "cycles_completed": 1, "status": "stopped"}
    run = Fold().feed(type, batch_id=1, **more)
    assert run.batch is None


def test_two_states_share_nothing(fold: Fold) -> None:
    fold.feed("attention", kind="k", message="m")
    fold.feed("cycle:start", cycle_number=1, story_keys=["a"])
    assert RunState().run.stories == ()
    assert RunState().run.attention == ()


def test_a_status_set_outside_the_run_adds_no_story_to_the_batch(fold: Fold) -> None:
    fold.state.apply(
        [
            StoredEvent(
                "story:status", {"story_key": "9-9-x", "old_status": "review", "new_status": "done"}, batch_id=None
            )
        ]
    )
    assert fold.run.stories == ()
    assert fold.run.totals.stories_done == 0
    fold.feed("story:status", story_key="1-1-a", old_status="backlog", new_status="blocked")
    fold.state.apply(
        [
            StoredEvent(
                "story:status", {"story_key": "1-1-a", "old_status": "blocked", "new_status": "done"}, batch_id=None
            )
        ]
    )
    assert fold.run.totals.stories_done == 1


def test_only_the_newest_calls_for_the_operator_are_kept(fold: Fold) -> None:
    for number in range(ATTENTION_MAX + 5):
        fold.feed("attention", kind="blocked", message=str(number))
    assert [view.message for view in fold.run.attention] == [str(number) for number in range(5, ATTENTION_MAX + 5)]


def test_a_status_that_stays_changes_nothing(fold: Fold) -> None:
    fold.feed("story:status", story_key="1-1-a", old_status="review", new_status="blocked", reason="why")
    fold.feed("story:status", story_key="1-1-a", old_status="blocked", new_status="blocked", reason="1 of 2 tasks done")
    assert [story.reason for story in fold.run.stories] == ["why"]


def test_a_view_stays_as_it_was_handed_out(fold: Fold) -> None:
    fold.command("start")
    view = run_view(fold.run, ServerState(), "running")
    before = msgspec.json.encode(view)
    fold.command("progress", message="later", metrics=METRICS)
    fold.command("end", status="success", metrics=METRICS)
    fold.feed("story:status", story_key="1-1-a", old_status="review", new_status="done")
    fold.feed("batch:end", batch_id=42, cycles_completed=1, status="completed")
    assert msgspec.json.encode(view) == before


def test_a_view_joins_the_fold_with_what_the_server_knows(fold: Fold) -> None:
    server = ServerState(agent=AgentView(name="codex"), problem="the disk is full")
    view = run_view(fold.run, server, "starting")
    assert (view.state, view.agent.name, view.problem, view.batch) == (
        "starting", "codex", "the disk is full", fold.run.batch,
    )  # fmt: skip
    assert fold.run.state == "running"


def test_the_seq_of_a_restored_state_is_that_of_the_newest_event(fold: Fold) -> None:
    state = RunState()
    state.restore([StoredEvent("batch:start", {"batch_id": 42, "max_cycles": 1}, 1000, 5)], 9)
    assert (state.run.state, state.run.seq) == ("running", 9)


def test_the_order_of_a_queue_outlives_its_batch(fold: Fold) -> None:
    queue = fold.feed("run:queue", stories=["1-2-b"], only=True, after="time", at=99).queue
    assert msgspec.structs.asdict(queue) == {"stories": ("1-2-b",), "only": True, "after": "time", "at": 99}
    ended = fold.feed("batch:end", batch_id=42, cycles_completed=1, status="stopped").queue
    assert msgspec.structs.asdict(ended) == {"stories": ("1-2-b",), "only": False, "after": None, "at": None}
