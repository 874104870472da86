"""Phases and commands as data.

A preset is a list of phases; a phase defines its commands, how they run, and for which stories: those whose status at
the start of the cycle is in `entered`. A new step of the workflow is one phase here and one prompt. A preset can be
stored as JSON, so that a batch keeps the one it was started with.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from workflow.picking import STORIES_PER_CYCLE

FRESH: Final = frozenset({"backlog"})
PLANNED: Final = frozenset({"backlog", "ready-for-dev"})
STARTED: Final = frozenset({"backlog", "ready-for-dev", "in-progress"})
ANY: Final = frozenset({"backlog", "ready-for-dev", "in-progress", "review"})


PLANNING: Final = "build-plan"  # an unattended build that halts after planning


OWN_ONLY: Final = frozenset({"build-auto", PLANNING, "sprint-planning"})  # commands without a prompt of ours


class PhaseKind(StrEnum):
    """The way in which the commands of a phase run."""

    TOGETHER = "together"  # all in parallel, each once for all stories
    EACH = "each"  # story by story, one command after the other
    REVIEW = "review"  # the first round blocks; further rounds, while critical, run in the background
    DEVELOP = "develop"  # story by story: development, then rounds of code review
    BUILD = "build"  # story by story: one session that plans, builds and commits; the status is written afterwards
    COMMIT = "commit"  # once, for the stories that are done


FINISHING: Final = frozenset({PhaseKind.DEVELOP, PhaseKind.BUILD})  # a story is done at the end of these phases


@dataclass(frozen=True, slots=True)
class Phase:
    """One step of a preset.

    `decided`: only for stories that need a tech-spec. `max_reviews`: rounds of code review before a story is blocked,
    None for the value of the setting; 0 skips them except for stories that start at review.
    """

    name: str
    kind: PhaseKind
    commands: tuple[str, ...]
    entered: frozenset[str]
    decided: bool = False
    max_reviews: int | None = None


@dataclass(frozen=True, slots=True)
class CommandKind:
    """A command independent of its round: its name, its task ids and its prompt.

    `prompt` is a file of the project, `text` the prompt itself; with neither, the prompt is in `prompts/`. `light`:
    always run by the light model. `origin` is the project's file that the text was read from.
    """

    name: str
    tasks: tuple[str, ...]
    prompt: str | None = None
    text: str | None = None
    light: bool = False
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Preset:
    """A workflow. `commands` are additional commands, or built-in ones with another prompt.

    `calls` are the project's own commands that replace ours (`/bmad-dev-story`), for agents of the kind `caller`.
    `why` is the reason for the choice in one sentence, `stories` the maximal number of stories in a cycle.
    `build_commit` is what the project's build does with its work (auto, stage, handoff), `recipe` how it hands off.
    `gates`: where a batch waits for a person, None as the settings say. `pinned`: the project's own prompts are among
    `commands` with their text.
    """

    name: str
    phases: tuple[Phase, ...]
    commands: tuple[CommandKind, ...] = ()
    calls: dict[str, str] = field(default_factory=dict)
    caller: str = ""
    why: str = ""
    stories: int = STORIES_PER_CYCLE
    build_commit: str = "auto"
    recipe: str = ""
    pinned: bool = False
    gates: tuple[str, ...] | None = None

    @property
    def title(self) -> str:
        """The name for display: `classic (own slash commands)`."""
        return f"{self.name} (own slash commands)" if self.calls and self.name == "classic" else self.name

    @property
    def makes_plan(self) -> bool:
        """Whether the batch makes the plan instead of working on its stories."""
        return self.name == "sprint-planning"

    def allows(self, command: str, agent_kind: str) -> bool:
        """Whether an agent of that kind can take over a command: builds and planning are the project's own skills."""
        return not self.calls or agent_kind == self.caller or kind_of(command) not in OWN_ONLY

    def kind(self, command: str) -> CommandKind:
        """Return the kind of one of its commands in any round; raises `KeyError`."""
        name = kind_of(command)
        return next((kind for kind in self.commands if kind.name == name), None) or KINDS[name]

    def call(self, command: str, caller: str) -> str | None:
        """Return the project's own command that replaces this one, if an agent of that kind has it."""
        name = kind_of(command)
        return self.calls.get("build-auto" if name == PLANNING else name) if caller == self.caller else None


KINDS: Final = {
    kind.name: kind
    for kind in (
        CommandKind("create-project-context", ("setup", "analyze", "write", "validate")),
        CommandKind("refresh-project-context", ("setup", "analyze", "write", "validate")),
        CommandKind("sprint-planning", ("setup", "analyze", "write", "validate")),
        CommandKind("create-story", ("setup", "analyze", "generate", "write", "validate")),
        CommandKind("story-discovery", ("setup", "explore", "write")),
        CommandKind("story-review", ("setup", "analyze", "fix", "validate")),
        CommandKind("create-tech-spec", ("setup", "discover", "generate", "write", "validate")),
        CommandKind("tech-spec-review", ("setup", "analyze", "fix", "validate")),
        CommandKind("dev-story", ("setup", "implement", "tests", "lint", "validate")),
        CommandKind("code-review", ("setup", "analyze", "fix", "test")),
        CommandKind("build-auto", ("setup", "plan", "build", "review", "fix", "validate")),
        CommandKind(PLANNING, ("setup", "plan")),
        CommandKind("commit", ("setup", "stage", "commit", "validate")),
    )
}

CLASSIC: Final = Preset(
    "classic",
    (
        Phase("create", PhaseKind.TOGETHER, ("create-story", "story-discovery"), FRESH),
        Phase("story review", PhaseKind.REVIEW, ("story-review",), FRESH),
        Phase("tech-spec", PhaseKind.TOGETHER, ("create-tech-spec",), PLANNED, decided=True),
        Phase("tech-spec review", PhaseKind.REVIEW, ("tech-spec-review",), PLANNED, decided=True),
        Phase("develop", PhaseKind.DEVELOP, ("dev-story", "code-review"), ANY),
        Phase("commit", PhaseKind.COMMIT, ("commit",), ANY),
    ),
)

# One story per cycle: the skill requires a clean work tree, which exists again after the commit.
BUILD_AUTO: Final = Preset(
    "build-auto",
    (
        Phase("build", PhaseKind.BUILD, ("build-auto", "code-review"), ANY, max_reviews=0),
        Phase("commit", PhaseKind.COMMIT, ("commit",), ANY),
    ),
    stories=1,
)

# No phases: there are no stories yet. The batch runs the one command of this name.
SPRINT_PLANNING: Final = Preset("sprint-planning", ())
CONTEXT_COMMANDS: Final = frozenset({"create-project-context", "refresh-project-context"})
GATES: Final = ("plan", "commit", "done")  # where a batch may be set to wait for a person
PRESETS: Final = {preset.name: preset for preset in (CLASSIC, BUILD_AUTO)}

REVIEW_ROUNDS: Final = 3  # of stories and tech-specs: a blocking one, and two in the background while critical

_ROUND: Final = re.compile(r"-(\d+)\Z")


def kind_of(command: str) -> str:
    """Return the name of a command without its round: `code-review` for `code-review-2`."""
    return _ROUND.sub("", command)


def command_kind(command: str) -> CommandKind:
    """Return the kind of a built-in command; raises `KeyError` for any other."""
    return KINDS[kind_of(command)]
