"""Phases and commands as data.

A preset is a list of phases; a phase says which commands it runs, how, and for which stories: those whose status, when
the cycle took them, stands in `entered`. A new step of the workflow is one phase here and one prompt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

FRESH: Final = frozenset({"backlog"})
PLANNED: Final = frozenset({"backlog", "ready-for-dev"})
STARTED: Final = frozenset({"backlog", "ready-for-dev", "in-progress"})
ANY: Final = frozenset({"backlog", "ready-for-dev", "in-progress", "review"})


class PhaseKind(StrEnum):
    """How the commands of a phase run."""

    TOGETHER = "together"  # all at once, one call each for all stories, wait for all
    REVIEW = "review"  # the first one blocks; further rounds, while critical, in the background
    DEVELOP = "develop"  # story by story: development, then rounds of code review
    COMMIT = "commit"  # once, for the stories that are done


@dataclass(frozen=True, slots=True)
class Phase:
    """One step of a preset. `decided` names the decision without which the phase is left out."""

    name: str
    kind: PhaseKind
    commands: tuple[str, ...]
    entered: frozenset[str]
    decided: bool = False


@dataclass(frozen=True, slots=True)
class CommandKind:
    """What is known of a command whatever its round: its name, its task ids, whether git has to prove it."""

    name: str
    tasks: tuple[str, ...]


KINDS: Final = {
    kind.name: kind
    for kind in (
        CommandKind("create-project-context", ("setup", "analyze", "write", "validate")),
        CommandKind("refresh-project-context", ("setup", "analyze", "write", "validate")),
        CommandKind("create-story", ("setup", "analyze", "generate", "write", "validate")),
        CommandKind("story-discovery", ("setup", "explore", "write")),
        CommandKind("story-review", ("setup", "analyze", "fix", "validate")),
        CommandKind("create-tech-spec", ("setup", "discover", "generate", "write", "validate")),
        CommandKind("tech-spec-review", ("setup", "analyze", "fix", "validate")),
        CommandKind("dev-story", ("setup", "implement", "tests", "lint", "validate")),
        CommandKind("code-review", ("setup", "analyze", "fix", "test")),
        CommandKind("commit", ("setup", "stage", "commit", "validate")),
    )
}

CLASSIC: Final = (
    Phase("create", PhaseKind.TOGETHER, ("create-story", "story-discovery"), FRESH),
    Phase("story review", PhaseKind.REVIEW, ("story-review",), FRESH),
    Phase("tech-spec", PhaseKind.TOGETHER, ("create-tech-spec",), PLANNED, decided=True),
    Phase("tech-spec review", PhaseKind.REVIEW, ("tech-spec-review",), PLANNED, decided=True),
    Phase("develop", PhaseKind.DEVELOP, ("dev-story", "code-review"), ANY),
    Phase("commit", PhaseKind.COMMIT, ("commit",), ANY),
)

PRESETS: Final = {"classic": CLASSIC}

REVIEW_ROUNDS: Final = 3  # of stories and tech-specs: one that blocks, two more in the background while critical

_ROUND: Final = re.compile(r"-(\d+)\Z")


def kind_of(command: str) -> str:
    """The name of a command without its round: `code-review-2` is a `code-review`."""
    return _ROUND.sub("", command)


def command_kind(command: str) -> CommandKind:
    """What is known of a command; raises `KeyError` for one that no preset has."""
    return KINDS[kind_of(command)]
