"""The base of the adapters: how to call an agent, parse its output, end it, and classify its end.

An adapter holds no state; the parser it makes holds that of one call. A new agent is one file with one subclass,
named in the registry. Everything an adapter does not say is inherited from here.
"""

from __future__ import annotations

import signal
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Protocol

from agents import faults
from agents.dialogue import Dialogue
from agents.records import LimitSeen, Record, Retry
from agents.spec import AgentSpec, Call, OutcomeKind, Preflight
from agents.text import last_words, sentence
from agents.usage import Tally

MODEL_ADVICE = "Set the agent's `model` to one that it can use."
BILLING_ADVICE = "Add credit or raise the limit with the provider, or give the agent another key."


class Cause(StrEnum):
    """Why we ended an agent."""

    STOP = "stop"
    TIMEOUT = "timeout"
    SILENCE = "silence"
    AUTH = "auth"
    LINGER = "linger"  # it lived on after its final record
    FAULT = "fault"  # the receiver of its records failed, or its parser


@dataclass(frozen=True, slots=True)
class Step:
    """One step of ending an agent: a signal to the process (or to its whole group), then a wait."""

    signal: signal.Signals
    to_group: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """The agent's activity before it was ended. Many agents print records after the signal that would hide it."""

    activity: str = ""
    retry: Retry | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How the process ended. `exit_code` is negative for a signal, as in subprocess; `detail` explains the cause."""

    exit_code: int | None
    cause: Cause | None = None
    detail: str = ""
    stderr: str = ""
    moment: Moment | None = None

    @property
    def killed_by(self) -> str | None:
        """The name of the signal that ended the process, also when a shell reports it as 128 + n."""
        code = self.exit_code or 0
        number = -code if code < 0 else code - 128 if code in SIGNAL_EXITS else 0
        return signal.Signals(number).name if number in set(signal.Signals) else None


SIGNAL_EXITS = frozenset(128 + number for number in (signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGTERM))


@dataclass(frozen=True, slots=True)
class Judgement:
    """The kind of an outcome and its sentence."""

    kind: OutcomeKind
    reason: str = ""


class Parser(Protocol):
    """Reads one call's stdout, line by line."""

    def feed(self, line: bytes) -> Sequence[Record]:
        """The records of one line (without its newline). Never raises for content."""

    def feed_stderr(self, line: bytes) -> Sequence[Record]:
        """The records of one line of stderr, where some programs announce retries and denials."""

    def close(self) -> Sequence[Record]:
        """The records that only the end of the stream reveals."""


def choices(spec: AgentSpec, call: Call, modes: Mapping[str, str]) -> list[str]:
    """The flags for model, approval and session of Gemini CLI and of what was made from it; `modes` are its words."""
    argv = []
    if model := call.model or spec.model:
        argv += ["-m", model]
    if spec.permission_mode:
        argv += ["--approval-mode", modes.get(spec.permission_mode, spec.permission_mode)]
    if call.resume:
        argv += ["--resume", call.resume]
    return argv


class QuietParser:
    """The base of parsers: no records from stderr, and none at the end."""

    def feed_stderr(self, line: bytes) -> Sequence[Record]:
        return ()

    def close(self) -> Sequence[Record]:
        return ()


class Adapter(ABC):
    """The adapter of one command line. Subclasses override what differs."""

    kind: ClassVar[str]
    needs_final: ClassVar[bool] = True  # an end without the program's final record is a truncated run
    reports_cost: ClassVar[bool] = False  # in dollars, for whatever model
    reports_model: ClassVar[bool] = False
    stdout_to_file: ClassVar[bool] = False  # it ends before a pipe is flushed, and loses the end of its stream
    silent_stderr: ClassVar[bool] = True  # output on stderr is no sign of progress
    complains: ClassVar[bool] = False  # its parser learns from stderr, too
    ending: ClassVar[tuple[Step, ...]] = (Step(signal.SIGTERM),)  # before SIGKILL to the group
    death_signal: ClassVar[signal.Signals] = signal.SIGKILL  # sent by the kernel when we die
    linger_s: ClassVar[float] = 60.0  # after its final record, if the general limit is not shorter
    models: ClassVar[str] = ""  # where the names of its models are to be found
    login: ClassVar[str] = ""  # the sentence for an operator whose key or login was refused
    state_paths: ClassVar[
        tuple[str, ...]
    ] = ()  # below the home folder: what the program leaves there at its first start
    login_variables: ClassVar[tuple[str, ...]] = ()  # beginnings of variables that hold a login, or name one
    converses: ClassVar[bool] = False  # it has a `dialogue`, in which it gets its prompt
    knows_windows: ClassVar[bool] = False  # its program can say what is left of a subscription
    optional: ClassVar[frozenset[str]] = frozenset()  # options and commands that are used where its help lists them
    environment: ClassVar[Mapping[str, str]] = {}  # defaults; the operator's own environment and the spec win

    @abstractmethod
    def argv(self, spec: AgentSpec, call: Call) -> list[str]:
        """The whole command line. The prompt is never in it: it goes to stdin."""

    def terminal_argv(self, spec: AgentSpec, session_id: str) -> list[str] | None:
        """The command line by which a person continues a session in a terminal; None where the program has none."""
        return None

    def options_for(self, command: Sequence[str]) -> frozenset[str]:
        """Those of `optional` that may be used with a command of the operator's."""
        return self.optional

    def prompt(self, call: Call) -> str:
        """Return the text for stdin."""
        return call.prompt

    def takes_messages(self, call: Call) -> bool:
        """Whether the operator can send it messages while it works.

        One without a dialogue is sent them on stdin (`message`), which stays open until its final record.
        """
        return False

    def message(self, message_id: int, text: str) -> str:
        """Return a message of the operator as the program reads it from stdin."""
        return text

    @abstractmethod
    def parser(self, cwd: str | None = None) -> Parser:
        """A fresh parser. `cwd` shortens paths in summaries."""

    def parser_for(self, spec: AgentSpec, cwd: str) -> Parser:
        """A fresh parser for one call; more than `parser` only where the settings say how a program is read."""
        return self.parser(cwd)

    async def windows(
        self, command: Sequence[str], env: Mapping[str, str], cwd: Path, options: frozenset[str]
    ) -> tuple[LimitSeen, ...]:
        """The usage windows of the login, empty where they are not known; bounded, never raises."""
        return ()

    async def uncounted(self, spec: AgentSpec, call: Call, tally: Tally, began: float) -> Sequence[Record]:
        """What its stream does not report of a call that has ended and had begun at `began`; bounded, never raises."""
        return ()

    def dialogue(self, spec: AgentSpec, call: Call, env: Mapping[str, str]) -> Dialogue | None:
        """The live side of a call for a program that is talked to while it runs; None: it gets its prompt as stdin."""
        return None

    async def probe(self, spec: AgentSpec, env: Mapping[str, str]) -> Preflight | None:
        """Ask the program for its version over its own protocol; None where it has none."""
        return None

    def version_argv(self, spec: AgentSpec) -> list[str] | None:
        """The command that prints the version, None where there is no such thing."""
        return [*spec.command, "--version"]

    def problem(self, spec: AgentSpec, env: Mapping[str, str]) -> str | None:
        """Return a problem that would make every call fail, if it can be found without a call."""
        return None

    def judge(self, tally: Tally, ending: Ending) -> Judgement:
        """The outcome, from why we ended it, the last final record and the exit code, in this order."""
        judgement = _by_cause(tally, ending) or self._by_final(tally, ending)
        kind, reason = judgement.kind, judgement.reason
        if kind is OutcomeKind.COULD_NOT_START and faults.is_about_model(reason):
            return Judgement(kind, f"{reason} {MODEL_ADVICE} {self.models}".rstrip())
        if tally.resumed and kind is OutcomeKind.COULD_NOT_START:  # it may well start afresh
            return Judgement(OutcomeKind.FAILED, f"The session could not be resumed. {reason}")
        if kind is OutcomeKind.AUTH and faults.is_about_billing(reason):
            return Judgement(kind, f"{reason} {BILLING_ADVICE}")
        if kind is OutcomeKind.AUTH and self.login:
            return Judgement(kind, f"{reason} {self.login}")
        return judgement

    def _by_final(self, tally: Tally, ending: Ending) -> Judgement:
        final = tally.final
        if final is None:
            return self._without_final(tally, ending)
        if final.kind is not OutcomeKind.SUCCESS:
            return Judgement(final.kind, sentence(final.reason or "the agent reported an error"))
        if ending.exit_code == final.exit_code or ending.cause is Cause.LINGER or ending.killed_by:
            return Judgement(OutcomeKind.SUCCESS)  # a signal after the result cut only the wait that followed it
        return Judgement(OutcomeKind.FAILED, f"It reported success, but {_exit_words(ending)}.")

    def _without_final(self, tally: Tally, ending: Ending) -> Judgement:
        if not tally.started and ending.exit_code and ending.killed_by is None:
            reported = last_words(ending.stderr) or "it printed nothing"
            return Judgement(
                OutcomeKind.COULD_NOT_START, sentence(f"{_exit_words(ending)} before any output: {reported}")
            )
        if not self.needs_final:
            return self._by_exit_code(ending)
        reported = f" ({words})" if ending.exit_code and (words := last_words(ending.stderr)) else ""
        return Judgement(OutcomeKind.TRUNCATED, sentence(f"{_exit_words(ending)} without a final record{reported}"))

    def _by_exit_code(self, ending: Ending) -> Judgement:
        if ending.exit_code == 0:
            return Judgement(OutcomeKind.SUCCESS)
        words = last_words(ending.stderr)
        return Judgement(OutcomeKind.FAILED, sentence(_exit_words(ending) + (f": {words}" if words else "")))


def moment_of(tally: Tally) -> Moment:
    """The current activity of the agent."""
    return Moment(_activity(tally), tally.retry)


def _by_cause(tally: Tally, ending: Ending) -> Judgement | None:
    moment = ending.moment or moment_of(tally)
    match ending.cause:
        case Cause.STOP:
            return Judgement(OutcomeKind.STOPPED, "Stopped by the operator.")
        case Cause.TIMEOUT:
            return Judgement(OutcomeKind.TIMEOUT, ending.detail + moment.activity)
        case Cause.SILENCE if moment.retry is not None:
            return Judgement(OutcomeKind.TRANSIENT, f"{ending.detail} It kept trying again: {moment.retry.error}")
        case Cause.SILENCE:
            return Judgement(OutcomeKind.STALLED, ending.detail + moment.activity)
        case Cause.AUTH:
            return Judgement(OutcomeKind.AUTH, ending.detail)
    return None


def _activity(tally: Tally) -> str:
    if tally.question:
        return f" It was waiting for an answer or a permission: {tally.question}"
    if tally.open_call:
        return f" It was in the middle of: {tally.open_call}"
    if tally.denied:
        return f" It was last refused a permission: {tally.denied.message or tally.denied.tool}"
    return f" Last activity: {tally.last_activity}" if tally.last_activity else " It never said anything."


def _exit_words(ending: Ending) -> str:
    if ending.killed_by:
        return f"the agent was killed by {ending.killed_by}"
    return f"the agent ended with exit code {ending.exit_code}"
