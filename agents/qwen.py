"""Qwen Code: `qwen -o stream-json`, the prompt on stdin. Written for 0.24.4.

Its lines are like Claude's, with three differences: input tokens include the cached ones, the result's usage is the
session's total, and its own limits end the run without a result line (exit 53 and 55). It reports no cost.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

from agents import faults, json_values
from agents.adapter import Adapter, Ending, Judgement, Step, choices
from agents.claude import ClaudeParser
from agents.error_text import plain
from agents.gemini import GUARDED_TOOLS
from agents.json_values import Json
from agents.records import Denied, Final, Record, Started
from agents.spec import AgentSpec, Call, OutcomeKind, Usage
from agents.text import last_words, sentence
from agents.usage import Tally

LIMIT_EXITS = frozenset((53, 55))  # turns; tool calls or wall clock

_MCP = "mcp__"  # what the operator's own tool servers offer begins with it
_MODES = {"bypassPermissions": "yolo", "acceptEdits": "auto-edit"}


class QwenParser(ClaudeParser):
    """See the module."""

    CHARS_PER_TOKEN = None  # its replies report their true tokens

    def _tokens(self, usage: Json) -> Usage:
        read = json_values.as_int(usage.get("cache_read_input_tokens"))
        fresh = max(0, json_values.as_int(usage.get("input_tokens")) - read)
        return Usage(fresh, json_values.as_int(usage.get("output_tokens")), read)

    def _system(self, line: Json) -> Iterator[Record]:
        if line.get("subtype") == "init":
            version = json_values.as_text(line.get("qwen_code_version"))
            yield Started(json_values.as_text(line.get("session_id")), json_values.as_text(line.get("model")), version)

    def _result(self, line: Json) -> Iterator[Record]:
        for denial in json_values.as_objects(line.get("permission_denials")):
            name = str(denial.get("tool_name"))
            if name in GUARDED_TOOLS or name.startswith(_MCP):  # others the model has made up
                yield Denied(name, json_values.as_text(denial.get("tool_use_id")), "")
        kind, reason = OutcomeKind.SUCCESS, ""
        if line.get("is_error") is not False or line.get("subtype") != "success":
            error = json_values.as_object(line.get("error"))
            reason = json_values.as_text(error.get("message")) or str(line.get("subtype"))
            kind = faults.kind_of(reason)
            if limit := faults.limit_seen(reason, time.time()):
                yield limit
            reason = plain(reason)
        yield Final(
            kind,
            reason,
            json_values.as_text(line.get("session_id")),
            self._tokens(json_values.as_object(line.get("usage"))),
            cumulative=True,
            whole_session=True,
            turns=json_values.as_int(line.get("num_turns")),
        )


class Qwen(Adapter):
    """See the module."""

    kind = "qwen"
    stdout_to_file = True
    reports_model = True
    login = "Set OPENAI_API_KEY in the agent's environment, or start `qwen` once and log in."
    ending = (Step(signal.SIGTERM, to_group=True),)  # a signal to the pid ends only the launcher
    death_signal = signal.SIGTERM

    def argv(self, spec: AgentSpec, call: Call) -> list[str]:
        return [*spec.command, "--output-format", "stream-json", *choices(spec, call, _MODES)]

    def terminal_argv(self, spec: AgentSpec, session_id: str) -> list[str] | None:
        return [*spec.command, "--resume", session_id]

    def parser(self, cwd: str | None = None) -> QwenParser:
        return QwenParser(cwd)

    def _without_final(self, tally: Tally, ending: Ending) -> Judgement:
        if ending.exit_code in LIMIT_EXITS:
            words = last_words(ending.stderr) or "a limit of the agent was reached"
            return Judgement(OutcomeKind.LIMIT, sentence(words))
        return super()._without_final(tally, ending)
