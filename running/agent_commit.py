"""A commit that an agent makes: of stories that are done, as the settings say, or by a recipe of the project's.

What the agent claims is proved by git; what a failed one has staged is taken out of the index again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from git.commits import staged_files, unstage
from git.process import GitError
from running import evidence
from running.command_specs import agent_commit
from running.disk import take_snapshot
from running.run_context import RunContext
from running.spec import Say
from running.story import StoryRun, keep
from running.surroundings import SurroundingsFailed
from running.work_guard import UNDERIVABLE, absent_work, hold_for_work
from workflow import CommitVerdict

RECIPE = """\
## The recipe of this project
The project has a recipe of its own by which work is committed. It replaces the steps above, and the message where it
names one; what belongs into the commit, what you never do, and the verdict stay as they are.

{recipe}"""


class AgentCommit:
    """The commits that agents make in one cycle."""

    def __init__(self, context: RunContext) -> None:
        self._workspace = context.workspace
        self._commander = context.commander
        self._gate = context.gate

    async def perform(self, command: str, stories: Sequence[StoryRun], recipe: str = "") -> str | None:
        """Have an agent commit the stories, and keep the commit; return why it did not. Raises `Stopped`."""
        for story in stories:
            await hold_for_work(self._workspace, self._gate, story)
        directives = RECIPE.format(recipe=recipe) if recipe else ""
        spec = agent_commit(command, stories, partial(self._commit_failure, stories), directives)
        root = self._workspace.project.root
        staged = await staged_files(root)
        result = await self._commander.perform(spec)
        if not result.ok:
            await unstage(root, await staged_files(root) - staged)
            return result.reason
        commit = result.read(CommitVerdict).commit
        for story in stories:
            story.commit_hash, story.commit_failure = commit or "", None
            await keep(self._workspace, story, commit_hash=commit or "", commit_failure=None)
        return None

    async def _commit_failure(self, stories: Sequence[StoryRun], verdict: CommitVerdict, _say: Say) -> str | None:
        if (moved := await self._commander.head_problem()) is not None:
            keys = ", ".join(story.key for story in stories)
            raise SurroundingsFailed("git", f"The commit of {keys} cannot be checked: {moved}")
        git = self._workspace.git
        try:
            why = await evidence.commit_failure(self._workspace, verdict, stories)
        except GitError as error:  # as where the runner commits: to ask again would not bring the snapshots back
            return UNDERIVABLE.format(error=error)
        return why if why or git is None else await absent_work(self._workspace, stories, await take_snapshot(git))
