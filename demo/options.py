"""The command line: Claude Code's flags as far as an unattended run uses them, and `--speed`, `--script`,
`--chaos`, `--bmad` (whose version's rules an unattended build follows).

Wrong calls fail as the real program's do: a message on standard error, nothing on standard output, exit code 1.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from demo.rules import NEWEST, VERSIONS

UNLIMITED_SPEED = 20.0  # from this speed on there is no waiting at all
MODES = ("acceptEdits", "auto", "bypassPermissions", "manual", "dontAsk", "plan", "default")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SWITCHES = _words(
    """
    -p --print --verbose -v --version -h --help -c --continue --dangerously-skip-permissions
    --allow-dangerously-skip-permissions --include-partial-messages --include-hook-events --forward-subagent-text
    --replay-user-messages --fork-session --no-session-persistence --strict-mcp-config --disable-slash-commands
    --safe-mode --bare
    """
)
WITH_VALUE = _words(
    """
    --output-format --input-format --model --fallback-model --effort --permission-mode --permission-prompts
    --permission-prompt-tool --append-system-prompt --append-system-prompt-file --system-prompt --system-prompt-file
    --system-prompt-snapshot --max-turns --max-budget-usd --json-schema --session-id --resume -r --settings
    --setting-sources --agent --agents --name --debug-file --plugin-dir --speed --script
    --chaos --bmad
    """
)
VARIADIC = _words(
    """
    --allowedTools --allowed-tools --disallowedTools --disallowed-tools --tools --mcp-config --add-dir --betas --file
    """
)


HELP = """\
Usage: demo agent [options] [prompt]

The scripted agent of the demo: it plays the commands of a sprint like Claude Code.

Options:
  --input-format <format>   Input format (choices: "text", "stream-json")
  --replay-user-messages    Re-emit user messages from stdin back on stdout
  -v, --version             Output the version number
  -h, --help                Display help for command
"""


class UsageError(Exception):
    """An invalid command line; the message is printed."""


@dataclass(frozen=True, slots=True)
class Options:
    speed: float = 1.0
    script: Path | None = None
    chaos: str | None = None
    bmad: str = NEWEST
    model: str | None = None
    permission_mode: str = "default"
    session_id: str | None = None
    resume: str | None = None
    max_turns: int | None = None
    partial: bool = False
    messages: bool = False  # the prompt is the first message of a stream, others may follow while it works
    version: bool = False
    help: bool = False
    argument: str = ""


def parse(argv: Sequence[str]) -> Options:
    values, switches, argument = _split(iter(argv))
    if switches & {"--version", "-v"}:
        return Options(version=True)
    if switches & {"--help", "-h"}:
        return Options(help=True)
    mode = values.get("--permission-mode", "default")
    if mode not in MODES:
        allowed = ", ".join(MODES[:-1])
        raise UsageError(
            f"error: option '--permission-mode <mode>' argument '{mode}' is invalid. Allowed choices are {allowed}."
        )
    if "--dangerously-skip-permissions" in switches:
        mode = "bypassPermissions"
    output = values.get("--output-format", "stream-json")
    if output != "stream-json":
        raise UsageError(f"error: the demo agent knows --output-format stream-json only, not '{output}'.")
    if switches & {"-p", "--print"} and "--verbose" not in switches:
        raise UsageError("Error: When using --print, --output-format=stream-json requires --verbose")
    script = values.get("--script") or os.environ.get("DEMO_AGENT_SCRIPT")
    return Options(
        speed=_speed(values.get("--speed") or os.environ.get("DEMO_AGENT_SPEED") or "1"),
        script=Path(script) if script else None,
        chaos=values.get("--chaos") or os.environ.get("DEMO_AGENT_CHAOS") or None,
        bmad=_version(values.get("--bmad") or os.environ.get("DEMO_AGENT_BMAD") or NEWEST),
        model=values.get("--model"),
        permission_mode=mode,
        session_id=values.get("--session-id"),
        resume=values.get("--resume") or values.get("-r"),
        max_turns=_whole(values.get("--max-turns")),
        messages=_streamed(values.get("--input-format", "text"), switches),
        partial="--include-partial-messages" in switches,
        argument=argument,
    )


def _split(argv: Iterator[str]) -> tuple[dict[str, str], set[str], str]:
    """Options with a value, switches, and the prompt argument."""
    values: dict[str, str] = {}
    switches: set[str] = set()
    words: list[str] = []
    variadic = False
    for word in argv:
        name, equals, given = word.partition("=")
        if word == "--":
            words += list(argv)
        elif name in WITH_VALUE:
            values[name] = given if equals else _value(name, argv)
            variadic = False
        elif word in SWITCHES or name in VARIADIC:
            switches.add(word)
            variadic = name in VARIADIC and not equals
        elif word.startswith("-") and word != "-":
            raise UsageError(f"error: unknown option '{word}'")
        elif not variadic:
            words.append(word)
    return values, switches, " ".join(words)


def _value(name: str, argv: Iterator[str]) -> str:
    value = next(argv, None)
    if value is None:
        raise UsageError(f"error: option '{name} <value>' argument missing")
    return value


def _streamed(form: str, switches: set[str]) -> bool:
    if form not in ("text", "stream-json"):
        raise UsageError(f"error: option '--input-format <format>' argument '{form}' is invalid: text or stream-json.")
    return form == "stream-json" and "--replay-user-messages" in switches


def _version(text: str) -> str:
    if text not in VERSIONS:
        raise UsageError(f"error: option '--bmad <version>' argument '{text}' is invalid: {', '.join(VERSIONS)}.")
    return text


def _speed(text: str) -> float:
    if text == "max":
        return math.inf
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not speed > 0:
        raise UsageError(f"error: option '--speed <n>' argument '{text}' is invalid: a number above 0, or max.")
    return math.inf if speed >= UNLIMITED_SPEED else speed


def _whole(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdigit() or int(text) < 1:
        raise UsageError(f"error: option '--max-turns <turns>' argument '{text}' is invalid.")
    return int(text)
