"""The script of the agent: a JSON file with the behaviour of each call in turn, by command and story.

`{"dev-story": {"2-1-x": ["fail", "ok"]}, "code-review": ["HIGH", "ZERO ISSUES"]}`: the first call of dev-story for
2-1-x fails, later ones are as usual; a list without stories holds for all of them. A command is looked up by its
whole name, then without its round; a story by its key, then as `*`. The last entry repeats. Calls are counted in a
small file beside the script, under a lock, so that they count across processes. Words can be joined: `slow:2+HIGH`.

Work: ok · blocked[:reason] · critical · clean · CRITICAL | HIGH | MEDIUM | LOW [:finding] · ZERO ISSUES · no-change ·
sets-status:STATUS · no-marker · no-record, no-commit, deferred:FINDING (of a build) · slow:SECONDS
Ends: fail[:reason] · crash[:CODE or :SIGSEGV] · limit (turns) · usage-limit:SECONDS · auth · auth-retry (ten times
first) · overloaded · no-final (exit 0, no result) · cut-off (half a result)
Stays: hang (not even a first line) · silent (after it) · stuck[:REPLY] (in that reply, by default the first) ·
lingers[:SECONDS] (after its result) · ignores-signals · stubborn (both, with a child) · children[:N] (daemons that
ignore SIGTERM and hold the pipe)
Prints: flood:MB · long-line:MB · garbage[:LINES] · half-lines · stderr:MB
Continues after: rate-limited[:RETRIES] · denied[:TOOL] · question[:TEXT] (ends with it; with silent it waits)
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.files import read_text, write_atomically
from demo.prompt import Prompt


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "ZERO ISSUES")
WORK = _words("ok blocked critical clean no-change sets-status no-marker no-record no-commit deferred slow")
ENDS = _words("fail crash limit usage-limit auth auth-retry overloaded no-final cut-off")
STAYS = _words("hang silent stuck lingers ignores-signals stubborn children")
PRINTS = _words("flood long-line garbage half-lines stderr")
GOES_ON = _words("rate-limited denied question")
BEHAVIOURS = frozenset([*WORK, *ENDS, *STAYS, *PRINTS, *GOES_ON, *SEVERITIES])


class ScriptError(Exception):
    """The script is invalid; the message has the reason."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The behaviours of one call, with the values after their colons."""

    words: Mapping[str, str]

    def __contains__(self, behaviour: str) -> bool:
        return behaviour in self.words

    def __getitem__(self, behaviour: str) -> str:
        """Return the value after the colon, "" without one."""
        return self.words.get(behaviour, "")

    def seconds(self, behaviour: str, default: float) -> float:
        """Return the value after the colon as a number. Raises ScriptError for anything else."""
        try:
            return float(self.words.get(behaviour) or default)
        except ValueError:
            raise ScriptError(f"script: {behaviour} needs seconds, not {self.words[behaviour]!r}") from None

    def count(self, behaviour: str, default: int) -> int:
        """Return the value after the colon as an integer. Raises ScriptError for anything else."""
        return int(self.seconds(behaviour, default))

    @property
    def severity(self) -> str | None:
        return next((each for each in SEVERITIES if each in self.words), None)


AS_USUAL = Turn({})


def next_turn(script: Path | None, prompt: Prompt) -> Turn:
    """The turn of this call, counted. Raises ScriptError for a script that cannot be read or has unknown words."""
    if script is None:
        return AS_USUAL
    name, turns = _find(_load(script), prompt)
    if not turns:
        return AS_USUAL
    return turn_of(turns[min(count_use(script, name), len(turns) - 1)])


def _load(script: Path) -> Mapping[str, Any]:
    try:
        data = json.loads(script.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ScriptError(f"script {script}: {error}") from None
    if not isinstance(data, dict):
        raise ScriptError(f"script {script}: an object is needed")
    return data


def _find(data: Mapping[str, Any], prompt: Prompt) -> tuple[str, list[str]]:
    for command in (prompt.command, prompt.base):
        entry = data.get(command)
        if isinstance(entry, str | list):
            return command, _listed(entry)
        for key in [*(story.key for story in prompt.stories), "*"]:
            if isinstance(entry, dict) and key in entry:
                return f"{command} {key}", _listed(entry[key])
    return "", []


def _listed(entry: str | list[str]) -> list[str]:
    return [entry] if isinstance(entry, str) else [str(each) for each in entry]


def turn_of(text: str) -> Turn:
    """The behaviours of an entry. Raises ScriptError for unknown ones."""
    words: dict[str, str] = {}
    for word in text.split("+"):
        behaviour, _, rest = word.strip().partition(":")
        if behaviour not in BEHAVIOURS:
            raise ScriptError(f"script: unknown behaviour {behaviour!r}")
        words[behaviour] = rest
    return Turn(words)


def count_use(script: Path, name: str) -> int:
    """How often this entry was used before; counts this use, in a file beside the script."""
    state = script.with_name(f"{script.name}.state")
    with _locked(script.with_name(f"{script.name}.lock")):
        counts: dict[str, int] = json.loads(read_text(state) or "{}")
        used = counts.get(name, 0)
        write_atomically(state, json.dumps(counts | {name: used + 1}))
    return used


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
