"""What the page shows of a run, as values: the answer of `GET /api/run` and of every `init`.

Plain mutable structs, filled by the fold in `runstate/fold.py`. Times are ms since the epoch, money is US dollars.
"""

from __future__ import annotations

from typing import Any

import msgspec


class BatchView(msgspec.Struct):
    id: int
    status: str
    max_cycles: int | str
    cycles_completed: int
    started_at: int
    ended_at: int | None = None
    agent: str = ""
    workflow: str = ""
    budget_usd: float | None = None
    reason: str | None = None


class CycleView(msgspec.Struct):
    number: int
    story_keys: list[str]
    started_at: int


class StoryView(msgspec.Struct):
    story_key: str
    status: str | None = None
    old_status: str | None = None
    reason: str | None = None
    cycle_number: int | None = None
    updated_at: int = 0
    cost_usd: float = 0.0
    estimated_usd: float = 0.0
    commands: int = 0


class OperationView(msgspec.Struct):
    """A command that runs now."""

    command_id: int
    story_key: str
    story_keys: list[str]
    command: str
    task_id: str
    attempt: int
    agent: str
    model: str | None
    background: bool
    started_at: int
    updated_at: int
    message: str = ""
    metrics: dict[str, Any] = {}


class Totals(msgspec.Struct):
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


class AttentionView(msgspec.Struct):
    kind: str
    message: str
    story_key: str | None
    at: int
    command_id: int | None = None


class ContextView(msgspec.Struct):
    status: str
    message: str | None = None


class Limits(msgspec.Struct):
    """Caps in US dollars; `today_usd` is what was spent since local midnight."""

    budget_batch_usd: float | None = None
    budget_day_usd: float | None = None
    today_usd: float = 0.0


class AgentView(msgspec.Struct):
    name: str = ""
    kind: str = ""
    version: str | None = None
    problem: str | None = None


class ProjectView(msgspec.Struct):
    name: str = ""
    root: str = ""
    tracker: str = ""


class Plan(msgspec.Struct):
    """The whole tracker in four numbers."""

    done: int = 0
    total: int = 0
    blocked: int = 0
    runnable: int = 0


class Run(msgspec.Struct):
    """`GET /api/run`. Everything comes from events up to `seq`, but agent, project, limits and plan: the server's."""

    state: str = "idle"
    reason: str | None = None
    until: int | None = None
    batch: BatchView | None = None
    cycle: CycleView | None = None  # the newest of `cycles`
    cycles: list[CycleView] = []  # in the order in which they were started
    stories: list[StoryView] = []
    operations: list[OperationView] = []
    totals: Totals = msgspec.field(default_factory=Totals)
    attention: list[AttentionView] = []
    context: ContextView | None = None
    resumable: int | None = None
    seq: int = 0
    limits: Limits = msgspec.field(default_factory=Limits)
    agent: AgentView = msgspec.field(default_factory=AgentView)
    project: ProjectView = msgspec.field(default_factory=ProjectView)
    plan: Plan = msgspec.field(default_factory=Plan)
    problem: str | None = None
