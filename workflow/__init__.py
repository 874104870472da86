"""The decisions of a run as pure functions: no I/O, no clock, every rule with a table of tests.

`picking` selects the stories of a cycle, `verdicts` and `findings` parse a reply, `review` decides what follows a
review, `presets` has the phases as data, `own` reads a user's presets, `detection` selects one; `progress` parses an
agent's announcements of tasks.
"""

from workflow.comments import CommentAnswer, numbered, read_answers, split_comments
from workflow.detection import Installed, build_auto, builder_skill, detect, is_shim, planning_call
from workflow.own import PresetError, own_preset
from workflow.picking import (
    STORIES_PER_CYCLE,
    Candidate,
    advances,
    entry_position,
    first_cycle,
    pick,
    runnable,
    story_order,
)
from workflow.presets import (
    BUILD_AUTO,
    CLASSIC,
    PRESETS,
    CommandKind,
    Phase,
    PhaseKind,
    Preset,
    command_kind,
    kind_of,
)
from workflow.progress import Announcement, announcements, infer_task
from workflow.review import Decision, Next, after_code_review
from workflow.structured import (
    CODE_REVIEW_FORM,
    COMMIT_FORM,
    DEVELOPMENT_FORM,
    REVIEW_FORM,
    VerdictForm,
    decisions_form,
)
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
    read_spec,
    read_tech_spec_decisions,
)

__all__ = [
    "BUILD_AUTO",
    "CLASSIC",
    "CODE_REVIEW_FORM",
    "COMMIT_FORM",
    "DEVELOPMENT_FORM",
    "PRESETS",
    "REVIEW_FORM",
    "STORIES_PER_CYCLE",
    "Announcement",
    "Candidate",
    "CodeReviewVerdict",
    "CommandKind",
    "CommentAnswer",
    "CommitVerdict",
    "Decision",
    "DevVerdict",
    "Installed",
    "Next",
    "Phase",
    "PhaseKind",
    "Preset",
    "PresetError",
    "ReviewVerdict",
    "Severity",
    "Unreadable",
    "VerdictForm",
    "advances",
    "after_code_review",
    "announcements",
    "build_auto",
    "builder_skill",
    "command_kind",
    "decisions_form",
    "detect",
    "entry_position",
    "first_cycle",
    "infer_task",
    "is_shim",
    "kind_of",
    "numbered",
    "own_preset",
    "pick",
    "planning_call",
    "read_answers",
    "read_code_review",
    "read_commit",
    "read_dev_story",
    "read_review",
    "read_spec",
    "read_tech_spec_decisions",
    "runnable",
    "split_comments",
    "story_order",
]
