"""What a story is called: by its file, by the plan, or by its key."""

from sprint.epics import StoryPlan
from sprint.keys import normal
from sprint.model import PlanKind, Sprint, StoryEntry
from sprint.story import StoryDocument


def title_of(sprint: Sprint, story: StoryEntry, document: StoryDocument, plan: StoryPlan | None) -> str:
    """The file's own title in a project with a tracker; elsewhere the list says what a story is called."""
    names = (document.title, story.title) if sprint.kind is PlanKind.TRACKER else (story.title, document.title)
    return next((name for name in (*names, plan.title if plan else "") if name), "") or humanised(story)


def slug_of(story: StoryEntry) -> str:
    """A key without its numbers, and without a team's letters before them."""
    start = f"{normal(story.epic)}-{story.number}-"
    key = normal(story.key)
    if key.startswith(start):
        return story.key[len(start) :]
    team, _, number = story.number.partition("-")
    start = f"{team}-{normal(story.epic)}-{number}-"
    return story.key[len(start) :] if number and key.startswith(start) else story.key


def humanised(story: StoryEntry) -> str:
    """A title out of a key: `1-2-user-login` becomes `User login`."""
    words = slug_of(story).replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]
