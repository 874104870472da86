"""opencode: `opencode run --format json`, the prompt on stdin. Written for 1.18.33.

There is no final line: the end is a step that finished with reason "stop". Tokens and cost come with every step. Tools
are reported only when they have finished. A refused permission ends the run with exit 0, no success; an error that
it has healed itself ends it with exit 1, which is no failure. Tokens of sub-agents are in no line: they are read from
the sessions that it stores, where that can be done.
"""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from agents import faults, json_values
from agents.adapter import Adapter, Ending, Judgement, QuietParser, Step
from agents.edits import edit_of_diff
from agents.environment import environment, find_program
from agents.error_text import plain
from agents.json_values import Json
from agents.opencode_sessions import session_of, spent_in, usage_of
from agents.records import (
    Denied,
    Failure,
    Final,
    Note,
    Record,
    Started,
    SubSession,
    Text,
    ToolCall,
    ToolResult,
    UsageSeen,
)
from agents.spec import AgentSpec, Call, OutcomeKind
from agents.summaries import tool_call
from agents.text import one_line
from agents.usage import Tally

RESULT_CHARS = 64 * 1024  # of a tool's output that is passed on
_PERMISSION = re.compile(rb"permission requested: ([^;]+); auto-rejecting")
UNCOUNTED = "What its sub-agents have used could not be read from opencode: their tokens and cost are not counted here."
NOT_BEGUN = "UnknownError"  # all that it says when it does not know the model
_REJECTED = "rejected permission"


class OpencodeParser(QuietParser):
    """The state of one call: the reason of the last step, and what was refused."""

    def __init__(self, cwd: str | None = None) -> None:
        self._cwd = cwd
        self._session: str | None = None
        self._refused: str | None = None
        self._unfinished = False
        self._began = False  # whether a step has
        self._erred = False

    def feed(self, line: bytes) -> Sequence[Record]:
        reading = json_values.read_line(line, _is_line)
        records: list[Record] = [*reading.noise]
        for value in reading.objects:
            records.extend(self._read(value))
        return records

    def feed_stderr(self, line: bytes) -> Sequence[Record]:
        found = _PERMISSION.search(line)
        if found is None:
            return ()
        self._refused = one_line(found[1].decode("utf-8", "replace"))
        return (Denied(self._refused.split(" ", 1)[0], None, self._refused),)

    def close(self) -> Sequence[Record]:
        if self._unfinished and self._refused is not None:
            reason = f"the run ended because a permission was refused: {self._refused}"
            return (Final(OutcomeKind.FAILED, reason, self._session),)
        return ()

    def _read(self, line: Json) -> Iterator[Record]:
        session = json_values.as_text(line.get("sessionID"))
        if session and session != self._session:
            self._session = session
            yield Started(session)
        part = json_values.as_object(line.get("part"))
        match line.get("type"):
            case "text":
                if message := json_values.as_text(part.get("text")):
                    # What the program sends to the model after a compaction is not the agent's output.
                    yield Note(one_line(message)) if part.get("synthetic") is True else Text(message)
            case "tool_use":
                yield from self._tool(part)
            case "step_start":
                self._unfinished = self._began = True
            case "step_finish":
                yield from self._step(part)
            case "error":
                yield from self._error(json_values.as_object(line.get("error")))

    def _tool(self, part: Json) -> Iterator[Record]:
        id_, state = str(part.get("callID")), json_values.as_object(part.get("state"))
        yield self._call(id_, str(part.get("tool")), state)
        if part.get("tool") == "task":
            session = session_of(part)
            yield Note(UNCOUNTED) if session is None else SubSession(session)
        error = json_values.as_text(state.get("error"))
        if error and _REJECTED in error:
            self._refused = self._refused or error
            yield Denied(str(part.get("tool")), id_, one_line(error))
        output = error or str(state.get("output") or "")
        exit_code = json_values.as_object(state.get("metadata")).get("exit")
        ok = state.get("status") == "completed" and exit_code in (None, 0)
        yield ToolResult(id_, ok, output[:RESULT_CHARS], len(output))

    def _call(self, id_: str, name: str, state: Json) -> ToolCall:
        """A call is reported when it has ended, an edit with the difference that it made."""
        call = tool_call(id_, name, json_values.as_object(state.get("input")), self._cwd)
        diff = json_values.as_text(json_values.as_object(state.get("metadata")).get("diff"))
        if diff is None or not call.edits:
            return call
        edit = edit_of_diff(call.edits[0].path, diff)
        return call if edit is None else replace(call, edits=(edit,))

    def _step(self, part: Json) -> Iterator[Record]:
        cost = json_values.as_number(part.get("cost")) or None  # 0 where no price is configured
        yield UsageSeen(str(part.get("id")), usage_of(json_values.as_object(part.get("tokens"))), None, cost)
        reason = part.get("reason")
        self._unfinished = reason == "tool-calls"
        if reason == "stop":  # a compaction that heals an error ends with one, too, and then the work continues
            yield Final(OutcomeKind.SUCCESS, "", self._session, more_expected=self._erred)
        elif reason == "length":
            yield Final(OutcomeKind.LIMIT, "the reply was cut off at the output limit", self._session)
        elif not self._unfinished:
            yield Final(OutcomeKind.FAILED, f"the last step ended with {reason!r}", self._session)

    def _error(self, error: Json) -> Iterator[Record]:
        data = json_values.as_object(error.get("data"))
        name, words = str(error.get("name")), json_values.as_text(data.get("message")) or str(error.get("name"))
        status = json_values.as_int(data.get("statusCode")) or None
        kind = faults.kind_of(words, status) if name == "APIError" or status else OutcomeKind.FAILED
        if name == NOT_BEGUN and not self._began:
            kind, words = OutcomeKind.COULD_NOT_START, f"it knows no such model, or could not begin at all ({words})"
        elif faults.is_about_model(words) or "ModelNotFound" in name:
            kind = OutcomeKind.COULD_NOT_START
        if limit := faults.limit_seen(words, time.time()):
            yield limit
        if data.get("isRetryable") is True and kind is OutcomeKind.FAILED:
            kind = OutcomeKind.TRANSIENT
        self._unfinished = False
        yield Failure(name, one_line(words), status)
        self._erred = True
        yield Final(kind, plain(words), self._session, more_expected=True)


class Opencode(Adapter):
    """See the module."""

    kind = "opencode"
    login = "Log in with `opencode auth login`."
    models = "`opencode models` lists what it offers."
    complains = True
    ending = (Step(signal.SIGTERM, to_group=True),)  # it ignores SIGINT and SIGHUP
    death_signal = signal.SIGTERM
    environment = {"OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_SHARE": "1"}

    def argv(self, spec: AgentSpec, call: Call) -> list[str]:
        argv = [*spec.command, "run", "--format", "json"]
        if model := call.model or spec.model:
            argv += ["-m", model]
        if spec.permission_mode in ("bypassPermissions", "auto"):
            argv.append("--auto")
        if call.resume:
            argv += ["--session", call.resume]
        return argv

    def terminal_argv(self, spec: AgentSpec, session_id: str) -> list[str] | None:
        return [*spec.command, "--session", session_id]

    def parser(self, cwd: str | None = None) -> OpencodeParser:
        return OpencodeParser(cwd)

    async def uncounted(self, spec: AgentSpec, call: Call, tally: Tally, began: float) -> Sequence[Record]:
        if not tally.sub_sessions:
            return ()
        env = environment(self.environment, spec.env, call.mark)
        command = [find_program(spec.command[0], env, call.cwd) or spec.command[0], *spec.command[1:]]
        spent = await spent_in(command, env, call.cwd, tally.sub_sessions, began)
        return (Note(UNCOUNTED),) if spent is None else spent

    def _by_final(self, tally: Tally, ending: Ending) -> Judgement:
        """Its exit code reports any error of the session, also one that it recovered from: the last step counts."""
        healed = tally.failure is not None and ending.exit_code == 1
        return super()._by_final(tally, replace(ending, exit_code=0) if healed else ending)


def _is_line(value: Json) -> bool:
    return isinstance(value.get("type"), str) and "sessionID" in value and "timestamp" in value
