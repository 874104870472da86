"""Gemini CLI: `gemini -o stream-json --skip-trust`, the prompt on stdin. Written for 0.61.0.

Text comes in pieces and is passed on line by line. Tokens are reported only at the end, and guessed until then. A lost
end of the stream with exit 0 is common, so only a result line counts; a "success" after a detected loop does not.
"""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator, Sequence

from agents import faults, json_values
from agents.adapter import Adapter, Ending, Judgement, QuietParser, Step, choices
from agents.error_text import plain
from agents.json_values import Json
from agents.records import Denied, Final, Note, Record, Retry, Started, Text, ToolResult
from agents.spec import AgentSpec, Call, OutcomeKind, Usage
from agents.summaries import tool_call
from agents.text import last_words, line_about, one_line, sentence
from agents.token_estimate import Guess
from agents.usage import Tally

RESULT_CHARS = 64 * 1024  # of a tool's output that is passed on
EXIT_NO_AUTH = 41

_ATTEMPT = re.compile(rb"Attempt (\d+) failed(?: with status (\d+))?[^\w]*(.{0,200})")
_MODES = {"bypassPermissions": "yolo", "acceptEdits": "auto_edit", "plan": "plan"}
_NOT_PERMITTED = frozenset(("policy_violation", "execution_denied"))
_WITHHELD = "tool_not_registered"  # also what a tool is that the model has made up
# Its own tools that need a permission, and are not even offered without one.
GUARDED_TOOLS = frozenset(
    ("run_shell_command", "write_file", "replace", "edit", "edit_file", "web_fetch", "save_memory")
)
_LOGIN_WORDS = re.compile(r"_API_KEY|auth|log ?in|credential", re.IGNORECASE)
_LOOP = "loop detected"


class GeminiParser(QuietParser):
    """The state of one call: the unfinished line of text, and whether a loop was detected."""

    def __init__(self, cwd: str | None = None) -> None:
        self._cwd = cwd
        self._guess = Guess()
        self._piece = ""
        self._loop: str | None = None
        self._session: str | None = None
        self._names: dict[str, str] = {}

    def feed(self, line: bytes) -> Sequence[Record]:
        reading = json_values.read_line(line, _is_line)
        records: list[Record] = [*reading.noise]
        for value in reading.objects:
            records.extend(self._guess.follow(self._read(value)))
        return records

    def feed_stderr(self, line: bytes) -> Sequence[Record]:
        found = _ATTEMPT.search(line)
        if found is None:
            return ()
        words = found[3].decode("utf-8", "replace")
        return (Retry(int(found[1]), None, None, one_line(words), int(found[2]) if found[2] else None),)

    def close(self) -> Sequence[Record]:
        return tuple(self._flush())

    def _read(self, line: Json) -> Iterator[Record]:
        if line.get("type") == "message":
            if line.get("role") == "assistant":
                yield from self._text(str(line.get("content") or ""), line.get("delta") is True)
            return
        yield from self._flush()
        match line.get("type"):
            case "init":
                self._session = json_values.as_text(line.get("session_id"))
                yield Started(self._session, json_values.as_text(line.get("model")))
            case "tool_use":
                yield self._tool(line)
            case "tool_result":
                yield from self._tool_result(line)
            case "error":
                words = str(line.get("message"))
                self._loop = words if words.lower().startswith(_LOOP) else self._loop
                yield Note(one_line(words))
            case "result":
                yield from self._result(line)

    def _text(self, content: str, piece: bool) -> Iterator[Record]:
        """Whole lines at once, the rest when it is complete."""
        self._piece += content
        whole, newline, rest = self._piece.rpartition("\n")
        if newline and piece:
            self._piece = rest
            yield Text(whole)
        elif not piece:
            yield from self._flush()

    def _flush(self) -> Iterator[Record]:
        if self._piece:
            yield Text(self._piece)
        self._piece = ""

    def _tool(self, line: Json) -> Record:
        id_, name = str(line.get("tool_id")), str(line.get("tool_name"))
        self._names[id_] = name
        return tool_call(id_, name, json_values.as_object(line.get("parameters")), self._cwd)

    def _tool_result(self, line: Json) -> Iterator[Record]:
        id_, output = str(line.get("tool_id")), str(line.get("output") or "")
        error = json_values.as_object(line.get("error"))
        name = self._names.pop(id_, "?")
        withheld = error.get("type") == _WITHHELD and name in GUARDED_TOOLS
        if withheld or json_values.as_text(error.get("type")) in _NOT_PERMITTED:
            yield Denied(name, id_, one_line(str(error.get("message"))))
        yield ToolResult(id_, line.get("status") == "success", output[:RESULT_CHARS], len(output))

    def _result(self, line: Json) -> Iterator[Record]:
        stats = json_values.as_object(line.get("stats"))
        kind, reason = OutcomeKind.SUCCESS, ""
        if line.get("status") != "success":
            error = json_values.as_object(line.get("error"))
            reason = json_values.as_text(error.get("message")) or "the agent reported an error"
            turns = error.get("type") == "FatalTurnLimitedError"
            kind = OutcomeKind.LIMIT if turns else faults.kind_of(reason)
            if not turns and (limit := faults.limit_seen(reason, time.time())):
                yield limit
            reason = plain(reason)
        elif self._loop is not None:
            kind, reason = OutcomeKind.FAILED, self._loop
        yield Final(kind, reason, self._session, _usage(stats), cumulative=True)


class Gemini(Adapter):
    """See the module."""

    kind = "gemini"
    stdout_to_file = True
    reports_model = True
    login = "Set GEMINI_API_KEY in the agent's environment, or start `gemini` once and log in."
    complains = True
    ending = (Step(signal.SIGINT, to_group=True), Step(signal.SIGTERM, to_group=True))
    death_signal = signal.SIGTERM
    environment = {"GEMINI_CLI_NO_RELAUNCH": "true"}  # one process instead of a launcher and its child

    def argv(self, spec: AgentSpec, call: Call) -> list[str]:
        fixed = ["--output-format", "stream-json", "--skip-trust"]
        return [*spec.command, *fixed, *choices(spec, call, _MODES)]

    def terminal_argv(self, spec: AgentSpec, session_id: str) -> list[str] | None:
        return [*spec.command, "--resume", session_id]

    def parser(self, cwd: str | None = None) -> GeminiParser:
        return GeminiParser(cwd)

    def _without_final(self, tally: Tally, ending: Ending) -> Judgement:
        if ending.exit_code == EXIT_NO_AUTH:
            message = line_about(ending.stderr, _LOGIN_WORDS) or last_words(ending.stderr) or "no login is configured"
            return Judgement(OutcomeKind.AUTH, sentence(message))
        return super()._without_final(tally, ending)


def _is_line(value: Json) -> bool:
    return isinstance(value.get("type"), str) and "timestamp" in value


def _usage(stats: Json) -> Usage:
    """`input` is what was not cached; thoughts are only in the total, and are charged as output."""
    read, whole = json_values.as_int(stats.get("cached")), json_values.as_int(stats.get("input_tokens"))
    fresh = json_values.as_int(stats["input"]) if "input" in stats else max(0, whole - read)
    output = max(json_values.as_int(stats.get("output_tokens")), json_values.as_int(stats.get("total_tokens")) - whole)
    return Usage(fresh, output, read)
