"""Claude Code: `claude -p --output-format stream-json --verbose …`, the prompt on stdin.

Reads versions 2.1.197 to 2.1.330 and ignores lines it does not know. Usage is seen once per message id; the result
line's `model_usage_since_last_result` (subagents included) is the truth, or `modelUsage` where that is missing.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from agents import json_values, messages
from agents.adapter import Adapter, QuietParser, Step
from agents.claude_lines import (
    applied_edits,
    blocks_of,
    is_line,
    kind_of,
    limit_of,
    question_of,
    retry_of,
    size_of,
    spent,
    structured_of,
    text_of,
    tool_result,
    usage_of,
    words_of,
)
from agents.claude_options import (
    MESSAGES,
    OPTIONAL,
    optional_argv,
    reads_messages,
    takes_messages,
    user_message,
)
from agents.claude_reply import Reply
from agents.json_values import Json
from agents.limit_text import reset_in
from agents.records import (
    Denied,
    Failure,
    Final,
    LimitSeen,
    MessageTaken,
    Note,
    Question,
    Record,
    Started,
    Text,
    UsageSeen,
)
from agents.spec import AgentSpec, Call, OutcomeKind, Usage
from agents.summaries import seen_from, tool_call
from agents.text import one_line

PARTIAL = "--include-partial-messages"  # reports the exact tokens of each reply, and that a long one is still growing
VERDICT_TOOL = "StructuredOutput"  # that --json-schema adds; a call that fits the schema ends the run
SYNTHETIC_MODEL = "<synthetic>"  # an API error printed as if the model had said it

_QUESTION_TOOLS = frozenset(("AskUserQuestion",))
_LIMIT_SUBTYPES = frozenset(("error_max_turns", "error_max_budget_usd"))
_UNSTRUCTURED = "error_max_structured_output_retries"  # the work is done, only its verdict has not the asked form


class ClaudeParser(QuietParser):
    """The state of one call: the last API error, running background tasks, the reply being printed."""

    CHARS_PER_TOKEN: ClassVar[int | None] = 4  # rough, of English and of code

    def __init__(self, cwd: str | None = None) -> None:
        self._cwd = cwd
        self._failure: Failure | None = None
        self._limit: LimitSeen | None = None
        self._denied: set[str] = set()
        self._background = 0
        self._started = False
        self._reply = Reply(self.CHARS_PER_TOKEN)

    def feed(self, line: bytes) -> Sequence[Record]:
        reading = json_values.read_line(line, is_line)
        records: list[Record] = [*reading.noise]
        for value in reading.objects:
            records.extend(self._read(value))
        return records

    def _read(self, line: Json) -> Iterator[Record]:
        match line.get("type"):
            case "assistant":
                yield from self._assistant(line)
            case "user":
                yield from self._user(line)
            case "system":
                yield from self._system(line)
            case "stream_event":
                yield from self._event(line)
            case "rate_limit_event":
                yield from self._rate_limit(line)
            case "result":
                yield from self._result(line)

    # -- what the model and its tools said

    def _assistant(self, line: Json) -> Iterator[Record]:
        message = json_values.as_object(line.get("message"))
        if message.get("model") == SYNTHETIC_MODEL:
            yield from self._synthetic(line, message)
            return
        subagent = json_values.as_text(line.get("parent_tool_use_id"))
        blocks = blocks_of(message.get("content"))
        for block in blocks:
            yield from self._block(block, subagent)
        yield from self._usage(message, sum(size_of(block) for block in blocks))

    def _block(self, block: Json, subagent: str | None) -> Iterator[Record]:
        if block.get("type") == "text" and (text := json_values.as_text(block.get("text"))):
            yield Text(text, subagent)
        elif block.get("type") == "tool_use":
            name = json_values.as_text(block.get("name")) or "?"
            arguments = json_values.as_object(block.get("input"))
            call = tool_call(str(block.get("id")), name, arguments, self._cwd, subagent)
            yield replace(call, is_verdict=True) if name == VERDICT_TOOL else call
            if name in _QUESTION_TOOLS:
                yield Question(question_of(arguments) or name)

    def _tokens(self, usage: Json) -> Usage:
        return usage_of(usage)

    def _usage(self, message: Json, characters: int) -> Iterator[Record]:
        id_ = json_values.as_text(message.get("id"))
        usage = self._tokens(json_values.as_object(message.get("usage")))
        if id_ is not None and usage:
            yield self._reply.block(id_, text_of(message, "model"), usage, characters)

    def _synthetic(self, line: Json, message: Json) -> Iterator[Record]:
        joined = "\n".join(str(block.get("text", "")) for block in blocks_of(message.get("content")))
        error = json_values.as_text(line.get("error"))
        if error is None:  # a note of the program, such as "No response requested."
            yield Note(one_line(joined))
            return
        status = json_values.as_int(line.get("api_error_status")) or None
        self._failure = Failure(error, one_line(joined), status)
        if line.get("api_error") == "usage_limit_reached" and self._limit is None:
            info = json_values.as_object(json_values.as_object(line.get("api_error_params")).get("rate_limit_info"))
            self._limit = limit_of({**info, "status": "rejected"})
            yield self._limit
        yield self._failure

    def _user(self, line: Json) -> Iterator[Record]:
        if line.get("isReplay") is True:
            yield from self._taken(line)
            return
        subagent = json_values.as_text(line.get("parent_tool_use_id"))
        for block in blocks_of(json_values.as_object(line.get("message")).get("content")):
            if block.get("type") == "tool_result":
                yield tool_result(block, subagent, seen_from(applied_edits(line), self._cwd))

    def _taken(self, line: Json) -> Iterator[Record]:
        """The program repeats what it takes from its input: the prompt, and messages by their UUIDs."""
        message_id = messages.id_of(line.get("uuid"))
        if message_id is not None:
            blocks = blocks_of(json_values.as_object(line.get("message")).get("content"))
            text = "\n".join(str(block.get("text", "")) for block in blocks)
            yield MessageTaken(message_id, messages.of_operator(text))

    def _event(self, line: Json) -> Iterator[Record]:
        """With partial messages a reply's tokens are known from its first byte, and exactly at its end."""
        event = json_values.as_object(line.get("event"))
        seen: UsageSeen | None = None
        match event.get("type"):
            case "message_start":
                yield from self._usage(json_values.as_object(event.get("message")), 0)
            case "content_block_delta":
                delta = json_values.as_object(event.get("delta"))
                written = delta.get("text") or delta.get("partial_json") or delta.get("thinking")
                seen = self._reply.grow(len(str(written or "")))
            case "message_delta":
                usage = self._tokens(json_values.as_object(event.get("usage")))
                seen = self._reply.end(text_of(line, "api_message_id"), usage)
        if seen is not None:
            yield seen

    # -- what the program said about itself

    def _system(self, line: Json) -> Iterator[Record]:
        match line.get("subtype"):
            case "init":
                self._started = True
                self._cwd = self._cwd or text_of(line, "cwd")
                version = json_values.as_text(line.get("claude_code_version"))
                yield Started(text_of(line, "session_id"), text_of(line, "model"), version)
            case "api_retry":
                yield retry_of(line)
            case "permission_denied":
                self._denied.add(str(line.get("tool_use_id")))
                message = text_of(line, "message") or ""
                yield Denied(str(line.get("tool_name")), text_of(line, "tool_use_id"), message)
            case "background_tasks_changed":
                self._background = len(json_values.as_objects(line.get("tasks")))
            case "model_fallback" | "model_refusal_no_fallback" | "informational" | "task_notification":
                yield Note(one_line(text_of(line, "content") or text_of(line, "summary") or str(line["subtype"])))
            case "compact_boundary":
                yield Note("The conversation was compacted.")

    def _rate_limit(self, line: Json) -> Iterator[Record]:
        seen = limit_of(json_values.as_object(line.get("rate_limit_info")))
        self._limit = seen if seen.rejected else None
        yield seen

    def _result(self, line: Json) -> Iterator[Record]:
        for denial in json_values.as_objects(line.get("permission_denials")):
            id_ = text_of(denial, "tool_use_id")
            if str(id_) not in self._denied:
                self._denied.add(str(id_))
                yield Denied(str(denial.get("tool_name")), id_, "")
        kind, reason = self._judge(line)
        unstructured = line.get("subtype") == _UNSTRUCTURED
        if unstructured:
            yield Note("Its structured verdict never fitted the schema; what counts is the marker in its text.")
        if kind is OutcomeKind.USAGE_LIMIT and (self._limit is None or self._limit.resets_at is None):
            yield LimitSeen(True, reset_in(reason, time.time()))
        usage, cost, cumulative = spent(line)
        session = text_of(line, "session_id")
        yield Final(
            kind,
            reason,
            session,
            usage,
            cost,
            cumulative=cumulative,
            turns=json_values.as_int(line.get("num_turns")),
            more_expected=self._background > 0,
            structured=structured_of(line),
            exit_code=1 if unstructured else 0,
        )
        self._failure = None

    def _judge(self, line: Json) -> tuple[OutcomeKind, str]:
        subtype, words = str(line.get("subtype")), words_of(line)
        if subtype == _UNSTRUCTURED or (line.get("is_error") is False and subtype == "success"):
            return OutcomeKind.SUCCESS, ""
        if subtype in _LIMIT_SUBTYPES:
            return OutcomeKind.LIMIT, words
        if json_values.as_text(line.get("startup_failure_reason")) or not (self._started or line.get("num_turns")):
            return OutcomeKind.COULD_NOT_START, words
        if self._limit is not None or line.get("api_error") == "usage_limit_reached":
            return OutcomeKind.USAGE_LIMIT, words
        error = self._failure.error if self._failure else text_of(line, "error")
        return kind_of(error, json_values.as_int(line.get("api_error_status"))), words


class Claude(Adapter):
    """See the module."""

    kind = "claude"
    reports_cost = reports_model = True
    login = "Log in with `claude` and /login, or set ANTHROPIC_API_KEY in the agent's environment."
    state_paths = (".claude", ".claude.json", "/etc/claude-code")
    login_variables = ("ANTHROPIC_", "CLAUDE_", "AWS_", "GOOGLE_", "AZURE_")
    ending = (Step(signal.SIGINT), Step(signal.SIGTERM))
    death_signal = signal.SIGTERM  # on which it ends the shell commands it started, too
    optional = OPTIONAL
    environment = {
        "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",  # a timeout then ends the command, and a result is the end
        "CLAUDE_CODE_STARTUP_FAILURE_RESULTS": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_TELEMETRY": "1",
        "DISABLE_ERROR_REPORTING": "1",
        "DISABLE_AUTOUPDATER": "1",
    }

    def argv(self, spec: AgentSpec, call: Call) -> list[str]:
        argv = [*spec.command, "-p", "--output-format", "stream-json", "--verbose", PARTIAL]
        if model := call.model or spec.model:
            argv += ["--model", model]
        if spec.permission_mode:
            argv += ["--permission-mode", spec.permission_mode]
        if call.resume:
            argv += ["--resume", call.resume]
        return [*argv, *optional_argv(spec, call)]

    def options_for(self, command: Sequence[str]) -> frozenset[str]:
        return self.optional if reads_messages(command) else self.optional - MESSAGES

    def takes_messages(self, call: Call) -> bool:
        return takes_messages(call)

    def prompt(self, call: Call) -> str:
        return user_message(call.prompt) if self.takes_messages(call) else call.prompt

    def message(self, message_id: int, text: str) -> str:
        return user_message(messages.for_model(text), message_id)

    def terminal_argv(self, spec: AgentSpec, session_id: str) -> list[str] | None:
        return [*spec.command, "--resume", session_id]

    def parser(self, cwd: str | None = None) -> ClaudeParser:
        return ClaudeParser(cwd)

    def problem(self, spec: AgentSpec, env: Mapping[str, str]) -> str | None:
        bypass = spec.permission_mode == "bypassPermissions" or "--dangerously-skip-permissions" in spec.command
        if bypass and os.geteuid() == 0 and env.get("IS_SANDBOX") != "1":
            return (
                f"{spec.name} refuses to bypass permissions for the root user: run as another user, or set "
                "IS_SANDBOX=1 in the agent's environment if this machine is a sandbox."
            )
        return None
