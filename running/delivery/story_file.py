"""The story's own file in a round: its status is what the project says, whatever the agent of the round makes of it."""

from __future__ import annotations

import sprint
from base.regular import read_or_empty
from sprint.filestatus import write_file_status
from sprint.markdown import MAX_BYTES, split
from sprint.storystatus import find_status


def restore_status(project: sprint.Project, copy: sprint.Project, key: str) -> None:
    """Give the story's file in a worktree the status that it has in the project. Blocks on the disk.

    The story is done; an agent that develops sets its file to review, and where files hold the plan a merge would
    bring that into it.
    """
    ours, theirs = sprint.story_files(project, key), sprint.story_files(copy, key)
    if not ours or not theirs:
        return
    word, now = (find_status(split(read_or_empty(path, MAX_BYTES))).raw for path in (ours[0], theirs[0]))
    if word and now and word != now:
        try:
            write_file_status(theirs[0], word)
        except (sprint.Refused, OSError):  # the page shows that the file says something else
            return
