"""Codex: `codex exec --json … -`, the prompt on stdin. Written for 0.169.0.

It reports tokens only at the end of a turn, as the thread's total; until then they are guessed. It never reports a
cost, a model or a number of turns. Errors are prose; "Reconnecting…" is a retry and not a failure. Denials by its
sandbox are reported on stderr only.
"""

from __future__ import annotations

import re
import shlex
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from agents import faults, json_values
from agents.adapter import Adapter, QuietParser, Step
from agents.codex_quota import APP_SERVER, windows
from agents.edits import FILES_MOST, edit_of_diff
from agents.environment import environment, find_program
from agents.error_text import plain
from agents.json_values import Json
from agents.records import Denied, Edit, Failure, Final, LimitSeen, Note, Record, Retry, Started, Text, ToolResult
from agents.spec import AgentSpec, Call, OutcomeKind, Usage
from agents.summaries import relative, seen_from, tool_call
from agents.text import one_line
from agents.token_estimate import Guess
from agents.usage import Tally

RESULT_CHARS = 64 * 1024  # of a command's output that is passed on
COMMAND_CHARS = 2000  # of a command line that is taken apart for its summary

_RECONNECTING = re.compile(r"Reconnecting\.\.\. (?:(\d+)/(\d+)|waiting for network)\s*(?:\((.*)\))?", re.DOTALL)
_DENIED = re.compile(rb"error=((?:patch|exec\w*|command) rejected.*)")
_SANDBOXES = ("read-only", "workspace-write", "danger-full-access")
_MODES: dict[str, tuple[str, ...]] = {
    "bypassPermissions": ("--dangerously-bypass-approvals-and-sandbox",),
    "acceptEdits": ("-s", "workspace-write"),
    "auto": ("-s", "workspace-write"),
    "plan": ("-s", "read-only"),
    **{mode: ("-s", mode) for mode in _SANDBOXES},
}
_TEXT_ITEMS = frozenset(("reasoning", "agent_message", "error"))


class CodexParser(QuietParser):
    """The state of one call: which items were announced when they started."""

    def __init__(self, cwd: str | None = None) -> None:
        self._cwd = cwd
        self._guess = Guess()
        self._open: set[str] = set()
        self._session: str | None = None

    def feed(self, line: bytes) -> Sequence[Record]:
        reading = json_values.read_line(line, _is_line)
        records: list[Record] = [*reading.noise]
        for value in reading.objects:
            records.extend(self._guess.follow(self._read(value)))
        return records

    def feed_stderr(self, line: bytes) -> Sequence[Record]:
        found = _DENIED.search(line)
        return (Denied("sandbox", None, one_line(found[1].decode("utf-8", "replace"))),) if found else ()

    def _read(self, line: Json) -> Iterator[Record]:
        match line.get("type"):
            case "thread.started":
                self._session = json_values.as_text(line.get("thread_id"))
                yield Started(self._session)
            case "item.started" | "item.updated":
                yield from self._begin(json_values.as_object(line.get("item")))
            case "item.completed":
                yield from self._complete(json_values.as_object(line.get("item")))
            case "error":
                yield _error(json_values.as_text(line.get("message")) or "unknown error")
            case "turn.completed":
                usage = _usage(json_values.as_object(line.get("usage")))
                yield Final(OutcomeKind.SUCCESS, "", self._session, usage, cumulative=True, whole_session=True)
            case "turn.failed":
                yield from self._failed(json_values.as_text(json_values.as_object(line.get("error")).get("message")))

    def _begin(self, item: Json) -> Iterator[Record]:
        id_, kind = str(item.get("id")), str(item.get("type"))
        if kind in _TEXT_ITEMS or id_ in self._open:
            return
        self._open.add(id_)
        if kind == "command_execution":
            yield tool_call(id_, "Bash", {"command": _script(item)}, self._cwd)
        elif kind == "file_change":
            changes = json_values.as_objects(item.get("changes"))
            new = bool(changes) and all(change.get("kind") == "add" for change in changes)
            paths = ", ".join(relative(str(change.get("path")), self._cwd) for change in changes[:3])
            call = tool_call(id_, "Write" if new else "Edit", {"path": paths}, self._cwd)
            yield replace(call, edits=seen_from(_edits(changes), self._cwd))
        else:
            name = json_values.as_text(item.get("tool")) or kind
            yield tool_call(id_, name, {**json_values.as_object(item.get("arguments")), **item}, self._cwd)

    def _complete(self, item: Json) -> Iterator[Record]:
        kind, spoken = item.get("type"), json_values.as_text(item.get("text"))
        if kind == "agent_message":
            if spoken:
                yield Text(spoken)
        elif kind == "error":  # a warning, such as missing metadata of a model
            yield Note(one_line(str(item.get("message"))))
        elif kind != "reasoning":
            yield from self._begin(item)
            self._open.discard(str(item.get("id")))
            output = str(item.get("aggregated_output") or "")
            ok = item.get("status") not in ("failed", "declined")
            yield ToolResult(str(item.get("id")), ok, output[:RESULT_CHARS], len(output))

    def _failed(self, message: str | None) -> Iterator[Record]:
        words = message or "the turn failed"
        if limit := faults.limit_seen(words, time.time()):
            yield limit
        yield Final(faults.kind_of(words), plain(words), self._session)


class Codex(Adapter):
    """See the module."""

    kind = "codex"
    login = "Log in with `codex login`, or set the key that its provider asks for."
    complains = True
    state_paths = (".codex",)
    login_variables = ("OPENAI_", "CODEX_", "AZURE_")
    ending = (Step(signal.SIGINT),)  # on which it ends its commands; SIGTERM would leave them
    death_signal = signal.SIGINT
    optional = frozenset((APP_SERVER,))
    knows_windows = True

    def argv(self, spec: AgentSpec, call: Call) -> list[str]:
        argv = [*spec.command, "exec", "--json", "--skip-git-repo-check"]
        if model := call.model or spec.model:
            argv += ["-m", model]
        if spec.permission_mode:
            argv += _MODES.get(spec.permission_mode, ())
        if call.resume:
            argv += ["resume", call.resume]
        return [*argv, "-"]

    def terminal_argv(self, spec: AgentSpec, session_id: str) -> list[str] | None:
        return [*spec.command, "resume", session_id]

    def parser(self, cwd: str | None = None) -> CodexParser:
        return CodexParser(cwd)

    async def windows(
        self, command: Sequence[str], env: Mapping[str, str], cwd: Path, options: frozenset[str]
    ) -> tuple[LimitSeen, ...]:
        return await windows(command, env, cwd) if APP_SERVER in options else ()

    async def uncounted(self, spec: AgentSpec, call: Call, tally: Tally, began: float) -> Sequence[Record]:
        """When a used-up window opens again, where the words of the error do not say it."""
        final, limit = tally.final, tally.limit
        if final is None or final.kind is not OutcomeKind.USAGE_LIMIT or (limit is not None and limit.resets_at):
            return ()
        env = environment(self.environment, spec.env, call.mark)
        command = [find_program(spec.command[0], env, call.cwd) or spec.command[0], *spec.command[1:]]
        used_up = [seen for seen in await self.windows(command, env, call.cwd, call.options) if seen.rejected]
        return (max(used_up, key=lambda seen: seen.resets_at or 0.0),) if used_up else ()


def _edits(changes: Sequence[Json]) -> tuple[Edit, ...]:
    """The changed files; their lines only where the program reports a diff of its own."""
    named = [(str(change.get("path")), json_values.as_text(change.get("diff"))) for change in changes[:FILES_MOST]]
    return tuple((edit_of_diff(path, diff) if diff else None) or Edit(path) for path, diff in named)


def _is_line(value: Json) -> bool:
    kind = value.get("type")
    return isinstance(kind, str) and (kind.startswith(("thread.", "turn.", "item.")) or kind == "error")


def _script(item: Json) -> str:
    """Return the command inside of `/bin/bash -lc '…'`."""
    command = str(item.get("command") or "")
    if len(command) > COMMAND_CHARS:
        return command[:COMMAND_CHARS]
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    return words[2] if len(words) == 3 and words[1] in ("-lc", "-c") else command


def _error(message: str) -> Record:
    found = _RECONNECTING.match(message)
    if found is None:
        return Failure(faults.kind_of(message).value, one_line(message), faults.status_in(message))
    attempt, most, why = found.groups()
    why = why or "no network"
    return Retry(
        attempt=int(attempt or 0),
        max_attempts=int(most) if most else None,
        delay_s=None,
        error=one_line(why),
        status=faults.status_in(why),
        fatal=faults.kind_of(why) is OutcomeKind.AUTH,
    )


def _usage(usage: Json) -> Usage:
    """`input_tokens` includes the cached ones; `output_tokens` the reasoning."""
    read = json_values.as_int(usage.get("cached_input_tokens"))
    written = json_values.as_int(usage.get("cache_write_input_tokens"))
    fresh = max(0, json_values.as_int(usage.get("input_tokens")) - read - written)
    return Usage(fresh, json_values.as_int(usage.get("output_tokens")), read, written)
