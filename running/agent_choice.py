"""The agent of each command: the first of its list that does not wait.

An account waits after a usage limit, a refused login or an overload that lasts, and at its reserve. Its waits are rows,
the reserve is compared with what is known of its windows: both hold after a restart. A list of one agent waits, too.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Final

import agents
from base.clock_times import Windows
from base.usage_windows import shares_of
from events import emit
from payloads import BatchWarning
from running.seen_windows import record_windows
from running.workspace import Workspace, until_stored
from settings import names_of
from store.commands import get_commands_by_batch
from store.quota import AccountWait, put_wait
from workflow import Preset, kind_of
from workflow.failover import AgentChange, AgentOption, agent_change, choose_agent
from workflow.quota import Reserve

RESERVE: Final = "reserve"  # the reason of the pause
ASK_S: Final = 60.0  # between two questions to a program that can say what is left, while a reserve is set
ASK_RARELY_S: Final = 600.0  # the same where nothing depends on the answer
WHY: Final = {
    "usage-limit": "at its usage limit",
    "program": "its program or login was refused",
    "unreachable": "its service cannot be reached",
}


@dataclass(frozen=True, slots=True)
class Turn:
    """The agent of a command, and what changed with it; `option.until` is when it may start, None for now."""

    option: AgentOption
    change: AgentChange | None


class AgentChoice:
    """The agents of one batch; `names` are its own, in their order."""

    def __init__(self, workspace: Workspace, batch_id: int, names: Sequence[str], preset: Preset) -> None:
        self._workspace = workspace
        self._batch_id = batch_id
        self._names = tuple(names)
        self._preset = preset
        self._last: dict[tuple[str, ...], str] | None = None  # by list, whose command was the newest

    @property
    def all_names(self) -> tuple[str, ...]:
        """Return the agents that any command may have."""
        own = [name for config in self._workspace.settings().commands.values() for name in names_of(config.agent or [])]
        return tuple(dict.fromkeys((*self._names, *own)))

    def order(self, command: str) -> tuple[str, ...]:
        """Return the agents of a command; the first one, and those of the others that its preset can be run with."""
        settings, specs = self._workspace.settings(), self._workspace.agents
        first, *others = settings.agents_of(kind_of(command), self._names)
        allowed = [name for name in others if name in specs and self._preset.allows(command, specs[name].kind)]
        return (first, *allowed)

    def options(self, command: str) -> list[AgentOption]:
        """Return the agents of a command with their waits as they are now."""
        settings = self._workspace.settings()
        hours = None if settings.reserve_hours is None else Windows.parse(settings.reserve_hours)
        reserve = Reserve(shares_of(settings.reserve_percent) or {}, hours)
        return [self._option(name, reserve) for name in self.order(command)]

    def peek(self, command: str, session: str | None = None, *, bound: bool = False) -> AgentOption:
        """Return the agent that a command would have now."""
        return choose_agent(self.options(command), session, bound=bound)

    def opens_at(self, command: str, session: str | None = None, *, bound: bool = False) -> float | None:
        """Return when a command may start (seconds), None for now."""
        return self.peek(command, session, bound=bound).until

    async def turn(self, command: str, session: str | None = None, *, bound: bool = False) -> Turn:
        """Return the agent of a command that is next, after asking its program what is left."""
        option = self.peek(command, session, bound=bound)
        if await self._ask(option.name):
            option = self.peek(command, session, bound=bound)
        options = self.options(command)
        if len(options) == 1 or option.until is not None:
            return Turn(option, None)
        before = (await self._newest()).get(self.order(command), options[0].name)
        return Turn(option, agent_change(before, options, option.name))

    async def started(self, command: str, agent: str) -> None:
        """Remember whose command is the newest of its list."""
        order = self.order(command)
        if len(order) > 1:
            (await self._newest())[order] = agent

    def rivals(self, command: str, agent: str) -> list[str]:
        """Return the other agents of a command that have another account."""
        account = self._account(agent)
        return [name for name in self.order(command) if name != agent and self._account(name) != account]

    async def let_wait(self, command: str, agent: str, reason: str, until: float) -> None:
        """Let the account of an agent wait until a time; the row and the line about it in one commit."""
        workspace, account = self._workspace, self._account(agent)
        now = int(workspace.clock() * 1000)
        wait = AccountWait(account=account, reason=reason, until=int(until * 1000), at=now)
        workspace.quota.keep_wait(wait)
        after = self.peek(command)
        follows = f"{after.name} takes over" if after.until is None else "all agents of the command wait"
        message = f"{agent} waits until {clock_text(until)}, {WHY.get(reason, reason)}: {follows}"
        payload = BatchWarning(batch_id=self._batch_id, warning_type="agent", message=message)

        def write() -> Awaitable[object]:
            with workspace.database.atomic():
                workspace.database.write(put_wait, wait)
                return emit(payload)

        await until_stored(write)

    # -- inside ------------------------------------------------------------------------------------------------

    def _option(self, name: str, reserve: Reserve) -> AgentOption:
        quota, now = self._workspace.quota, self._workspace.clock()
        if name not in self._workspace.agents:
            return AgentOption(name)
        account = self._account(name)
        windows = quota.windows_of(account)
        holds = [one.holds(windows, now) for one in (reserve, *quota.reserves_of(account, now))]
        hold = max((one for one in holds if one is not None), key=lambda one: one.until, default=None)
        wait = quota.wait_of(account, now)
        if wait is not None and (hold is None or wait.until / 1000 > hold.until):
            until = wait.until / 1000
            why = f"{WHY.get(wait.reason, wait.reason)} until {clock_text(until)}"
            return AgentOption(name, until, wait.reason, why)
        if hold is not None:
            return AgentOption(name, hold.until, RESERVE, f"{hold}, until {clock_text(hold.until)}")
        return AgentOption(name)

    def _account(self, name: str) -> str:
        spec = self._workspace.agents.get(name)
        return name if spec is None else agents.account_of(spec)

    async def _ask(self, name: str) -> bool:
        """Ask an agent's program for its windows, if it can say and was not asked lately; whether it was asked."""
        workspace = self._workspace
        spec = workspace.agents.get(name)
        if spec is None or not agents.knows_windows(spec):
            return False
        account, now = self._account(name), workspace.clock()
        least = ASK_RARELY_S if workspace.settings().reserve_percent is None else ASK_S
        if now - workspace.quota.asked.get(account, 0.0) < least:
            return False
        workspace.quota.asked[account] = now
        await record_windows(workspace, account, await agents.quota(spec))
        return True

    async def _newest(self) -> dict[tuple[str, ...], str]:
        if self._last is None:
            rows = await self._workspace.database.read(get_commands_by_batch, self._batch_id)
            found = ((self.order(row.command), row.agent) for row in rows)
            self._last = {order: agent for order, agent in found if agent in order}
        return self._last


def clock_text(at: float) -> str:
    """Return the local date and time of a moment in seconds."""
    return time.strftime("%d %b %H:%M", time.localtime(at))
