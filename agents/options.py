"""The options and commands that an agent's program has by its own help.

A version says little about a fork, a wrapper or the next release; the help text of the installed program does. It is
asked for once for each program file (path, time of change, size), and what a program lists and then refuses all the
same is not given to it again. Only asked where the agent itself may be started.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from agents.environment import environment, find_program
from agents.guardian import MARK_VARIABLE
from agents.probe import ask
from agents.registry import adapter_for
from agents.spec import AgentSpec

HELP_TIMEOUT_S = 10.0  # node programs take 2 to 5 s on a cold disk; one that hangs delays the first command
HELP_BYTES = 256 * 1024  # the longest one seen has 24 KiB
INDENT: Final = 8  # of a line that begins with an option; descriptions are indented more, and name other options
_OPTION: Final = re.compile(
    rf"^ {{0,{INDENT}}}(?:-\w,? +)?(--[a-z][A-Za-z0-9-]*)(?:, (--[a-z][A-Za-z0-9-]*))?", re.MULTILINE
)
_COMMAND: Final = re.compile(r"^ {2,4}([a-z][a-z-]+)(?: {2,}\S|$)", re.MULTILINE)

Identity = tuple[tuple[str, ...], tuple[tuple[str, int, int], ...]]


class OptionsByHelp:
    """The options of every program that was asked, by the identity of its files."""

    def __init__(self) -> None:
        self._listed: dict[Identity, frozenset[str]] = {}
        self._refused: dict[Identity, set[str]] = {}

    async def of(self, spec: AgentSpec, timeout_s: float = HELP_TIMEOUT_S) -> frozenset[str]:
        """The options, among those that its adapter has a use for, that the program lists and has not refused; none
        where it has no help. What is in the command already is the operator's. Never raises."""
        known = self.known(spec)
        if known is not None:
            return known
        env = _environment(spec)
        program = find_program(spec.command[0], env, spec.home) or spec.command[0]
        listed = await _help([program, *spec.command[1:], "--help"], env, timeout_s, spec.home)
        self._listed[_identity(program, spec)] = listed
        return self.known(spec) or frozenset()

    def known(self, spec: AgentSpec) -> frozenset[str] | None:
        """The options as `of` answers them, without starting the program; None where it was not asked yet."""
        wanted = adapter_for(spec.kind).options_for(spec.command) - _given(spec.command)
        if not wanted or not spec.command:
            return frozenset()
        program = find_program(spec.command[0], _environment(spec), spec.home)
        if program is None:
            return frozenset()
        identity = _identity(program, spec)
        if identity not in self._listed:
            return None
        return wanted & self._listed[identity] - self._refused.get(identity, set())

    def refused(self, spec: AgentSpec, used: Iterable[str], words: str) -> str | None:
        """The option among those `used` that a program complains of, which it is not given again; None if none is.

        `words` are its complaint. Some name an option without its hyphens.
        """
        named = [
            option
            for option in used
            if option.startswith("--") and re.search(rf"(?<![\w-])(?:--)?{re.escape(option[2:])}(?![\w-])", words)
        ]
        if not named:
            return None
        option = max(named, key=len)
        env = environment(adapter_for(spec.kind).environment, spec.env)
        program = find_program(spec.command[0], env, spec.home) or spec.command[0]
        self._refused.setdefault(_identity(program, spec), set()).add(option)
        return option


OPTIONS: Final = OptionsByHelp()


def listed(text: str) -> frozenset[str]:
    """The long options and the commands that a help text lists, each at the beginning of its line."""
    options = (option for pair in _OPTION.findall(text) for option in pair if option)
    return frozenset((*options, *_COMMAND.findall(text)))


async def _help(argv: list[str], env: Mapping[str, str], timeout_s: float, folder: Path) -> frozenset[str]:
    try:
        answer = await ask(argv, env, timeout_s, HELP_BYTES, folder)
    except (OSError, TimeoutError):  # an older program, or none that knows the question: it is called as ever
        return frozenset()
    return frozenset() if answer.code else listed(answer.out)


def _environment(spec: AgentSpec) -> dict[str, str]:
    return environment(adapter_for(spec.kind).environment, spec.env, os.environ.get(MARK_VARIABLE))


def _given(command: Iterable[str]) -> set[str]:
    return {word.partition("=")[0] for word in command if word.startswith("--")}


def _identity(program: str, spec: AgentSpec) -> Identity:
    """The command, and of each of its words that is a file what changes with an update of the file."""
    files = []
    for word in (program, *spec.command[1:]):
        try:
            path = spec.home / word
            stat = path.stat()
        except (OSError, ValueError):
            continue
        files.append((os.path.realpath(path), stat.st_mtime_ns, stat.st_size))
    return spec.command, tuple(files)
