"""The file of a blocked story of a stories.yaml, which is final: BMAD's build halts on it, and it is deleted to retry.

Nothing is deleted that has no copy, and nothing that is not blocked any more.
"""

import os
from pathlib import Path

from base.files import create_file, sync_folder
from base.regular import read_regular
from sprint.edit import Refused
from sprint.lock import LockTimeout, locked
from sprint.markdown import MAX_BYTES, split
from sprint.model import PlanKind
from sprint.project import Project, inside
from sprint.status import Status
from sprint.stories.list import STORIES_FOLDER, read_story_list
from sprint.storystatus import find_status


def final_file(project: Project, key: str) -> Path | None:
    """The file that has to go before a blocked story can be built again; None where a status is enough."""
    if project.kind is not PlanKind.STORIES:
        return None
    story = next((story for story in read_story_list(project.tracker).stories if story.key == key), None)
    if story is None or story.status is not Status.BLOCKED or len(story.paths) != 1:
        return None
    return Path(story.paths[0])


def delete_final_file(project: Project, path: Path, copy: Path) -> None:
    """Copies the file of a blocked story to `copy`, which is new, and deletes it. Raises Refused."""
    if not inside(path, project.root) or path.parent.name != STORIES_FOLDER:
        raise Refused(f"The story's file lies outside the project, at {path}.")
    try:
        with locked(path):
            data = read_regular(path, MAX_BYTES + 1)
            if len(data) > MAX_BYTES or find_status(split(data)).status is not Status.BLOCKED:
                raise Refused(f"{path.name} does not say blocked any more; nothing was deleted.")
            copy.parent.mkdir(parents=True, exist_ok=True)
            create_file(copy, data)
            sync_folder(copy.parent)
            os.unlink(path)
            sync_folder(path.parent)
    except LockTimeout:
        raise Refused("Another program is writing the story's file and does not finish.") from None
    except OSError as error:
        raise Refused(f"{path.name} cannot be deleted: {error.strerror or error}.") from error


def deleted_files(project: Project, changed: list[Path]) -> list[Path]:
    """Those of the changed files that were stories of the list and are gone."""
    folder = project.tracker.parent / STORIES_FOLDER
    if project.kind is not PlanKind.STORIES:
        return []
    return [path for path in changed if path.parent == folder and path.suffix == ".md" and not os.path.lexists(path)]
