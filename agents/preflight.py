"""Whether an agent can be started at all, before a batch depends on it.

Runs `command --version` in the agent's own environment, bounded in time and output. The answer names what the operator
must do; of keys and limits, which only a call can show, it says no more than that there never was a login.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from agents.adapter import Adapter
from agents.environment import environment, find_program
from agents.guardian import MARK_VARIABLE
from agents.prices import unpriced
from agents.probe import ask
from agents.registry import UnknownKind, adapter_for
from agents.spawn import not_found
from agents.spec import AgentSpec, Preflight
from agents.text import last_words, one_line, sentence

VERSION_TIMEOUT_S = 20.0  # node programs take 2 to 5 s on a cold disk
OUTPUT_BYTES = 64 * 1024  # of a version answer; a program that prints more has not understood the question
_VERSIONS = (re.compile(r"(?<![\d.])v?\d+\.\d+\.\d+"), re.compile(r"(?<![\d.])v?\d+\.\d+"))
_KNOWN: dict[tuple[str, ...], str] = {}  # versions, by the command of an agent


async def preflight(spec: AgentSpec, timeout_s: float = VERSION_TIMEOUT_S) -> Preflight:
    """The agent's version line and the sentence for the operator if it cannot be used. Never raises."""
    if not spec.command:
        return Preflight(None, f"The agent {spec.name} has no command: set it in the settings.")
    try:
        adapter = adapter_for(spec.kind)
    except UnknownKind as error:
        return Preflight(None, str(error))
    env = environment(adapter.environment, spec.env, os.environ.get(MARK_VARIABLE))
    program = find_program(spec.command[0], env, spec.home)
    if program is None:
        return Preflight(None, not_found(spec))
    probed = await adapter.probe(spec, env)
    if probed is not None:
        _remember(spec, probed.version)
        return probed
    argv = adapter.version_argv(spec)
    version, problem = (None, None) if argv is None else await _version(spec, [program, *argv[1:]], env, timeout_s)
    _remember(spec, version)
    return Preflight(version, problem or adapter.problem(spec, env) or _never_set_up(adapter, spec, env))


def known_version(spec: AgentSpec) -> str | None:
    """The version that the agent's program said when it was asked last; None where it was not, or said none."""
    return _KNOWN.get(spec.command)


def _remember(spec: AgentSpec, version: str | None) -> None:
    if version is None:
        _KNOWN.pop(spec.command, None)
    else:
        _KNOWN[spec.command] = version


def budget_problem(spec: AgentSpec, model: str | None) -> str | None:
    """Why no budget can stop this agent with this model, and what to do; None where one can."""
    adapter, model = adapter_for(spec.kind), model or spec.model
    reported = adapter.reports_cost or "cost_usd" in spec.patterns or spec.report is not None
    if model is None and (adapter.reports_model or "model" in spec.patterns):
        return None  # known only when it runs
    return unpriced(spec, model, reported)


def _never_set_up(adapter: Adapter, spec: AgentSpec, env: Mapping[str, str]) -> str | None:
    """The one fault of a login that is certain without a call: this user has never had one. Only of
    the program itself: a wrapper around it in a command may supply a key."""
    if not adapter.state_paths or spec.command != (adapter.kind,):
        return None
    home = Path(env.get("HOME", "/"))
    if any((home / trace).exists() for trace in adapter.state_paths):
        return None
    if any(name.startswith(adapter.login_variables) for name in set(env) - set(adapter.environment)):
        return None
    return f"{spec.name} has never been set up for this user. {adapter.login}"


async def _version(
    spec: AgentSpec, argv: list[str], env: Mapping[str, str], timeout_s: float
) -> tuple[str | None, str | None]:
    try:
        answer = await ask(argv, env, timeout_s, OUTPUT_BYTES, spec.home)
    except TimeoutError:
        return None, f"The agent {spec.name} did not say its version within {timeout_s:g} s."
    except OSError as error:
        return None, f"The agent {spec.name} could not be started: {error.strerror or error}."
    if answer.code:
        words = last_words(answer.err) or last_words(answer.out) or "it printed nothing"
        return None, sentence(f"the agent {spec.name} cannot run (exit code {answer.code}): {words}")
    return version_in(answer.out), None


def version_in(printed: str) -> str | None:
    """The line that is a version: the shortest that holds one, since a wrapper's banner says more."""
    lines = [line for raw in printed.splitlines() if (line := one_line(raw))]
    for pattern in _VERSIONS:
        if found := [line for line in lines if pattern.search(line)]:
            return min(reversed(found), key=len)
    return one_line(last_words(printed)) or None
