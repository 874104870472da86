"""What the orchestrator decides, as pure functions of plain values: no I/O, no clock, every rule a table of tests.

`picking` chooses the stories of a cycle, `verdicts` reads what an agent said, `review` decides what follows a review,
`presets` holds the phases as data, `progress` reads what an agent announces about its tasks.
"""

from workflow.picking import Candidate, advances, entry_position, pick, runnable, story_order
from workflow.presets import CLASSIC, PRESETS, CommandKind, Phase, PhaseKind, command_kind, kind_of
from workflow.progress import Announcement, announcements, infer_task
from workflow.review import Decision, Next, after_code_review
from workflow.verdicts import (
    CodeReviewVerdict,
    CommitVerdict,
    DevVerdict,
    ReviewVerdict,
    Severity,
    Unreadable,
    read_code_review,
    read_commit,
    read_dev_story,
    read_review,
    read_tech_spec_decisions,
)

__all__ = [
    "CLASSIC",
    "PRESETS",
    "Announcement",
    "Candidate",
    "CodeReviewVerdict",
    "CommandKind",
    "CommitVerdict",
    "Decision",
    "DevVerdict",
    "Next",
    "Phase",
    "PhaseKind",
    "ReviewVerdict",
    "Severity",
    "Unreadable",
    "advances",
    "after_code_review",
    "announcements",
    "command_kind",
    "entry_position",
    "infer_task",
    "kind_of",
    "pick",
    "read_code_review",
    "read_commit",
    "read_dev_story",
    "read_review",
    "read_tech_spec_decisions",
    "runnable",
    "story_order",
]
