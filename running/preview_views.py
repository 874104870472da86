"""The values of a preview, as `GET /api/preview` and `sprint-runner preview --json` give them."""

from __future__ import annotations

import msgspec

from runstate.forecast_view import ForecastView


class VariableNames(msgspec.Struct, frozen=True):
    """The names of an agent's environment variables: `own` are set for it, `inherited` come from the server."""

    own: list[str]
    inherited: list[str]


class CallLimits(msgspec.Struct, frozen=True):
    """`budget_usd` is what the caps leave now, null without one; `attempts` how often the command is tried."""

    timeout_min: float
    silence_min: float
    attempts: int
    budget_usd: float | None


class CallView(msgspec.Struct, frozen=True, kw_only=True):
    """One call of an agent. `command_line` is `argv` as a shell would need it; `program` null where it is not found.

    `stdin` says how the program gets the prompt: stdin, messages or dialogue. `options_by_help` are given as well if
    the program's help lists them, which is known when it was asked. `session`: new or continued. `hints`: so many of
    the operator's are in the prompt.
    """

    agent: str
    kind: str
    model: str | None
    program: str | None
    argv: list[str]
    command_line: str
    options_by_help: list[str]
    cwd: str
    environment: VariableNames
    session: str
    session_id: str | None
    stdin: str
    prompt: str
    prompt_source: str
    hints: int
    limits: CallLimits


class StepView(msgspec.Struct, frozen=True, kw_only=True):
    """One command. `condition` is what it depends on, empty where it runs unless something before it fails.

    `together`: it starts at the same time as the one before it. `by`: agent or runner, which needs no call. `state`:
    next or running. `unknown` are parts of the prompt that nothing knows yet; `problem` why there is no call.
    """

    command: str
    story_keys: list[str]
    phase: str
    attempt: int
    condition: str
    together: bool
    by: str
    state: str
    unknown: list[str]
    problem: str | None
    call: CallView | None


class PlannedGate(msgspec.Struct, frozen=True):
    kind: str
    story_key: str
    message: str


class CyclePreview(msgspec.Struct, frozen=True):
    """A cycle. `state`: next, running, or begun where it was interrupted and would be continued."""

    state: str
    story_keys: list[str]
    steps: list[StepView]
    gates: list[PlannedGate]


class RunPreview(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /api/preview`. `refusals` are why a start would be refused now; `notes` what else is to be known.

    `commands` are those of the preset, for which a preview can be asked for. `later` are stories that were named and
    come after the cycles that are shown. `forecast` is of all that would run, null where that cannot be said.
    """

    agent: str
    workflow: str
    workflow_reason: str
    batch_id: int | None
    refusals: list[str]
    notes: list[str]
    commands: list[str]
    cycles: list[CyclePreview]
    later: list[str]
    forecast: ForecastView | None = None


class UpcomingStep(msgspec.Struct, frozen=True):
    """One command without its call; see `StepView`."""

    command: str
    story_keys: list[str]
    attempt: int
    condition: str
    by: str
    state: str


class UpcomingCycle(msgspec.Struct, frozen=True):
    """The commands of a cycle that have no result yet; `state` as in `CyclePreview`."""

    state: str
    story_keys: list[str]
    steps: list[UpcomingStep]


class UpcomingSteps(msgspec.Struct, frozen=True):
    """`GET /api/run/steps`: what runs, and what comes after it."""

    cycles: list[UpcomingCycle]
