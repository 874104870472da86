"""The commit of stories that are done: made by the runner from its snapshots, or by an agent that is checked.

A commit that cannot be made blocks no story, since the work is in the tree; it is kept in the story's row
(`commit_failure`) and the operator is called. Every step may happen twice: what is committed already is found again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from git.commits import CommitImpossible, CommitRefused, commit_paths, try_commit
from git.process import GitError, run_git
from git.snapshots import Git
from payloads import Attention
from running import command_specs, evidence
from running.agent_commit import AgentCommit
from running.clean_tree import built_commit
from running.command_specs import commit_message
from running.commit_choice import choose_committer
from running.commit_plan import CommitPlan, plan_commit, sizes
from running.disk import take_snapshot
from running.planning import BACKGROUND_REVIEW
from running.run_context import RunContext
from running.runner_task import RunnerTask, TaskRefused
from running.spec import Say
from running.story import StoryRun, keep
from running.surroundings import SurroundingsFailed
from running.verify import VerifyContext
from running.work_guard import UNDERIVABLE, absent_work, hold_for_work
from running.workspace import emit_durable
from store.stories import update_story
from workflow import CommitVerdict, DevVerdict, PhaseKind, Preset
from workflow.presets import FINISHING

FIX: Final = "dev-story-2"  # the round in which an agent fixes what a hook refused
NAMED: Final = 5  # paths in a message
FINDINGS: Final = """\
The story is done, but git refused its commit: the hook or git printed what is below. Fix the cause in the files of
the story, so that the same commit passes. Never bypass or change a hook (no `--no-verify`, no `core.hooksPath`), and do
not commit: the runner commits again when you are done.

{words}"""


class HookRefused(TaskRefused):
    """Git or a hook refused the commit; the message is what was printed.

    `changed_files`: the hook changed files itself.
    """

    changed_files = False


class Commits:
    """The commits of one cycle."""

    def __init__(self, context: RunContext) -> None:
        self._workspace = context.workspace
        self._commander = context.commander
        self._background = context.background
        self._gate = context.gate
        self._agent = AgentCommit(context)
        phases = [phase for phase in context.preset.phases if phase.kind is PhaseKind.COMMIT]
        self._phase = phases[0] if phases else None
        self._preset = context.preset
        self._others: list[StoryRun] = []  # of the cycle, that are not done at its end

    async def after_story(self, story: StoryRun) -> None:
        """Commit a story that is done, where each has a commit of its own. Raises `Stopped`."""
        if self._singly:
            await self._commit([story])

    async def again(self, story: StoryRun) -> None:
        """Commit what was changed after the commit of a story that was sent back. Raises `Stopped`."""
        await self._commit([story])

    async def at_end(self, stories: Sequence[StoryRun]) -> None:
        """Commit the stories of the cycle that are done and not committed yet. Raises `Stopped`."""
        self._others = [story for story in stories if not story.passed]
        if not self._singly:
            await self._commit(stories)
            return
        for story in stories:
            await self._commit([story])

    @property
    def _singly(self) -> bool:
        return commits_singly(self._preset, self._workspace.settings().commit_per)

    async def _commit(self, stories: Sequence[StoryRun]) -> None:
        if self._phase is None or self._workspace.git is None:
            return
        phase = self._phase
        wanted = [story for story in stories if story.passed and story.entered in phase.entered and _is_open(story)]
        if not wanted:
            return
        with self._gate.waits_for_background():
            await self._background.wait(BACKGROUND_REVIEW)  # it works on the files that are about to be committed
        git, command = self._workspace.git, phase.commands[0]
        try:
            choice = await choose_committer(self._workspace, git, self._preset, wanted, self._others)
        except GitError as error:
            await self._failed(wanted, str(error))
            return
        if choice.refusal is not None:
            await self._failed(wanted, choice.refusal)
        elif choice.by_agent:
            why = await self._agent.perform(command, wanted, self._preset.recipe)
            if why is not None:
                await self._failed(wanted, why)
        else:
            await self._by_runner(git, wanted)

    # -- by the runner -----------------------------------------------------------------------------------------

    async def _by_runner(self, git: Git, stories: Sequence[StoryRun]) -> None:
        """Commit; after a refusal once more if the hook fixed the files, and once more when an agent has."""
        fixed = formatted = False
        while True:
            await self._commander.ready()
            for story in stories:
                await hold_for_work(self._workspace, self._gate, story)
            if self._commander.is_taken_over:  # since it was ready
                continue
            working = self._workspace.taken_trees.working(self._workspace.project.root)
            try:
                with working, self._gate.command():
                    await self._perform(git, stories)
            except HookRefused as error:
                refused = error
            except SurroundingsFailed:  # HEAD has moved since: `ready` waits for the operator
                continue
            except (TaskRefused, GitError) as failed:
                await self._failed(stories, str(failed))
                return
            else:
                return
            if (why := await self._impossible()) is not None:
                await self._wait_for_operator(stories, why)
            elif refused.changed_files and not formatted:
                formatted = True
            elif fixed:
                await self._failed(stories, str(refused))
                return
            elif (unfixed := await self._fix(stories[0], str(refused))) is not None:
                await self._failed(stories, f"{refused}\n{unfixed}")
                return
            else:
                fixed = True

    async def _perform(self, git: Git, stories: Sequence[StoryRun]) -> None:
        keys = [story.key for story in stories]
        task = RunnerTask(self._workspace, self._gate, "commit", "setup", self._commander.cycle_number, keys)
        await task.perform(stories[0].row_id, partial(self._work, git, stories))

    async def _work(self, git: Git, stories: Sequence[StoryRun], task: RunnerTask) -> None:
        try:
            plan = await plan_commit(self._workspace, git, stories, self._others)
        except GitError as error:  # the snapshots go with the data folder, when that is removed
            raise TaskRefused(UNDERIVABLE.format(error=error)) from None
        failure = await self._contested(git, stories, plan)
        commit = await self._earlier(git, stories)
        if plan.paths:
            task.enter("stage", _files(plan.paths))
            if (moved := await self._commander.head_problem()) is not None:
                raise SurroundingsFailed("git", moved)
            commit = await self._made(git, stories, plan, task)
            task.enter("validate", commit[:10])
            failure = failure or await self._misplaced(commit)
            left = set(plan.paths) & set(await git.uncommitted())
            failure = failure or (f"a hook changed {_named(sorted(left))} after the commit" if left else None)
        else:
            commit = commit or await built_commit(self._workspace, stories[0])
            task.say("Everything that the story changed is committed already")
        besides = {*plan.contested, *plan.nested}  # what is committed counts: the tree may be another one by now
        failure = failure or await absent_work(self._workspace, stories, "HEAD^{tree}", besides)
        if plan.nested:
            task.say(f"Not committed here, since they are repositories of their own: {_named(plan.nested)}")
        task.verdict = CommitVerdict(commit=commit)
        task.with_end = partial(self._enqueue, stories, commit or "", failure)
        if failure is not None:
            await self._call_operator(stories, failure)

    async def _made(self, git: Git, stories: Sequence[StoryRun], plan: CommitPlan, task: RunnerTask) -> str:
        message = commit_message(stories)
        task.enter("commit", message)
        mark = f"{self._workspace.database.epoch}:{task.id}"
        root = self._workspace.project.root
        try:
            return await self._gate.run_interruptible(commit_paths(root, git.top, plan.paths, message, mark))
        except CommitRefused as error:
            refused = HookRefused(self._workspace.masker.text(str(error)))
            refused.changed_files = await take_snapshot(git) != plan.tree
            raise refused from None
        finally:
            git.outdate()  # a hook may write files

    async def _misplaced(self, commit: str) -> str | None:
        """Return that HEAD moved while git committed, which git itself cannot exclude; None where it is in place."""
        moved = await self._commander.misplaced(commit)
        return None if moved is None else f"HEAD moved while {commit[:10]} was made: {moved}, and merge that commit"

    async def _earlier(self, git: Git, stories: Sequence[StoryRun]) -> str | None:
        """Return the commit that was made for the stories before the server could record it."""
        base = stories[0].base_commit
        span = "HEAD" if base is None else f"{base}..HEAD"
        try:
            lines = (await run_git(git.root, ("log", "--format=%H %s", span))).splitlines()
        except GitError:  # no commit yet
            return None
        return next((line[: line.index(" ")] for line in lines if line.endswith(f" {commit_message(stories)}")), None)

    async def _contested(self, git: Git, stories: Sequence[StoryRun], plan: CommitPlan) -> str | None:
        """Return that files hold changes of others beside the stories' own, with the sizes of both."""
        if not plan.contested:
            return None
        both = await sizes(git, stories[0], plan.tree, plan.contested[:NAMED])
        more = f" and {len(plan.contested) - NAMED} more" if len(plan.contested) > NAMED else ""
        return (
            f"these files had uncommitted changes before the work on {stories[0].key} began, and were left out of its"
            f" commit: {both}{more}. Look at `git diff` and commit them yourself, in parts with `git add --patch`"
        )

    async def _fix(self, story: StoryRun, words: str) -> str | None:
        """Let an agent fix the cause of a refusal; return why it could not."""

        async def disprove(verdict: DevVerdict, say: Say) -> str | None:
            context = VerifyContext(self._commander.batch_id, story.key, say)
            return await evidence.missing_work(self._workspace, story, verdict, context)

        findings = FINDINGS.format(words=words)
        spec = command_specs.development(FIX, story, disprove, findings)
        result = await self._commander.perform(spec)
        if not result.ok:
            return f"The round that was to fix it failed: {result.reason}"
        verdict = result.read(DevVerdict)
        return f"The agent cannot fix it: {verdict.reason}" if verdict.blocked else None

    async def _impossible(self) -> str | None:
        """Return why git can make no commit here at all, whatever the story holds."""
        try:
            await try_commit(self._workspace.project.root, self._workspace.data_dir)
        except CommitImpossible as error:
            return str(error)
        return None

    async def _wait_for_operator(self, stories: Sequence[StoryRun], why: str) -> None:
        message = f"The work of {_keys(stories)} is done, but git cannot commit: {why}. Fix that, then resume the batch"
        await emit_durable(Attention(kind="commit", message=message, story_key=stories[0].key))
        self._gate.pause("git")

    # -- records -----------------------------------------------------------------------------------------------

    def _enqueue(self, stories: Sequence[StoryRun], commit: str, failure: str | None) -> None:
        for story in stories:
            story.commit_hash, story.commit_failure = commit, failure
            columns = {"commit_hash": commit, "commit_failure": failure}
            self._workspace.database.write(update_story, story.row_id, **columns)

    async def _failed(self, stories: Sequence[StoryRun], reason: str) -> None:
        reason = self._workspace.masker.text(reason)
        for story in stories:
            story.commit_failure = reason
            await keep(self._workspace, story, commit_failure=reason)
        await self._call_operator(stories, reason)

    async def _call_operator(self, stories: Sequence[StoryRun], reason: str) -> None:
        message = f"The work of {_keys(stories)} is done but was not committed: {reason}"
        await emit_durable(Attention(kind="commit", message=message, story_key=stories[0].key))


def commits_singly(preset: Preset, commit_per: str) -> bool:
    """Whether each story has a commit of its own, after its development."""
    kinds = [phase.kind for phase in preset.phases]
    # Phases between development and commit may write for all stories: then there is one commit, after them.
    directly = PhaseKind.COMMIT in kinds and len(kinds) > 1 and kinds[-2] in FINISHING
    return directly and commit_per == "story"


def _is_open(story: StoryRun) -> bool:
    return story.commit_hash is None and story.commit_failure is None


def _keys(stories: Sequence[StoryRun]) -> str:
    return ", ".join(story.key for story in stories)


def _files(paths: Sequence[str]) -> str:
    return f"{len(paths)} file{'' if len(paths) == 1 else 's'}: {_named(paths)}"


def _named(paths: Sequence[str]) -> str:
    return ", ".join(paths[:NAMED]) + (", …" if len(paths) > NAMED else "")
