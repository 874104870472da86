"""Who commits stories that are done, where the project's build has a word in it too (`workflow.commit`).

auto: the build commits, and what it leaves is committed as the settings say. stage: the same, but only what the build
has reviewed. handoff: by the project's recipe, which an agent follows for what the build leaves, whatever is set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from git.snapshots import Git
from running.clean_tree import own_files
from running.commit_plan import CommitPlan, plan_commit
from running.story import StoryRun
from running.workspace import Workspace
from sprint import BuildCommit
from workflow import Preset

NAMED: Final = 5  # paths in a message


@dataclass(frozen=True, slots=True)
class Committer:
    """`by_agent`: not by the runner. `refusal`: why nothing may be committed, None where it may."""

    by_agent: bool
    refusal: str | None = None


async def choose_committer(
    workspace: Workspace, git: Git, preset: Preset, stories: Sequence[StoryRun], others: Sequence[StoryRun]
) -> Committer:
    """Return who commits these stories now; `others` of the cycle are not done. Raises `GitError`."""
    by_agent = workspace.settings().commit_by == "agent"
    if preset.build_commit == BuildCommit.AUTO:
        return Committer(by_agent)
    plan = await plan_commit(workspace, git, stories, others)
    if preset.build_commit == BuildCommit.STAGE:
        return Committer(by_agent, await _changed_since_review(git, stories, plan))
    # A build that has handed off everything itself needs no further call for it.
    own = {git.path_of(workspace.relative(path)) for path in own_files(workspace)}
    return Committer(by_agent=bool(set(plan.paths) - own))


async def _changed_since_review(git: Git, stories: Sequence[StoryRun], plan: CommitPlan) -> str | None:
    """Return which files changed since they were reviewed and staged; None where it is none."""
    trees = [story.work_tree for story in stories if story.work_tree is not None]
    changed = sorted(set(await git.changed_paths(trees[-1], plan.tree)) & set(plan.paths)) if trees else []
    if not changed:
        return None
    named = ", ".join(changed[:NAMED]) + (", …" if len(changed) > NAMED else "")
    return (
        f"these files changed after the build had reviewed and staged them: {named}. Look at `git diff` and commit them"
        " yourself"
    )
