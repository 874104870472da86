"""A tracker that says that another program makes it: written only with the operator's word, which is given once.

The word is kept with the project's records and holds for that line in that file; another line is another program.
"""

from __future__ import annotations

import asyncio

import sprint
from running.preflight import NotNow
from running.workspace import Workspace, until_stored
from store.meta import get_meta, set_meta

ASKED = "made_elsewhere"  # the code of the refusal that asks for the word


async def check_maker(workspace: Workspace, *, allowed: bool) -> None:
    """Raise `NotNow` where the tracker is made by another program and writing it is not allowed.

    `allowed`: the operator allows it now; it is remembered.
    """
    maker = (await asyncio.to_thread(sprint.read, workspace.project)).foreign
    if not maker:
        return
    name = _name(workspace)
    if allowed:
        await until_stored(lambda: workspace.database.write(set_meta, name, maker))
    if await workspace.database.read(get_meta, name) != maker:
        shown = workspace.relative(workspace.project.tracker)
        raise NotNow(
            ASKED,
            f"{shown} says that another program makes it ({maker!r}), which may write over what is written here. Allow "
            "it once to be written by this program (`run --write-tracker`, or write_tracker with the start), or run "
            "the stories there",
        )
    sprint.permit_writing(workspace.project, maker)


async def restore_permission(workspace: Workspace) -> None:
    """Apply the word that was given to an earlier server."""
    maker = await workspace.database.read(get_meta, _name(workspace))
    if maker is not None:
        sprint.permit_writing(workspace.project, maker)


def _name(workspace: Workspace) -> str:
    return f"write:{workspace.relative(workspace.project.tracker)}"
