"""The views of a run: the response of `GET /api/run` and the `run` of every `init`.

The structs are frozen: the fold replaces the part that an event changes, so a view never changes while it is
serialised. Times are ms since the epoch, costs are US dollars.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from payloads import Metrics
from runstate.forecast_view import ForecastView
from runstate.server_state import (
    AgentView,
    AwakeView,
    Budgets,
    FleetView,
    GuardianView,
    ProjectView,
    ServerState,
    StoryCounts,
)


class BatchView(msgspec.Struct, frozen=True):
    id: int
    status: str
    max_cycles: int | Literal["all"]
    cycles_completed: int
    started_at: int
    ended_at: int | None = None
    agent: str = ""
    workflow: str = ""
    budget_usd: float | None = None
    reason: str | None = None
    label: str = ""


class CycleView(msgspec.Struct, frozen=True):
    """A cycle that runs; `machine` is the worker that has its lane, `waits` whether it waits for a place on one."""

    number: int
    story_keys: tuple[str, ...]
    started_at: int
    machine: str | None = None
    waits: bool = False


class StoryView(msgspec.Struct, frozen=True):
    story_key: str
    status: str | None = None
    old_status: str | None = None
    reason: str | None = None
    cycle_number: int | None = None
    updated_at: int = 0
    cost_usd: float = 0.0
    estimated_usd: float = 0.0
    commands: int = 0


class OperationView(msgspec.Struct, frozen=True):
    """A command that runs now."""

    command_id: int
    story_key: str
    story_keys: tuple[str, ...]
    command: str
    task_id: str
    attempt: int
    agent: str
    model: str | None
    background: bool
    started_at: int
    updated_at: int
    message: str = ""
    machine: str | None = None
    metrics: Metrics = msgspec.field(default_factory=Metrics)


class Totals(msgspec.Struct, frozen=True):
    """Sums over the batch's finished commands and stories."""

    stories_done: int = 0
    stories_blocked: int = 0
    commands: int = 0
    commands_failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: float = 0.0
    estimated_usd: float = 0.0
    turns: int = 0


class AttentionView(msgspec.Struct, frozen=True):
    kind: str
    message: str
    story_key: str | None
    at: int
    command_id: int | None = None
    gate_id: int | None = None
    delivery_id: int | None = None
    decisions: tuple[str, ...] = ()
    story_keys: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


class ContextView(msgspec.Struct, frozen=True):
    status: str
    message: str | None = None


class QueueView(msgspec.Struct, frozen=True):
    """What the operator has put first, and when the batch stops; `only`: nothing else runs."""

    stories: tuple[str, ...] = ()
    only: bool = False
    after: str | None = None
    at: int | None = None


class QuotaView(msgspec.Struct, frozen=True):
    """A usage window of an account as it was reported at a time: `used_fraction` from 0 to 1."""

    account: str
    window: str
    used_fraction: float
    resets_at: int | None
    at: int


class TakeOverView(msgspec.Struct, frozen=True):
    """A story that the operator has taken over, or will have as soon as what runs in its folder has ended."""

    story_key: str
    state: str
    folder: str
    message: str
    command_line: str | None
    at: int


class FoldedRun(msgspec.Struct, kw_only=True):
    """The run after the committed events up to and including `seq`; only the fold assigns its fields."""

    state: str = "idle"
    reason: str | None = None
    until: int | None = None
    batch: BatchView | None = None
    cycle: CycleView | None = None
    cycles: tuple[CycleView, ...] = ()
    stories: tuple[StoryView, ...] = ()
    operations: tuple[OperationView, ...] = ()
    totals: Totals = Totals()
    attention: tuple[AttentionView, ...] = ()
    context: ContextView | None = None
    resumable: int | None = None
    queue: QueueView = QueueView()
    quota: tuple[QuotaView, ...] = ()
    takeovers: tuple[TakeOverView, ...] = ()
    seq: int = 0


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /api/run`. Limits, agent, project, plan and problem come from the server, the rest from events up to
    `seq`."""

    state: str
    reason: str | None
    until: int | None
    batch: BatchView | None
    cycle: CycleView | None  # the newest of `cycles`
    cycles: tuple[CycleView, ...]  # in the order of their starts
    stories: tuple[StoryView, ...]
    operations: tuple[OperationView, ...]
    totals: Totals
    attention: tuple[AttentionView, ...]
    context: ContextView | None
    resumable: int | None
    queue: QueueView
    quota: tuple[QuotaView, ...]  # by account and window
    takeovers: tuple[TakeOverView, ...]
    seq: int
    limits: Budgets
    agent: AgentView
    project: ProjectView
    plan: StoryCounts
    guardian: GuardianView
    awake: AwakeView
    problem: str | None
    forecast: ForecastView | None  # of what is left of the batch
    fleet: FleetView | None


def run_view(fold: FoldedRun, server: ServerState, state: str) -> Run:
    """Return the current run. `state` comes from the orchestrator, because no event is emitted for `starting`."""
    folded = {name: getattr(fold, name) for name in FoldedRun.__struct_fields__}
    return Run(**{**folded, **msgspec.structs.asdict(server), "state": state})
