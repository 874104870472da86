"""What the world says about an agent's word: files, git and the project's own check.

Every function answers "" when the word may be believed, else one sentence why not.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import sprint
from running.git import Git
from running.story import StoryRun
from running.workspace import Workspace
from workflow import CommitVerdict, DevVerdict

CHECK_TIMEOUT_S: Final = 1800.0  # the project's own check
TAIL_CHARS: Final = 2000  # of its output that go into the reason: the end is where failures are summed up
MASKED_CHARS: Final = 16 * 1024  # of it that are searched for secrets, so that none is cut before it is recognised


async def stories_written(workspace: Workspace, stories: Sequence[StoryRun]) -> str:
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


async def developed(workspace: Workspace, story: StoryRun, verdict: DevVerdict) -> str:
    """A complete development left work in the tree and passes the check; a blocked one needs no proof."""
    if verdict.blocked:
        return ""
    if not verdict.complete:
        return "the agent says that the story is not complete"
    return await doubts(workspace, story)


async def doubts(workspace: Workspace, story: StoryRun) -> str:
    """Why a reviewed story may not be called done: its work is in the tree and passes the check, or it may not."""
    return await work_in_tree(workspace.git, story) or await check_passes(workspace)


async def committed(workspace: Workspace, verdict: CommitVerdict) -> str:
    """The hash that the agent names exists."""
    if verdict.failure:
        return f"the commit failed: {verdict.failure}"
    if verdict.commit is None or workspace.git is None:
        return ""
    if await workspace.git.has_commit(verdict.commit):
        return ""
    return f"the agent names commit {verdict.commit[:12]}, which does not exist"


async def check_passes(workspace: Workspace) -> str:
    """The project's `verify` command ends with 0; where none is set there is nothing to fail."""
    command = workspace.settings().verify
    if command is None:
        return ""
    code, output = await _run(shlex.split(command), workspace.project.root)
    if code == 0:
        return ""
    ending = f"took longer than {CHECK_TIMEOUT_S / 60:.0f} minutes" if code is None else f"ended with {code}"
    said = workspace.masker.text(output[-MASKED_CHARS:])[-TAIL_CHARS:].strip()
    return f"the check `{command}` {ending}:\n{said}"


async def _run(argv: list[str], folder: Path) -> tuple[int | None, str]:
    """Exit code (None after the time limit) and output; the whole process group is gone afterwards."""
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=folder,
            start_new_session=True,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except OSError as error:
        return 127, f"it could not be started: {error.strerror}"
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            output, _ = await process.communicate()
    except TimeoutError:
        return None, ""
    finally:
        with suppress(ProcessLookupError):  # nobody of the group is left, as it should be
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    return process.returncode, output.decode(errors="replace")
