"""What a cycle has behind it: the recorded results of its commands.

A cycle's code is run again from its beginning after a stop or a crash; every command whose result is in the
journal answers with it instead of running, so the run continues at exactly the place where it was.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeVar

import msgspec

from agents import Usage
from payloads import Metrics
from store.commands import RETRIED, Command
from store.questions import QuestionRow

V = TypeVar("V")
NOTHING_FORGOTTEN: Final[Mapping[str, int]] = {}

# An agent names its session itself, and is given the name back as an argument: it must not read as an option.
_SESSION_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,199}")


class CommandStatus(StrEnum):
    """How a command ended, as the row has it; `on_wire` is the `status` of its `command:end`."""

    SUCCESS = "success"
    ERROR = "error"
    TIMEOUT = "timeout"
    STALLED = "stalled"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    USAGE_LIMIT = "usage-limit"
    TRANSIENT = "transient"  # on the wire `error`: it will be tried again and is no story's failure
    LOST = "lost"  # on the wire `error`: the story's work went out of the tree, so nothing is judged by it
    QUESTION = "question"  # on the wire `stopped`: it continues with the operator's answer
    UNCHECKED = "unchecked"  # on the wire `stopped`: the agent has finished, the check of its work was cut off
    REFUSED = "refused"  # on the wire `error`: the agent cannot run at all, so it decides about no story

    @property
    def on_wire(self) -> str:
        if self in (CommandStatus.QUESTION, CommandStatus.UNCHECKED):
            return "stopped"
        unjudged = (CommandStatus.TRANSIENT, CommandStatus.REFUSED, CommandStatus.LOST)
        return "error" if self in unjudged else self.value


MACHINE_LOST: Final = "machine-lost"  # the kind of a call whose worker lost the lane; it is made again elsewhere
LOST: Final = "session-lost"  # the word of a call whose session the agent did not know any more
BUDGET: Final = "budget"  # the kind of a call that ended because it had spent what the caps left for it
FAILURES: Final = frozenset({CommandStatus.ERROR, CommandStatus.TIMEOUT, CommandStatus.STALLED})


@dataclass(frozen=True, slots=True)
class Unchecked:
    """A call whose agent has finished and whose work was not checked: its recording, and who made it."""

    stream_path: str
    agent: str
    model: str | None
    exit_code: int | None
    session_id: str | None


@dataclass(frozen=True, slots=True)
class Result:
    """The end of one attempt. `verdict` is the JSON of what was read, None unless it succeeded.

    `kind` is that of the attention where the surroundings are at fault (`refused`, `unchecked`), else empty.
    """

    status: CommandStatus
    reason: str = ""
    verdict: bytes | None = None
    resets_at: float | None = None
    metrics: Metrics | None = None
    session_id: str | None = None
    command_id: int | None = None
    kind: str = ""
    unchecked: Unchecked | None = None
    agent: str = ""

    @property
    def used(self) -> Usage:
        """The tokens among the metrics."""
        return Usage(**{name: getattr(self.metrics, name, 0) or 0 for name in Usage.__dataclass_fields__})

    @property
    def ok(self) -> bool:
        return self.status is CommandStatus.SUCCESS

    def read(self, kind: type[V]) -> V:
        """The verdict as the value it was; only for a success."""
        return msgspec.json.decode(self.verdict or b"null", type=kind)


@dataclass(frozen=True, slots=True)
class Session:
    """An agent's session that may be continued, and the tokens that its earlier calls were booked with.

    It lies on the machine that made it, None for this one.
    """

    id: str
    agent: str
    booked: Usage = field(default_factory=Usage)
    machine: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that a call ended with; `batch_id` is the batch that asked it, `at` the time, in seconds."""

    command_id: int
    batch_id: int
    question: str
    at: float
    answer: str | None = None


AttemptKey = tuple[str, str, int]  # story key, command, attempt


@dataclass(slots=True)
class Journal:
    """Results by story key, command and attempt; what attempts that did not come to their end may continue with.

    `unchecked` are calls that need only their check, `sessions` are to be resumed, `asked` are the questions after
    which nothing ran any more, `answered` all questions of a story's command that have an answer, oldest first.
    `together` has the stories that a command was for, `trees` what the tree was before the first of a command's calls
    whose change was not measured, since the server ended. `adoptable` are calls that an earlier server has left
    running on a worker.
    """

    results: dict[AttemptKey, Result] = field(default_factory=dict)
    sessions: dict[AttemptKey, Session] = field(default_factory=dict)
    asked: dict[AttemptKey, Asked] = field(default_factory=dict)
    unchecked: dict[AttemptKey, Unchecked] = field(default_factory=dict)
    answered: dict[tuple[str, str], list[Asked]] = field(default_factory=dict)
    together: dict[str, tuple[str, ...]] = field(default_factory=dict)
    trees: dict[tuple[str, str], str] = field(default_factory=dict)
    adoptable: dict[AttemptKey, Command] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        commands: Iterable[Command],
        *,
        failures: bool,
        questions: Iterable[QuestionRow] = (),
        forgotten: Mapping[str, int] = NOTHING_FORGOTTEN,
    ) -> Journal:
        """Read rows, oldest first. `failures`: whether failed attempts still count (same batch) or not (a new one).

        `forgotten` has for a story the newest command that does not count any more.
        """
        journal = cls()
        by_command = {question.command_id: question for question in questions}
        for row in commands:
            if any(row.id <= newest and key in _keys(row) for key, newest in forgotten.items()):
                continue
            journal._add(row, failures=failures, question=by_command.get(row.id))
        if not failures:
            journal._as_first_attempts()
        return journal

    def _add(self, row: Command, *, failures: bool, question: QuestionRow | None) -> None:
        status = CommandStatus(row.status) if row.ended_at is not None else CommandStatus.INTERRUPTED
        attempt_key = (row.story_key, row.command, row.attempt)
        if row.word == RETRIED:
            return
        self.asked.pop(attempt_key, None)
        if row.ended_at is None and row.machine is not None:
            self.adoptable[attempt_key] = row
            self.unchecked.pop(attempt_key, None)
            return
        if row.files_changed is not None:
            self.trees.pop(attempt_key[:2], None)
        elif row.tree_before is not None:
            self.trees.setdefault(attempt_key[:2], row.tree_before)
        self._add_unchecked(attempt_key, status, row)
        if row.word == LOST:
            self.sessions.pop(attempt_key, None)
        if status is CommandStatus.LOST:
            return  # its session has put the work away: the next one begins afresh
        if status is CommandStatus.SUCCESS or status in FAILURES:
            self.sessions.pop(attempt_key, None)
        if status is CommandStatus.SUCCESS or (failures and status in FAILURES):
            verdict = None if row.verdict is None else row.verdict.encode()
            self.results[attempt_key] = Result(status, row.reason or "", verdict, command_id=row.id)
            self.together[row.command] = _keys(row)
        elif row.session_id is not None and status not in FAILURES:
            self.keep_session(attempt_key, row.session_id, row.agent, _usage(row), row.machine)
        if question is not None:
            self.ask(
                attempt_key, Asked(row.id, row.batch_id, question.question, question.asked_at / 1000, question.answer)
            )

    def _add_unchecked(self, attempt_key: AttemptKey, status: CommandStatus, row: Command) -> None:
        """The newest call counts; one that was cut off before its agent began changes nothing."""
        if status is CommandStatus.UNCHECKED and row.stream_path is not None:
            self.unchecked[attempt_key] = Unchecked(
                row.stream_path, row.agent, row.model, row.exit_code, row.session_id
            )
        elif status is not CommandStatus.INTERRUPTED or row.pid is not None:
            self.unchecked.pop(attempt_key, None)

    def stories_of(self, command: str) -> tuple[str, ...]:
        """The stories for which a command was performed, or its first round; empty where none is recorded."""
        return self.together.get(command) or self.together.get(f"{command}-1", ())

    def find(self, story_key: str, command: str, attempt: int) -> Result | None:
        return self.results.get((story_key, command, attempt))

    def session(
        self, story_key: str, command: str, attempt: int, agent: str, machine: str | None = None
    ) -> Session | None:
        """The session that this attempt was cut off in, if it was this agent's and on this machine."""
        session = self.sessions.get((story_key, command, attempt))
        return session if session is not None and (session.agent, session.machine) == (agent, machine) else None

    def keep_session(
        self, attempt_key: AttemptKey, session_id: str, agent: str, used: Usage, machine: str | None = None
    ) -> None:
        """Remember where an attempt was cut off; what its session used adds up over the calls."""
        if _SESSION_ID.fullmatch(session_id) is None:
            return
        before = self.sessions.get(attempt_key)
        booked = before.booked if before is not None and before.id == session_id else Usage()
        self.sessions[attempt_key] = Session(session_id, agent, booked + used, machine)

    def ask(self, attempt_key: AttemptKey, asked: Asked) -> None:
        """The call at this place has ended with a question; nothing of it continues before the answer."""
        self.asked[attempt_key] = asked
        if asked.answer is not None:
            self.answered.setdefault(attempt_key[:2], []).append(asked)

    def succeeded_since(self, story_key: str, command_id: int, *, but: str) -> list[str]:
        """Return the commands of a story that succeeded after a command, without those for the reason `but`."""
        return [
            command
            for (key, command, _), result in self.results.items()
            if key == story_key and result.ok and (result.command_id or 0) > command_id and result.reason != but
        ]

    def begun(self, story_key: str, command: str) -> bool:
        """Whether an attempt at this command is recorded, however it ended."""
        places = (*self.results, *self.sessions, *self.asked, *self.unchecked, *self.adoptable)
        return any(attempt_key[:2] == (story_key, command) for attempt_key in places)

    def try_again(self, story_keys: Collection[str]) -> None:
        """The failures of these stories count no more; what succeeded for them does."""
        self.results = {
            attempt_key: result
            for attempt_key, result in self.results.items()
            if result.ok or attempt_key[0] not in story_keys
        }

    def forget(self, story_key: str) -> None:
        """Nothing that is recorded for the story counts any more."""
        self.results = {
            attempt_key: result for attempt_key, result in self.results.items() if attempt_key[0] != story_key
        }
        self.sessions = {
            attempt_key: session for attempt_key, session in self.sessions.items() if attempt_key[0] != story_key
        }
        self.asked = {attempt_key: asked for attempt_key, asked in self.asked.items() if attempt_key[0] != story_key}
        self.unchecked = {
            attempt_key: call for attempt_key, call in self.unchecked.items() if attempt_key[0] != story_key
        }
        self.adoptable = {
            attempt_key: row for attempt_key, row in self.adoptable.items() if attempt_key[0] != story_key
        }
        self.together = {command: keys for command, keys in self.together.items() if story_key not in keys}
        self.trees = {name: tree for name, tree in self.trees.items() if name[0] != story_key}
        self.answered = {name: answers for name, answers in self.answered.items() if name[0] != story_key}

    def _as_first_attempts(self) -> None:
        """What a later attempt came to counts for the first one: the failures before it are not replayed."""
        self.results = {(key, command, 1): result for (key, command, _), result in self.results.items()}
        self.sessions = {(key, command, 1): session for (key, command, _), session in self.sessions.items()}
        self.asked = {(key, command, 1): asked for (key, command, _), asked in self.asked.items()}
        self.unchecked = {(key, command, 1): call for (key, command, _), call in self.unchecked.items()}


def _keys(row: Command) -> tuple[str, ...]:
    """The stories that a command was for."""
    return msgspec.json.decode(row.story_keys, type=tuple[str, ...]) or (row.story_key,)


def _usage(row: Command) -> Usage:
    return Usage(row.input_tokens or 0, row.output_tokens or 0, row.cache_read_tokens or 0, row.cache_write_tokens or 0)


def dump(verdict: Any) -> bytes:
    """The JSON of a verdict for its row."""
    return msgspec.json.encode(verdict)
