"""Agents in this very process whose accounts have usage windows, by a clock that is moved by hand.

A call takes its time by that clock and a share of its account's windows, reports both as the real program does, and
ends with a usage limit where nothing is left. What the run must never do is noted in `broken`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import agents
import running.gate
from agents import AgentSpec, Call, LimitSeen, Outcome, OutcomeKind, Preflight, Record, Usage, account_of
from tests.running.projects import Runner

HOUR: Final = 3600.0
MINUTE: Final = 60.0
LENGTHS: Final = {"five_hour": 5 * HOUR, "seven_day": 168 * HOUR}
REPLIES: Final = {
    "dev-story": "[DEV-STORY-COMPLETE: YES]",
    "code-review": "FINDINGS: none\nHIGHEST SEVERITY: ZERO ISSUES\nIssues: 0 CRITICAL, 0 HIGH, 0 MEDIUM, 0 LOW",
}


@dataclass
class Account:
    """The windows of one account: capacities in units of work, what is used, and when each opens again."""

    capacity: dict[str, float]
    used: dict[str, float] = field(default_factory=dict)
    resets: dict[str, float] = field(default_factory=dict)

    def at(self, now: float) -> None:
        """A window that is over begins anew, with the next use."""
        for name in self.capacity:
            if now >= self.resets.get(name, 0.0):
                self.used[name], self.resets[name] = 0.0, now + LENGTHS[name]

    def share(self, name: str) -> float:
        return self.used[name] / self.capacity[name]

    def full(self) -> str | None:
        return next((name for name in self.capacity if self.share(name) >= 1), None)


class Week:
    """The agents of a runner and their clock. `reserved` returns the share of a window that is reserved at a time."""

    def __init__(
        self, runner: Runner, accounts: dict[str, Account], reserved: Callable[[str, float], float], seed: int
    ) -> None:
        self.now = datetime(2026, 6, 8, 7, 0).timestamp()  # a Monday morning
        self.calls: list[tuple[str, str, float]] = []  # agent, command, when
        self.broken: list[str] = []
        self.over: list[float] = []  # how much of a window was used beyond its line by the command that crossed it
        self._accounts = accounts
        self._reserved = reserved
        self._sessions: dict[str, str] = {}
        self._dice = random.Random(seed)
        runner.now = lambda: self.now
        self.add_agents(runner)

    def add_agents(self, runner: Runner) -> None:
        specs: Any = runner.workspace.agents
        for name in self._accounts:
            specs[name] = AgentSpec(
                name, "claude", (f"no-{name}",), model="sonnet", env={"CLAUDE_CONFIG_DIR": f"/{name}"}
            )
        assert len({account_of(specs[name]) for name in self._accounts}) == len(self._accounts)

    def patch(self, monkeypatch: Any) -> None:
        async def jump(change: asyncio.Event, seconds: float | None) -> None:
            """Instead of a second of waiting, five minutes of the clock pass."""
            await asyncio.sleep(0)
            if seconds is None:
                await change.wait()
            elif not change.is_set():
                self.now += 5 * MINUTE

        async def preflight(_spec: AgentSpec) -> Preflight:
            return Preflight("1.0", None)

        async def sweep(_prefix: str, grace_s: float = 0.0) -> list[int]:
            return []

        monkeypatch.setattr(running.gate, "_wait", jump)
        monkeypatch.setattr(agents, "start", self._start)
        monkeypatch.setattr(agents, "preflight", preflight)
        monkeypatch.setattr(agents, "sweep", sweep)

    async def _start(
        self, spec: AgentSpec, call: Call, on_record: Callable[[Record], None], on_exit: Callable[[], None]
    ) -> _Process:
        return _Process(self, spec, call, on_record, on_exit)

    # -- a call --------------------------------------------------------------------------------------------------

    def perform(self, spec: AgentSpec, call: Call, on_record: Callable[[Record], None]) -> Outcome:
        account = self._accounts[spec.name]
        account.at(self.now)
        command = _field(call.prompt, "command").rstrip("0123456789-")
        session = self._session(spec.name, call)
        self.calls.append((spec.name, command, self.now))
        full = account.full()
        if full is not None:
            on_record(LimitSeen(True, account.resets[full], full))
            return _outcome(OutcomeKind.USAGE_LIMIT, "out of quota", session, account.resets[full])
        self._check_lines(spec.name, account)
        lines = self._lines(account)
        self.now += self._dice.uniform(40, 90) * MINUTE
        account.at(self.now)
        work = self._dice.uniform(0.5, 1.5)
        for name in account.capacity:
            account.used[name] += work
            on_record(LimitSeen(False, account.resets[name], name, min(1.2, account.share(name))))
            if account.share(name) > lines[name]:
                self.over.append((account.share(name) - lines[name]) * account.capacity[name])
        return _outcome(OutcomeKind.SUCCESS, "", session, None, REPLIES.get(command, "[NO-CHANGES-TO-COMMIT]"))

    def _lines(self, account: Account) -> dict[str, float]:
        return {name: 1 - self._reserved(name, self.now) for name in account.capacity}

    def _check_lines(self, agent: str, account: Account) -> None:
        for name, line in self._lines(account).items():
            if account.share(name) >= line + 1e-9:
                when = datetime.fromtimestamp(self.now)
                self.broken.append(f"{when:%a %H:%M}: {agent} began at {account.share(name):.0%} of {name}")

    def _session(self, agent: str, call: Call) -> str:
        session = call.resume or f"s{len(self._sessions)}"
        if self._sessions.setdefault(session, agent) != agent:
            self.broken.append(f"the session {session} of {self._sessions[session]} was continued by {agent}")
        return session


class _Process:
    """One call, as the supervisor of a real one looks from outside."""

    pid = None
    start_time = None
    quiet_since = None

    def __init__(
        self,
        week: Week,
        spec: AgentSpec,
        call: Call,
        on_record: Callable[[Record], None],
        on_exit: Callable[[], None],
    ) -> None:
        self._arguments = (spec, call, on_record)
        self._on_exit = on_exit
        self._week = week
        self._known: Outcome | None = None
        self.usage = Usage()
        self.cost_usd: float | None = None
        self.estimated_usd = 0.0

    def stop(self) -> None:
        return

    def say(self, _message_id: int, _text: str) -> bool:
        return False

    async def outcome(self) -> Outcome:
        return await self.wait()

    async def wait(self) -> Outcome:
        if self._known is None:
            await asyncio.sleep(0)
            self._known = self._week.perform(*self._arguments)
            self._on_exit()
        return self._known


def _field(prompt: str, name: str) -> str:
    return next((line.partition(": ")[2] for line in prompt.splitlines() if line.startswith(f"- {name}: ")), "")


def _outcome(kind: OutcomeKind, reason: str, session: str, resets_at: float | None, text: str = "") -> Outcome:
    return Outcome(
        kind=kind,
        reason=reason,
        exit_code=0 if kind is OutcomeKind.SUCCESS else 1,
        text=text,
        usage=Usage(100, 100),
        cost_usd=0.1,
        estimated_usd=0.0,
        session_id=session,
        model="sonnet",
        turns=1,
        duration_ms=1000,
        resets_at=resets_at,
        malformed_lines=0,
        last_activity="",
    )
