"""What the world says about an agent's word: files, git and the project's own check.

Every function answers "" when the word may be believed, else one sentence why not.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import sprint
from git.snapshots import Git
from running.story import StoryRun
from running.verify import NO_CONTEXT, VerifyContext, verify_failure
from running.workspace import Workspace
from workflow import CommitVerdict, DevVerdict, Unreadable, read_spec

HEAD_CHARS: Final = 4096  # of a story file, in which its frontmatter stands
_BASELINE: Final = re.compile(r"^baseline_(?:commit|revision)\s*:\s*[\"']?([0-9a-f]{7,64})\b", re.MULTILINE | re.I)
SHOWN_PATHS: Final = 5  # of files that are named in a reason


async def missing_stories(workspace: Workspace, stories: Sequence[StoryRun]) -> str:
    """Every story that was to be created has a file."""
    for story in stories:
        if not await asyncio.to_thread(sprint.story_files, workspace.project, story.key):
            return f"no story file was written for {story.key}"
    return ""


async def work_in_tree(git: Git | None, story: StoryRun) -> str:
    """The work tree differs from what it was when development started, commits since then included."""
    if git is None or story.base_tree is None:
        return ""
    if await git.snapshot() == story.base_tree:
        return "nothing was changed in the project since development started"
    return ""


async def nothing_to_review(workspace: Workspace, story: StoryRun) -> str:
    """Why there is no work to review for a story that came in at review: nothing was changed since its baseline.

    Its file names the commit from which development began; one that names none is believed.
    """
    git = workspace.git
    baseline = await asyncio.to_thread(_baseline, workspace, story)
    if git is None or baseline is None or not await git.has_commit(baseline):
        return ""
    folder = workspace.relative(workspace.project.artifacts) + "/"
    changed = await git.changed_paths(f"{baseline}^{{tree}}", await git.snapshot())
    if any(not path.startswith(folder) for path in changed):
        return ""
    return f"nothing was changed in the project since commit {baseline[:12]}, from which its development began"


def _baseline(workspace: Workspace, story: StoryRun) -> str | None:
    files = sprint.story_files(workspace.project, story.key)
    found = _BASELINE.search(files[0].read_text("utf-8", "replace")[:HEAD_CHARS]) if files else None
    return None if found is None else found[1].lower()


async def developed(
    workspace: Workspace, story: StoryRun, verdict: DevVerdict, about: VerifyContext = NO_CONTEXT
) -> str:
    """A complete development left work in the tree and passes the check; a blocked one needs no proof."""
    if verdict.blocked:
        return ""
    if not verdict.complete:
        return "the agent says that the story is not complete"
    return await doubts(workspace, story, about)


async def doubts(workspace: Workspace, story: StoryRun, about: VerifyContext = NO_CONTEXT) -> str:
    """Why a reviewed story may not be called done: its work is in the tree and passes the check, or it may not."""
    return await work_in_tree(workspace.git, story) or await verify_failure(workspace, about)


async def specs_written(workspace: Workspace, stories: Sequence[StoryRun]) -> str:
    """Every story that was to get a tech-spec has one."""
    for story in stories:
        if not await asyncio.to_thread((workspace.project.artifacts / f"tech-spec-{story.key}.md").is_file):
            return f"no tech-spec was written for {story.key}"
    return ""


async def built(workspace: Workspace, story: StoryRun) -> DevVerdict:
    """What the newest spec of the story says of itself: `done`, or `blocked` with the condition; the chat is no proof.

    Raises `Unreadable` for a story without a spec, and for one whose spec says neither.
    """
    specs = await asyncio.to_thread(_specs, workspace, story)
    if not specs:
        raise Unreadable(f"no spec file was written for {story.key}")
    name, text = workspace.relative(specs[0]), await asyncio.to_thread(specs[0].read_text, "utf-8", "replace")
    return read_spec(text, name)


def _specs(workspace: Workspace, story: StoryRun) -> list[Path]:
    """The story's spec files, newest first."""
    found = [path for path in sprint.story_files(workspace.project, story.key) if path.name.startswith("spec-")]
    return sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)


async def committed(workspace: Workspace, verdict: CommitVerdict, stories: Sequence[StoryRun] = ()) -> str:
    """The hash that the agent names exists; where it says that nothing was to be committed, nothing was."""
    if verdict.failure:
        return f"the commit failed: {verdict.failure}"
    if workspace.git is None:
        return ""
    if verdict.commit is None:
        return _left_over(await _uncommitted(workspace, workspace.git, stories))
    if await workspace.git.has_commit(verdict.commit):
        return ""
    return f"the agent names commit {verdict.commit[:12]}, which does not exist"


async def _uncommitted(workspace: Workspace, git: Git, stories: Sequence[StoryRun]) -> list[str]:
    """What was changed for these stories and is in no commit: since their base, or by the list in their files."""
    changed = set(await git.uncommitted())
    bases = [story.base_tree for story in stories if story.base_tree is not None]
    theirs = {path for base in bases[:1] for path in await git.changed_paths(base, await git.snapshot())}
    for story in stories:
        theirs.update(await asyncio.to_thread(_listed, workspace, story))
    return sorted(changed & theirs)


async def in_the_way(workspace: Workspace) -> str:
    """Why an unattended build could not start: which tracked files are changed; "" when none are.

    What the runner and its agents write into the artifacts folder is not in anybody's way.
    """
    if workspace.git is None:
        return ""
    folder = workspace.relative(workspace.project.artifacts) + "/"
    changed = [path for path in await workspace.git.uncommitted(tracked=True) if not path.startswith(folder)]
    if not changed:
        return ""
    named = ", ".join(changed[:SHOWN_PATHS]) + (", …" if len(changed) > SHOWN_PATHS else "")
    return f"an unattended build starts from a clean work tree: commit these or put them aside, then go on: {named}"


def _listed(workspace: Workspace, story: StoryRun) -> list[str]:
    """The File List of a story's file."""
    files = sprint.story_files(workspace.project, story.key)
    listed = sprint.read_story(files[0]).file_list if files else ()
    return [entry.strip("`* ").split(" ")[0].strip("`") for entry in listed]


def _left_over(paths: Sequence[str]) -> str:
    if not paths:
        return ""
    more = f" and {len(paths) - SHOWN_PATHS} more" if len(paths) > SHOWN_PATHS else ""
    named = ", ".join(paths[:SHOWN_PATHS])
    return f"the agent says that there is nothing to commit, but these are not committed: {named}{more}"
