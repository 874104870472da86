"""A BMAD project on disk: find it, read its tracker, stories and epics, change one status safely.

Synchronous; callers run it in threads. Reading never raises for what is in a file, and writing
changes one value or refuses.
"""

from sprint.edit import Change, Conflict, Refused
from sprint.epics import EpicDoc, StoryPlan, read_epics
from sprint.files import story_files
from sprint.locate import Project, ProjectNotFound, locate
from sprint.model import Entry, EpicEntry, ExtraEntry, Problem, RetroEntry, Shape, Sprint, SprintError, StoryEntry
from sprint.overview import descriptions, overview
from sprint.prose import Task
from sprint.reader import read
from sprint.status import RUNNABLE, Kind, Status, canonical
from sprint.story import Section, StoryDocument, read_story
from sprint.views import Overview, StoryInfo
from sprint.write import set_status

__all__ = [
    "RUNNABLE",
    "Change",
    "Conflict",
    "Entry",
    "EpicDoc",
    "EpicEntry",
    "ExtraEntry",
    "Kind",
    "Overview",
    "Problem",
    "Project",
    "ProjectNotFound",
    "Refused",
    "RetroEntry",
    "Section",
    "Shape",
    "Sprint",
    "SprintError",
    "Status",
    "StoryDocument",
    "StoryEntry",
    "StoryInfo",
    "StoryPlan",
    "Task",
    "canonical",
    "descriptions",
    "locate",
    "overview",
    "read",
    "read_epics",
    "read_story",
    "set_status",
    "story_files",
]
