"""How a call's program is started: its command line, environment and standard input. Starts nothing.

The process of a call is started from this value, and what would be started is shown from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from agents.adapter import Adapter
from agents.environment import environment, find_program
from agents.guardian import MARK_VARIABLE
from agents.registry import adapter_for
from agents.spec import AgentSpec, Call


class PromptWay(StrEnum):
    """How a program gets its prompt."""

    STDIN = "stdin"  # the text, then the end of the input
    MESSAGES = "messages"  # the first message on an input that stays open for more
    DIALOGUE = "dialogue"  # in the program's own protocol


@dataclass(frozen=True, slots=True)
class Invocation:
    """`argv` begins with the program as it is named, `program` is its absolute path, None where it is not found.

    `stdin` is what is written first to its standard input, None where a dialogue does that.
    """

    argv: tuple[str, ...]
    program: str | None
    env: Mapping[str, str]
    way: PromptWay
    stdin: str | None


def invocation(adapter: Adapter, spec: AgentSpec, call: Call, env: Mapping[str, str]) -> Invocation:
    """Return how this call is started; `env` is its whole environment. The agent has a command."""
    argv = tuple(adapter.argv(spec, call))
    program = find_program(argv[0], env, call.cwd)
    if adapter.converses:
        return Invocation(argv, program, env, PromptWay.DIALOGUE, None)
    way = PromptWay.MESSAGES if adapter.takes_messages(call) else PromptWay.STDIN
    return Invocation(argv, program, env, way, adapter.prompt(call))


def invocation_of(spec: AgentSpec, call: Call) -> Invocation:
    """Return how this call would be started now. The agent has a command. Raises `UnknownKind`."""
    adapter = adapter_for(spec.kind)
    return invocation(adapter, spec, call, environment(adapter.environment, spec.env, call.mark))


def own_variables(spec: AgentSpec) -> list[str]:
    """Return the names of the variables that an agent is given beside those that it inherits."""
    return sorted({*adapter_for(spec.kind).environment, *spec.env, MARK_VARIABLE})


def optional_words(spec: AgentSpec) -> list[str]:
    """Return the options that a call is given where the program's help lists them."""
    return sorted(word for word in adapter_for(spec.kind).options_for(spec.command) if word.startswith("--"))
