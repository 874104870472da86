"""The evidence for an agent's verdict: from files, git and the project's own verify command.

Every function returns None when the verdict may be believed, else one sentence why not.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Final

import sprint
from base.regular import read_or_empty
from git.snapshots import Git
from running.commit_plan import changed_before, changed_by, listed_files
from running.disk import recent_snapshot, take_snapshot
from running.story import StoryRun
from running.uncommitted import changed_by_others
from running.verify import NO_CONTEXT, VerifyContext, verify_failure
from running.workspace import Workspace
from workflow import CommitVerdict, DevVerdict

HEAD_CHARS: Final = 4096  # of a story file, which contain its frontmatter
_BASELINE: Final = re.compile(r"^baseline_(?:commit|revision)\s*:\s*[\"']?([0-9a-f]{7,64})\b", re.MULTILINE | re.I)
SHOWN_PATHS: Final = 5  # of files that are named in a reason


async def missing_stories(workspace: Workspace, stories: Sequence[StoryRun]) -> str | None:
    """Return which story that was to be created has no file."""
    for story in stories:
        if not await asyncio.to_thread(sprint.story_files, workspace.project, story.key):
            return f"no story file was written for {story.key}"
    return None


async def missing_change(git: Git | None, story: StoryRun, *, after_agent: bool = False) -> str | None:
    """Return that the work tree is what it was when development started, commits since then included.

    `after_agent`: what counts is the work of the agent that has just ended, so that a snapshot since then will do.
    """
    if git is None or story.base_tree is None:
        return None
    if await (recent_snapshot if after_agent else take_snapshot)(git) == story.base_tree:
        return "nothing was changed in the project since development started"
    return None


async def nothing_to_review(workspace: Workspace, story: StoryRun) -> str | None:
    """Return why a story that entered at review has no work to review: nothing was changed since its baseline.

    Its file names the commit from which development began; one that names none is believed.
    """
    git = workspace.git
    baseline = await asyncio.to_thread(_baseline, workspace, story)
    if git is None or baseline is None or not await git.has_commit(baseline):
        return None
    folder = artifacts_folder(workspace, git)
    changed = await git.changed_paths(f"{baseline}^{{tree}}", await take_snapshot(git))
    if any(not path.startswith(folder) for path in changed):
        return None
    return f"nothing was changed in the project since commit {baseline[:12]}, from which its development began"


def artifacts_folder(workspace: Workspace, git: Git) -> str:
    """Return how paths of the artifacts folder begin, relative to the repository's top; a text that no path begins
    with where the folder lies outside of the project or is the project itself."""
    folder = workspace.relative(workspace.project.artifacts)
    return "\0" if folder == "." or folder.startswith("/") else git.path_of(f"{folder}/")


def _baseline(workspace: Workspace, story: StoryRun) -> str | None:
    files = sprint.story_files(workspace.project, story.key)
    found = _BASELINE.search(read_or_empty(files[0], HEAD_CHARS).decode("utf-8", "replace")) if files else None
    return None if found is None else found[1].lower()


async def missing_work(
    workspace: Workspace, story: StoryRun, verdict: DevVerdict, about: VerifyContext = NO_CONTEXT
) -> str | None:
    """Return why a development is not complete; a blocked one needs no proof, nor does one that cannot be read."""
    if verdict.blocked or verdict.unread:
        return None
    if not verdict.complete:
        return "the agent says that the story is not complete"
    return await missing_proof(workspace, story, about, after_agent=True)


async def missing_proof(
    workspace: Workspace, story: StoryRun, about: VerifyContext = NO_CONTEXT, *, after_agent: bool = False
) -> str | None:
    """Return why a story may not be called done: no change in the tree, or a verify command that fails."""
    missing = await missing_change(workspace.git, story, after_agent=after_agent)
    return missing or await verify_failure(workspace, about)


async def missing_specs(workspace: Workspace, stories: Sequence[StoryRun]) -> str | None:
    """Return which story that was to get a tech-spec has none."""
    for story in stories:
        if not await asyncio.to_thread((workspace.project.artifacts / f"tech-spec-{story.key}.md").is_file):
            return f"no tech-spec was written for {story.key}"
    return None


async def commit_failure(workspace: Workspace, verdict: CommitVerdict, stories: Sequence[StoryRun] = ()) -> str | None:
    """Return why an agent's commit is not proved: it is no new one on the branch, or leaves the stories' work out."""
    if verdict.failure:
        return f"the commit failed: {verdict.failure}"
    git = workspace.git
    if git is None:
        return None
    if verdict.commit is not None and (why := await _is_no_new_commit(git, verdict.commit, stories)) is not None:
        return why
    return _not_committed(verdict, await _uncommitted(workspace, git, stories))


async def _is_no_new_commit(git: Git, commit: str, stories: Sequence[StoryRun]) -> str | None:
    """Return why a hash that an agent names cannot be the commit of these stories."""
    full = await git.full_hash(commit)
    if full is None:
        return f"the agent names commit {commit[:12]}, which does not exist"
    if not await git.is_ancestor(full, "HEAD"):
        return f"the agent names commit {commit[:12]}, which is not part of what is checked out"
    base = next((story.base_commit for story in stories if story.base_commit is not None), None)
    if base is not None and await git.is_ancestor(full, base):
        return f"the agent names commit {commit[:12]}, which was there before the work on the story began"
    return None


async def _uncommitted(workspace: Workspace, git: Git, stories: Sequence[StoryRun]) -> list[str]:
    """Return what was changed for these stories and is in no commit, by the snapshots and by the lists in their files.

    Files that others had changed before may be left out, and so may repositories inside this one.
    """
    if not stories:
        return []
    now, theirs = await take_snapshot(git), set[str]()
    for story in stories:  # up to its own last command: what came after may be another story's
        theirs |= await changed_by(workspace, git, [story], story.work_tree or now)
        theirs.update(await asyncio.to_thread(listed_files, workspace, git, story))
    return sorted(
        (theirs & set(await git.uncommitted())) - await changed_before(workspace, git, stories[0]) - git.nested
    )


async def unclean_tree(workspace: Workspace) -> str | None:
    """Return why an unattended build cannot start: which tracked files are changed.

    Files in the artifacts folder do not count, since the runner and its agents write them, nor those of the page.
    """
    if workspace.git is None:
        return None
    folder = artifacts_folder(workspace, workspace.git)
    changed = [path for path in await changed_by_others(workspace.git) if not path.startswith(folder)]
    if not changed:
        return None
    named = ", ".join(changed[:SHOWN_PATHS]) + (", …" if len(changed) > SHOWN_PATHS else "")
    return f"an unattended build starts from a clean work tree: commit these or put them aside, then continue: {named}"


def _not_committed(verdict: CommitVerdict, paths: Sequence[str]) -> str | None:
    if not paths:
        return None
    more = f" and {len(paths) - SHOWN_PATHS} more" if len(paths) > SHOWN_PATHS else ""
    named = ", ".join(paths[:SHOWN_PATHS])
    claim = "that there is nothing to commit" if verdict.commit is None else f"that {verdict.commit[:12]} is the commit"
    return f"the agent says {claim}, but these are not committed: {named}{more}"
