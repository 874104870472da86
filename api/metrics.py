"""`GET /metrics`: Prometheus text format, version 0.0.4.

Names, labels and units follow Prometheus' conventions: base units, `_total` for what only grows, the standard
`process_` names. Counters of commands, tokens and money are read from the ledger, so they survive a restart.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from aiohttp import web

from api.http import SERVICES, Services
from runstate.fold import STATES
from settings.version import VERSION
from store.counters import get_counters
from store.quota import current

# The time of the import, some milliseconds after the process began: enough to recognise a restart.
STARTED_AT: Final = time.time()
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Sample = tuple[Mapping[str, str], float]
NO_LABELS: Final[Mapping[str, str]] = {}


class Exposition:
    """The text of the response, built family by family."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, name: str, kind: str, help_text: str, samples: Iterable[Sample]) -> None:
        """Add a family of samples; `name` without our prefix, or one of the standard `process_` names."""
        full = name if name.startswith("process_") else f"sprint_runner_{name}"
        self._lines += [f"# HELP {full} {help_text}", f"# TYPE {full} {kind}"]
        self._lines += [f"{full}{_labels(labels)} {value}" for labels, value in samples]

    def gauge(self, name: str, help_text: str, value: float) -> None:
        self.add(name, "gauge", help_text, [(NO_LABELS, value)])

    def counter(self, name: str, help_text: str, value: float) -> None:
        self.add(name, "counter", help_text, [(NO_LABELS, value)])

    @property
    def text(self) -> str:
        return "\n".join(self._lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    escaped = (
        # The three escapes of the format; the backslash comes first, or those of the others would be escaped again.
        (name, value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"))
        for name, value in labels.items()
    )
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped) + "}"


async def get_metrics(request: web.Request) -> web.Response:
    services, families = request.app[SERVICES], Exposition()
    _events(families, services)
    _run(families, services)
    await _quota(families, services)
    await _ledger(families, services)
    await asyncio.to_thread(_process, families)
    return web.Response(text=families.text, headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"})


def _events(families: Exposition, services: Services) -> None:
    hub, writer = services.hub, services.database.writer
    # `seq` has no gaps, so the newest one is the number of all events, also of those that were pruned.
    families.counter("events_total", "Events committed in the life of the database.", hub.seq)
    families.counter("deliveries_total", "Events handed to clients since the start.", hub.deliveries)
    families.gauge("clients", "Pages connected now.", len(hub.clients))
    families.counter("clients_dropped_total", "Clients disconnected as too slow or silent.", hub.dropped)
    families.counter("clients_refused_total", "Clients rejected since the start.", hub.refused)
    families.gauge("loop_lag_seconds", "How late the event loop was at its last tick.", hub.lag_s)
    families.gauge("writer_queue", "Writes waiting for the disk.", writer.waiting)
    families.gauge("writer_failing", "1 while the database takes no writes.", int(writer.failure is not None))
    families.counter("commits_total", "Commits since the start.", writer.commits)
    families.counter("commit_seconds_total", "Seconds spent in commits since the start.", writer.commit_s)


def _run(families: Exposition, services: Services) -> None:
    run, server = services.run_state.run, services.server_state
    now = services.orchestrator.state
    families.add(
        "state",
        "gauge",
        "1 for the state that the run is in.",
        [({"state": name}, int(name == now)) for name in STATES],
    )
    plan = {"done": server.plan.done, "blocked": server.plan.blocked, "runnable": server.plan.runnable}
    families.add(
        "stories", "gauge", "Stories of the tracker.", [({"status": name}, count) for name, count in plan.items()]
    )
    families.gauge("stories_planned", "Stories of the tracker that are not parked.", server.plan.total)
    families.gauge("operations", "Commands that run now.", len(run.operations))
    families.gauge("attention", "Things that wait for the operator.", len(run.attention))
    families.gauge("batch_cost_usd", "US dollars booked in the newest batch.", run.totals.cost_usd)
    families.gauge("day_cost_usd", "US dollars booked since local midnight.", server.limits.today_usd)
    settings = services.workspace.settings()
    budgets = {
        "batch": server.limits.budget_batch_usd,
        "day": server.limits.budget_day_usd,
        "story": settings.budget_story_usd,
        "command": settings.budget_command_usd,
    }
    families.add(
        "budget_usd",
        "gauge",
        "Caps in US dollars, where they are set.",
        [({"per": name}, usd) for name, usd in budgets.items() if usd is not None],
    )


async def _quota(families: Exposition, services: Services) -> None:
    """A window that was reset since its last report counts as unused."""
    now_ms = services.workspace.clock() * 1000
    by = [({"account": row.account, "window": row.window}, row) for row in await services.database.read(current)]
    families.add(
        "quota_used_ratio",
        "gauge",
        "The used share of a usage window, by the newest report.",
        [(labels, 0.0 if row.resets_at and row.resets_at <= now_ms else row.used_fraction) for labels, row in by],
    )
    families.add(
        "quota_reset_timestamp_seconds",
        "gauge",
        "When a usage window opens again.",
        [(labels, row.resets_at / 1000) for labels, row in by if row.resets_at is not None],
    )


async def _ledger(families: Exposition, services: Services) -> None:
    counters = await services.database.read(get_counters)
    by = [({"command": c.command, "agent": c.agent, "status": c.status}, c) for c in counters.commands]
    families.add("commands_total", "counter", "Commands that ended.", [(labels, c.count) for labels, c in by])
    families.add(
        "command_seconds_total",
        "counter",
        "Seconds that ended commands took.",
        [(labels, c.seconds) for labels, c in by],
    )
    families.add(
        "tokens_total",
        "counter",
        "Tokens booked.",
        [({"kind": name}, count) for name, count in counters.tokens.items()],
    )
    families.counter("cost_usd_total", "US dollars booked.", counters.cost_usd)


def _process(families: Exposition) -> None:
    families.add("build_info", "gauge", "The version of the program.", [({"version": VERSION}, 1)])
    families.gauge("process_start_time_seconds", "When the process started, seconds since the epoch.", STARTED_AT)
    families.counter("process_cpu_seconds_total", "CPU time of the process.", time.process_time())
    families.gauge("process_resident_memory_bytes", "Memory of the process.", _resident_bytes())
    # Linux only: elsewhere the metric is absent, which Prometheus handles better than a wrong value.
    descriptors = Path("/proc/self/fd")
    if descriptors.is_dir():
        families.gauge("process_open_fds", "Open file descriptors.", len(os.listdir(descriptors)))


def _resident_bytes() -> int:
    """Return the resident memory of the process; its maximum on systems that do not report the current value."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        # getrusage counts bytes on macOS and KiB on other systems.
        return most if sys.platform == "darwin" else most * 1024


ROUTES: Final = [web.get("/metrics", get_metrics)]
