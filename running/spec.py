"""The specification of a command, and the context of one attempt at it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from agents import AgentSpec
from payloads import ContextComplete, ContextCreate, Metrics
from running.journal import CommandStatus, Session
from running.story import StoryRun
from workflow import CommandKind, VerdictForm
from workflow.failover import AgentChange

Say = Callable[[str], None]  # a line of our own in the log of a command


@dataclass(frozen=True, slots=True)
class ContextEvents:
    """The events of work on the project's context file `name`, in the place of `command:start` and `command:end`."""

    begun: ContextCreate
    name: str

    def ended(self, status: CommandStatus, reason: str | None, metrics: Metrics) -> ContextComplete:
        """Return the event of the end of one call."""
        message = (
            f"{self.name} is up to date" if status is CommandStatus.SUCCESS else reason or f"{self.name}: {status}"
        )
        return ContextComplete(status=status.on_wire, message=message, metrics=metrics)


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A command to perform.

    `read` turns the reply into a verdict or raises `Unreadable`; `form` is the verdict as JSON, for agents that can be
    asked for one; `confirm`, where it is given, is what the files make
    of that verdict, and may raise the same; `disprove` looks at files and git and returns why the verdict must not
    be believed, None when it may, and logs meanwhile what it does. `products` are parts of the names of the files that
    it exists to write, without which it has no purpose. `stories` is empty for sprint planning, and for work on the
    project's context, which has `context`.
    """

    command: str
    stories: tuple[StoryRun, ...]
    read: Callable[[str], object]
    form: VerdictForm | None = None
    disprove: Callable[[Any, Say], Coroutine[Any, Any, str | None]] | None = None
    confirm: Callable[[Any], Coroutine[Any, Any, object]] | None = None
    products: tuple[str, ...] = ()
    light: bool = False
    background: bool = False
    watched: bool = False  # git measures the size of its change
    once: bool = False  # the same answer twice is the end: nothing between the attempts changes it
    findings: str = "none"
    comments: tuple[str, ...] = ()  # of the operator, of each of which a review says whether it was dealt with
    values: Mapping[str, str] = field(default_factory=dict)
    context: ContextEvents | None = None

    @property
    def story_key(self) -> str:
        return self.stories[0].key if self.stories else ""

    @property
    def is_skipped(self) -> bool:
        """Whether the operator has skipped all of its stories before they were finished."""
        return bool(self.stories) and all(story.skipped and not story.passed for story in self.stories)

    @property
    def story_keys(self) -> list[str]:
        return [story.key for story in self.stories]

    @property
    def reported(self) -> bool:
        """Whether it has events of a command, and lines in the log; work on the context has events of its own."""
        return self.context is None

    @property
    def may_ask(self) -> bool:
        """Whether a question of its agent goes to the operator: beside the run, and before it, no question is asked."""
        return bool(self.stories) and not self.background


@dataclass(frozen=True, slots=True)
class AttemptContext:
    """The place of an attempt: in which batch and cycle, at which try, by which agent and model, in whose session.

    `kind` is what the preset knows of the command, `call` the project's own command that performs it, `reply` the
    operator's answer that the session is resumed with, `budget_usd` what the caps leave, None without one, `change`
    that the command before had another agent. `tree` is the work tree's as it is now, `first_tree` as it was before an
    earlier call whose change was not measured; both None where git does not watch the command.
    """

    batch_id: int
    cycle_number: int
    attempt: int
    agent: AgentSpec
    model: str | None
    session: Session | None
    kind: CommandKind
    call: str | None = None
    reply: str | None = None
    tree: str | None = None
    first_tree: str | None = None
    budget_usd: float | None = None
    change: AgentChange | None = None
