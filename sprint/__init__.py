"""A BMAD project on disk: find it, read its tracker, stories and epics, change one status safely.

Synchronous; callers run it in threads. Reading never raises for what is in a file, and writing
changes one value or refuses.
"""

from sprint.contextfile import context_file
from sprint.customization import BuildCommit, BuildCustomization, read_customization
from sprint.deferred import DeferredFinding
from sprint.edit import Conflict, Refused, StatusEdit
from sprint.epics import EpicDoc, StoryPlan, read_epics
from sprint.files import new_story_path, story_files
from sprint.initiatives import Initiative, Initiatives, read_initiatives
from sprint.locate import ProjectNotFound, locate
from sprint.model import (
    Conditions,
    Entry,
    EpicEntry,
    EpicGate,
    ExtraEntry,
    PlanKind,
    Problem,
    RetroEntry,
    Shape,
    Sprint,
    SprintError,
    StoryEntry,
)
from sprint.overview import descriptions, overview, problems, sizes, titles
from sprint.plan import close_epic, read, set_status
from sprint.planning import tracker_text
from sprint.project import Project
from sprint.proposal import Proposal, find_unplanned, make_tracker, propose, unplanned
from sprint.prose import Task
from sprint.reader import permit_writing
from sprint.status import RUNNABLE, Kind, Status, canonical
from sprint.stories.final import delete_final_file, deleted_files, final_file
from sprint.story import Section, StoryDocument, read_story
from sprint.tickets.intake import Intake, keep_finding
from sprint.views import Overview, StoryConditions, StoryInfo

__all__ = [
    "RUNNABLE",
    "BuildCommit",
    "BuildCustomization",
    "Conditions",
    "Conflict",
    "DeferredFinding",
    "Entry",
    "EpicDoc",
    "EpicEntry",
    "EpicGate",
    "ExtraEntry",
    "Initiative",
    "Initiatives",
    "Intake",
    "Kind",
    "Overview",
    "PlanKind",
    "Problem",
    "Project",
    "ProjectNotFound",
    "Proposal",
    "Refused",
    "RetroEntry",
    "Section",
    "Shape",
    "Sprint",
    "SprintError",
    "Status",
    "StatusEdit",
    "StoryConditions",
    "StoryDocument",
    "StoryEntry",
    "StoryInfo",
    "StoryPlan",
    "Task",
    "canonical",
    "close_epic",
    "context_file",
    "delete_final_file",
    "deleted_files",
    "descriptions",
    "final_file",
    "find_unplanned",
    "keep_finding",
    "locate",
    "make_tracker",
    "new_story_path",
    "overview",
    "permit_writing",
    "problems",
    "propose",
    "read",
    "read_customization",
    "read_epics",
    "read_initiatives",
    "read_story",
    "set_status",
    "sizes",
    "story_files",
    "titles",
    "tracker_text",
    "unplanned",
]
