"""How a command is performed, row by row: attempts, limits, passing trouble, agents that cannot run, models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import running.command
import running.command_waits
import running.surroundings
from agents import AgentSpec
from base.plausible import LIMIT_BACKOFF_S
from payloads import Attention, BatchWarning, Payload
from running.command import Commander
from running.command_waits import MISSING_BACKOFF_S, TRANSIENT_BACKOFF_S, UNREACHABLE_S, AgentUnusable
from running.gate import Stopped
from running.journal import LOST, CommandStatus, Journal, Result
from running.spec import AttemptContext, CommandSpec
from running.story import StoryRun
from running.workspace import Workspace
from settings import AgentConfig, CommandConfig, Settings
from workflow import CLASSIC, own_preset

NOW = 1_000_000.0
STORY = StoryRun(1, "1-1-a", "1", "Tea", "in-progress", "in-progress")
OK, ERROR, LIMIT, TRANSIENT = (
    CommandStatus.SUCCESS,
    CommandStatus.ERROR,
    CommandStatus.USAGE_LIMIT,
    CommandStatus.TRANSIENT,
)


class FakeGate:
    """Lets everything in and notes the waits."""

    reason: str | None = None
    ends_agents = True  # what ends here was ended by a stop
    closed = False

    def __init__(self) -> None:
        self.waits: list[tuple[str, float]] = []

    async def enter(self) -> None:
        return

    def command(self) -> AbstractContextManager[None]:
        return nullcontext()

    def pause(self, reason: str, until: float | None = None) -> None:
        self.waits.append((reason, (until or NOW) - NOW))

    async def sleep(self, seconds: float) -> None:
        self.waits.append(("sleep", seconds))

    async def wait_beside(self, _reason: str, until: float) -> None:
        self.waits.append(("sleep", until - NOW))


class FakeBudget:
    async def remaining(self, _story_key: str = "", _command: str = "") -> float | None:
        return None

    async def look(self, _gate: Any) -> None:
        return


class CommandRunner:
    """A commander whose attempts end as they are set to."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ends: Iterator[Result] = iter(())
        self.places: list[AttemptContext] = []
        self.orders: list[CommandSpec] = []
        self.emitted: list[Payload] = []
        self.gate = FakeGate()
        self.settings = Settings()
        nothing = cast(Any, None)
        spec = AgentSpec("claude", "claude", ("claude",), model="sonnet", light_model="haiku")
        plain = AgentSpec("plain", "text", ("cat",))
        agents = {"claude": spec, "plain": plain}
        project: Any = SimpleNamespace(root=folder)
        self.workspace = Workspace(project, lambda: self.settings, agents, nothing, folder, folder, None, lambda: NOW)
        monkeypatch.setattr(running.command, "Attempt", self.attempt)
        monkeypatch.setattr(running.command, "emit_durable", self.record)
        monkeypatch.setattr(running.command_waits, "emit_durable", self.record)
        monkeypatch.setattr(running.surroundings, "emit_durable", self.record)

    def attempt(self, _workspace: Workspace, _gate: Any, order: CommandSpec, place: AttemptContext) -> Any:
        self.orders.append(order)
        self.places.append(place)
        return self

    async def run(self) -> Result:
        return next(self.ends)

    async def record(self, payload: Payload) -> None:
        self.emitted.append(payload)

    async def perform(self, ends: Sequence[Result], command: str = "dev-story", **order: Any) -> Result:
        self.ends = iter(ends)
        commander = Commander(self.workspace, 1, cast(Any, self.gate), cast(Any, FakeBudget()), "claude", self.preset)
        return await commander.for_cycle(self.workspace, 1, self.journal).perform(
            CommandSpec(command, (STORY,), read=str, **order)
        )

    preset = CLASSIC
    journal = Journal()


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandRunner:
    made = CommandRunner(tmp_path, monkeypatch)
    made.journal = Journal()
    return made


def ends(*statuses: CommandStatus, reason: str = "why") -> list[Result]:
    return [Result(status, reason) for status in statuses]


# retries, how the attempts end, how often it is tried, how it ends
ATTEMPTS = [
    (2, (OK,), 1, OK),
    (2, (ERROR, OK), 2, OK),
    (2, (ERROR, CommandStatus.TIMEOUT, OK), 3, OK),
    (2, (ERROR, CommandStatus.STALLED, CommandStatus.TIMEOUT), 3, CommandStatus.TIMEOUT),
    (0, (ERROR,), 1, ERROR),
    (1, (CommandStatus.STALLED, ERROR), 2, ERROR),
    (5, (ERROR,) * 5 + (OK,), 6, OK),
]


@pytest.mark.parametrize(("retries", "statuses", "times", "last"), ATTEMPTS)
async def test_a_failed_attempt_is_retried_as_set(
    runner: CommandRunner, retries: int, statuses: tuple[CommandStatus, ...], times: int, last: CommandStatus
) -> None:
    runner.settings = Settings(retries=retries)
    result = await runner.perform(ends(*statuses))
    assert result.status is last
    assert [place.attempt for place in runner.places] == list(range(1, times + 1))
    emitted = [order.findings for order in runner.orders]
    assert emitted == ["none"] + ["The attempt before this one failed: why"] * (times - 1)


async def test_three_failures_in_a_row_are_the_end_by_default(runner: CommandRunner) -> None:
    assert not (await runner.perform(ends(ERROR, ERROR, ERROR))).ok
    assert len(runner.places) == 3


async def test_a_usage_limit_without_a_time_is_waited_for_by_steps(runner: CommandRunner) -> None:
    """1, 5, 15, 30 minutes, and 30 from then on; none of it is a failure."""
    result = await runner.perform(ends(*[LIMIT] * 6, OK))
    assert result.ok
    assert runner.gate.waits == [("usage-limit", minutes * 60) for minutes in (1, 5, 15, 30, 30, 30)]
    assert tuple(seconds / 60 for seconds in LIMIT_BACKOFF_S) == (1, 5, 15, 30)
    assert {place.attempt for place in runner.places} == {1}


async def test_a_usage_limit_with_a_time_is_waited_for_until_then(runner: CommandRunner) -> None:
    await runner.perform([Result(LIMIT, "used up", resets_at=NOW + 7200), *ends(OK)])
    assert runner.gate.waits == [("usage-limit", 7200)]


async def test_passing_trouble_is_tried_again_and_never_a_failure(runner: CommandRunner) -> None:
    result = await runner.perform(ends(*[TRANSIENT] * (len(TRANSIENT_BACKOFF_S) + 2), OK))
    assert result.ok
    slept = [("sleep" if seconds <= 10 else "retry", seconds) for seconds in TRANSIENT_BACKOFF_S]
    assert runner.gate.waits == [*slept, ("unreachable", UNREACHABLE_S), ("unreachable", UNREACHABLE_S)]
    assert [emitted.kind for emitted in runner.emitted if isinstance(emitted, Attention)] == ["service"]
    assert {place.attempt for place in runner.places} == {1}


async def test_what_runs_beside_the_run_pauses_nothing(runner: CommandRunner) -> None:
    trouble = [TRANSIENT] * (len(TRANSIENT_BACKOFF_S) + 1)
    await runner.perform(ends(LIMIT, *trouble, OK), "story-review-2", background=True)
    assert {reason for reason, _ in runner.gate.waits} == {"sleep"}
    assert runner.emitted == []


REFUSED = Result(CommandStatus.REFUSED, "no login", kind="agent")
MISSING = Result(CommandStatus.REFUSED, "The command 'claude' of the agent claude was not found: install", kind="agent")


async def test_an_agent_that_cannot_run_pauses_and_is_tried_again(runner: CommandRunner) -> None:
    assert (await runner.perform([REFUSED, REFUSED, *ends(OK)])).ok
    assert runner.gate.waits == [("agent", 0), ("agent", 0)]
    assert [emitted.message for emitted in runner.emitted if isinstance(emitted, Attention)] == [
        "claude cannot run dev-story: no login"
    ] * 2
    assert {place.attempt for place in runner.places} == {1}


async def test_a_missing_program_is_looked_for_again_before_anybody_is_called(runner: CommandRunner) -> None:
    assert (await runner.perform([MISSING] * 4 + ends(OK))).ok
    assert runner.gate.waits == [("sleep", 5), ("program", 15), ("program", 60), ("agent", 0)]
    assert MISSING_BACKOFF_S == (5, 15, 60)
    assert len(runner.emitted) == 1


async def test_beside_the_run_an_agent_that_cannot_run_pauses_nothing(runner: CommandRunner) -> None:
    with pytest.raises(AgentUnusable, match="claude cannot run story-review-2: no login"):
        await runner.perform([REFUSED], "story-review-2", background=True)
    assert runner.gate.waits == []


async def test_a_lost_session_begins_afresh_and_is_not_counted(runner: CommandRunner) -> None:
    runner.settings = Settings(retries=0)
    runner.journal.keep_session(("1-1-a", "dev-story", 1), "s-1", "claude", Result(OK).used)
    assert (await runner.perform([Result(TRANSIENT, "No conversation found", kind=LOST), *ends(OK)])).ok
    assert [place.session is None for place in runner.places] == [False, True]
    assert runner.gate.waits == []


# claimed reset time after now, waits, whether it is doubted
RESETS = [(7200, 7200, False), (-1, 60, True), (5, 60, True), (9 * 86_400, 60, True), (1e18, 60, True)]


@pytest.mark.parametrize(("claimed", "waits", "doubted"), RESETS)
async def test_a_reset_time_that_cannot_be_true_is_not_believed(
    runner: CommandRunner, claimed: float, waits: float, doubted: bool
) -> None:
    await runner.perform([Result(LIMIT, "used up", resets_at=NOW + claimed), *ends(OK)])
    assert runner.gate.waits == [("usage-limit", waits)]
    warned = [emitted.warning_type for emitted in runner.emitted if isinstance(emitted, BatchWarning)]
    assert warned == ["limit"] * doubted


@pytest.mark.parametrize("status", [CommandStatus.STOPPED, CommandStatus.INTERRUPTED])
async def test_what_was_stopped_has_a_session_to_go_on_with(runner: CommandRunner, status: CommandStatus) -> None:
    place = ("1-1-a", "dev-story", 1)
    runner.journal.keep_session(place, "s-1", "claude", Result(OK).used)
    runner.settings = Settings(retries=0)
    with pytest.raises(Stopped):  # at the last attempt, too: it has not failed
        await runner.perform(ends(status))
    session = runner.places[0].session
    assert session is not None
    assert session.id == "s-1"


async def test_a_session_of_another_agent_is_not_gone_on_with(runner: CommandRunner) -> None:
    runner.journal.keep_session(("1-1-a", "dev-story", 1), "s-1", "codex", Result(OK).used)
    await runner.perform(ends(OK))
    assert runner.places[0].session is None


async def test_a_recorded_result_is_not_asked_for_again(runner: CommandRunner) -> None:
    runner.journal.results[("1-1-a", "dev-story", 1)] = Result(ERROR, "recorded")
    assert (await runner.perform(ends(OK))).ok
    assert [place.attempt for place in runner.places] == [2]


REVIEWER = {"claude": AgentConfig("claude", ["claude"], review_model="opus")}
# command, light, settings of commands, agents, the agent and the model
MODELS: list[tuple[str, bool, dict[str, CommandConfig], dict[str, AgentConfig], tuple[str, str | None]]] = [
    ("dev-story", False, {}, {}, ("claude", "sonnet")),
    ("code-review-1", False, {}, {}, ("claude", "sonnet")),
    ("code-review-2", True, {}, {}, ("claude", "haiku")),
    ("story-review-2", True, {}, {}, ("claude", "haiku")),
    ("code-review-1", False, {}, REVIEWER, ("claude", "opus")),
    ("code-review-2", True, {}, REVIEWER, ("claude", "haiku")),
    ("dev-story", False, {}, REVIEWER, ("claude", "sonnet")),
    ("code-review-1", False, {"code-review": CommandConfig(agent="plain")}, {}, ("plain", None)),
    ("code-review-3", True, {"code-review": CommandConfig(agent="plain")}, {}, ("plain", None)),
    ("code-review-1", False, {"code-review": CommandConfig(model="big")}, REVIEWER, ("claude", "big")),
    ("code-review-2", True, {"code-review": CommandConfig(model="big")}, {}, ("claude", "big")),
    ("code-review-2", True, {"code-review": CommandConfig(light_model="tiny")}, {}, ("claude", "tiny")),
    ("code-review-1", False, {"code-review": CommandConfig(light_model="tiny")}, {}, ("claude", "sonnet")),
    ("code-review-2", True, {"code-review": CommandConfig(model="big", light_model="tiny")}, {}, ("claude", "tiny")),
    ("dev-story", False, {"code-review": CommandConfig(model="big")}, {}, ("claude", "sonnet")),
]


@pytest.mark.parametrize(("command", "light", "commands", "agents", "chosen"), MODELS)
async def test_which_agent_and_model(
    runner: CommandRunner,
    command: str,
    light: bool,
    commands: dict[str, CommandConfig],
    agents: dict[str, AgentConfig],
    chosen: tuple[str, str | None],
) -> None:
    runner.settings = Settings(commands=commands, agents=agents)
    await runner.perform(ends(OK), command, light=light)
    assert (runner.places[0].agent.name, runner.places[0].model) == chosen


async def test_a_command_of_ones_own_may_be_light_always(runner: CommandRunner) -> None:
    phases = [
        {"name": "d", "kind": "develop", "commands": ["dev-story"]},
        {"name": "o", "kind": "each", "commands": [{"name": "notes", "text": "x", "model": "light", "tasks": ["a"]}]},
    ]
    runner.preset = own_preset("mine", {"phases": phases})
    await runner.perform(ends(OK), "notes")
    assert (runner.places[0].model, runner.places[0].kind.tasks) == ("haiku", ("a",))
