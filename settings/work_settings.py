"""The settings of how stories are worked on: the plan, agents, workflow, reviews, limits of time, hours."""

from __future__ import annotations

from typing import Final

from settings.setting import NEXT_BATCH, NEXT_COMMAND, NEXT_START, Setting

COMMIT_BY: Final = ("runner", "agent")
COMMIT_PER: Final = ("story", "cycle")
VERIFY_ON: Final = ("worker", "coordinator", "both")
LANES_MAX: Final = 32  # cycles side by side, on all machines
GATES: Final = ("plan", "commit", "done")
BATCH_MAX: Final = 1000  # cycles of one batch; more is "all"

WORK_SETTINGS: Final = (
    Setting(
        "tracker",
        "the sprint-status.yaml to use, relative to the project",
        optional=True,
        editable=False,
        trust="outside",
    ),
    Setting(
        "initiative",
        "the initiative of a BMAD 7 project; none: the one chosen in the page, else that of BMAD's configuration",
        optional=True,
        editable=False,
    ),
    Setting(
        "agent",
        "the agent that runs commands; of a list the next one works while those before it wait",
        "agents",
        applies=NEXT_BATCH,
    ),
    Setting("agents", "how agents are called", "mapping", editable=False, trust="always"),
    Setting("commands", "agent and model of single commands", "mapping", trust="always", applies=NEXT_COMMAND),
    Setting(
        "prices", "US dollars per million tokens, by model, where an agent reports none", "mapping", editable=False
    ),
    Setting("workflow", "the preset of phases: auto, classic, build-auto, or a name of workflows", applies=NEXT_BATCH),
    Setting("workflows", "presets of one's own", "mapping", editable=False, trust="always"),
    Setting(
        "code_review_after_build", "review code once more after an unattended build", "boolean", applies=NEXT_BATCH
    ),
    Setting("verify", "command that must pass before a story is done", "command", optional=True, trust="always"),
    Setting(
        "verify_on",
        "where the work of a fleet's worker is verified: there, on the runner's own machine, or on both",
        choices=VERIFY_ON,
        applies=NEXT_COMMAND,
    ),
    Setting(
        "gates",
        "where the run waits for your decision: before the first line of code, before a commit, before it goes on",
        "list",
        choices=GATES,
        applies=NEXT_BATCH,
    ),
    Setting(
        "commit_by", "who commits finished stories: the runner, exactly what changed, or an agent", choices=COMMIT_BY
    ),
    Setting(
        "commit_per", "a commit for each story, or one for the stories that are worked on together", choices=COMMIT_PER
    ),
    Setting(
        "default_batch_size", "groups of one or two stories of a batch when none is given", "integer", 1, BATCH_MAX
    ),
    Setting(
        "story_order",
        "which story comes next: the first in the file, or the one with the lowest number",
        choices=("file", "numeric"),
    ),
    Setting(
        "close_epics",
        "an epic that others wait for: ask before it is closed, or close it when every story was proved done",
        choices=("ask", "auto"),
    ),
    Setting("max_code_review_attempts", "code reviews before a story is blocked", "integer", 1, 100),
    Setting("light_model_after_review", "reviews from this one on use the light model", "integer", 1, 100),
    Setting(
        "project_context_max_age_hours",
        "age at which the context is refreshed",
        "number",
        0.01,
        100_000,
        applies=NEXT_BATCH,
    ),
    Setting(
        "command_timeout_min", "wall-clock limit of a command, minutes", "number", 0.01, 10_000, applies=NEXT_COMMAND
    ),
    Setting(
        "silence_timeout_min", "longest silence of an agent, minutes", "number", 0.01, 10_000, applies=NEXT_COMMAND
    ),
    Setting("retries", "further attempts after a failed command", "integer", 0, 20),
    Setting(
        "question_timeout_min", "minutes until an agent decides an unanswered question; 0: never", "number", 0, 10_000
    ),
    Setting(
        "active_hours", "hours of the day in which commands start, by this machine's clock", "hours", optional=True
    ),
    Setting("keep_awake", "keep the machine from sleeping while a batch works or waits for a time", "boolean"),
    Setting("auto_resume", "resume an interrupted batch at start", "boolean", applies=NEXT_START),
    Setting("parallel", "stories of so many epics run side by side, each in a worktree", "integer", 1, LANES_MAX),
    Setting(
        "parallel_here",
        "so many of them on this machine; the others on workers of the fleet",
        "integer",
        0,
        LANES_MAX,
        applies=NEXT_BATCH,
    ),
    Setting(
        "worker_labels", "the labels that a worker must have to get a lane of this project", "list", editable=False
    ),
    Setting(
        "worktree_setup",
        "command that makes a new worktree ready",
        "command",
        optional=True,
        trust="always",
    ),
)
