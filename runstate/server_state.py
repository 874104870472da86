"""What the server alone knows of a run: the project, its plan in numbers, the agent, the caps, a failing database.

No event carries these, so they stand beside the fold and are joined with it in a response (`runstate/views.py`).
"""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """Caps in US dollars; `today_usd` is what was spent since local midnight."""

    budget_batch_usd: float | None = None
    budget_day_usd: float | None = None
    today_usd: float = 0.0


class AgentView(msgspec.Struct, frozen=True):
    """The agent of the settings; `problem` says why it cannot run."""

    name: str = ""
    kind: str = ""
    version: str | None = None
    problem: str | None = None


class ProjectView(msgspec.Struct, frozen=True):
    name: str = ""
    root: str = ""
    tracker: str = ""


class Plan(msgspec.Struct, frozen=True):
    """The whole tracker in four numbers."""

    done: int = 0
    total: int = 0
    blocked: int = 0
    runnable: int = 0


class ServerState(msgspec.Struct):
    """The newest of each; the project watcher assigns them while the server runs."""

    limits: Limits = Limits()
    agent: AgentView = AgentView()
    project: ProjectView = ProjectView()
    plan: Plan = Plan()
    problem: str | None = None
