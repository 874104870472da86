"""The branch of an epic: BMAD's build halts where the branch does not fit the epic of its ticket.

A branch whose last part is the name of an epic's folder (`epic-cart`, `feature/epic-cart`) is that epic's, so tickets
of other epics are held back there; every other branch is right for all of them, and the prompt of the build says so.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import sprint
from git.process import ask_git
from running.workspace import Workspace


async def branch_of(workspace: Workspace) -> str | None:
    """Return the branch that is checked out, None for none."""
    if workspace.git is None:
        return None
    return await ask_git(workspace.project.root, "symbolic-ref", "--quiet", "--short", "HEAD")


async def plan_here(workspace: Workspace) -> sprint.Sprint:
    """Return the plan with what the branch of the user's work tree holds back."""
    plan = await asyncio.to_thread(sprint.read, workspace.tracked)
    return held_by_branch(plan, await branch_of(replace(workspace, project=workspace.tracked)))


def held_by_branch(plan: sprint.Sprint, branch: str | None) -> sprint.Sprint:
    """Hold the stories of other epics where the branch is that of one epic."""
    mine = next((epic for epic in plan.epics if branch is not None and _names(branch, epic)), None)
    if plan.kind is not sprint.PlanKind.TICKETS or mine is None:
        return plan
    others = {epic.epic for epic in plan.epics} - {mine.epic}
    why = f"The branch {branch} is that of {mine.key}."
    stories = tuple(_held(story, why) if story.epic in others else story for story in plan.stories)
    return replace(plan, stories=stories)


def branch_words(plan: sprint.Sprint, key: str, branch: str | None) -> str:
    """Return what the prompt of a build says of the branch; "" where there is none."""
    story = plan.story(key)
    if branch is None or story is None:
        return ""
    epic = next((epic.key for epic in plan.epics if epic.epic == story.epic), "this work")
    return (
        f"The branch {branch}, which is checked out, is the right one for {epic}: build there, and switch to no other."
    )


def _names(branch: str, epic: sprint.EpicEntry) -> bool:
    return branch.rpartition("/")[2] == epic.key


def _held(story: sprint.StoryEntry, why: str) -> sprint.StoryEntry:
    if story.conditions.hold:
        return story
    return replace(story, conditions=replace(story.conditions, hold=why))
