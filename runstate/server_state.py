"""The state that only the server knows: project, story counts, agent, budgets, a failing database.

No event carries these, so they are kept apart from the fold and joined with it in a response (`runstate/views.py`).
"""

from __future__ import annotations

import msgspec

from runstate.forecast_view import ForecastView


class Budgets(msgspec.Struct, frozen=True):
    """Budgets in US dollars; `today_usd` is the cost since local midnight."""

    budget_batch_usd: float | None = None
    budget_day_usd: float | None = None
    today_usd: float = 0.0


class AgentView(msgspec.Struct, frozen=True):
    """The agent of the settings; `problem` is the reason why it cannot run."""

    name: str = ""
    kind: str = ""
    version: str | None = None
    problem: str | None = None


class ProjectView(msgspec.Struct, frozen=True):
    """The project: its name, its folder and its tracker, as absolute paths."""

    name: str = ""
    root: str = ""
    tracker: str = ""


class StoryCounts(msgspec.Struct, frozen=True):
    """The number of stories in the tracker by state."""

    done: int = 0
    total: int = 0
    blocked: int = 0
    runnable: int = 0


class GuardianView(msgspec.Struct, frozen=True):
    """By which means the processes of a killed server are ended on this system, and that in a sentence."""

    means: tuple[str, ...] = ()
    sentence: str = ""


class AwakeView(msgspec.Struct, frozen=True):
    """Whether the machine is kept from sleeping now, by which program, and why that is not possible."""

    active: bool = False
    means: str | None = None
    problem: str | None = None


class FleetView(msgspec.Struct, frozen=True):
    """This runner in its fleet: its name there, whether the broker has it now, and what keeps it from that."""

    name: str
    address: str
    connected: bool = False
    problem: str | None = None


class ServerState(msgspec.Struct):
    """The current values; the project watcher updates them while the server runs."""

    limits: Budgets = Budgets()
    agent: AgentView = AgentView()
    project: ProjectView = ProjectView()
    plan: StoryCounts = StoryCounts()
    guardian: GuardianView = GuardianView()
    awake: AwakeView = AwakeView()
    problem: str | None = None
    forecast: ForecastView | None = None
    fleet: FleetView | None = None  # null without a fleet
