"""The rounds of development that failed checks and comments of a request cause, between the cycles of a batch.

A round works in a worktree of the delivery's branch, as a lane does: what a person or a later story has in the
project's tree meanwhile is no part of it. Its commit goes onto that branch, and from there into the operator's branch.
Promises: a round is in the row before it begins; after a stop or a crash it continues, and what it paid for counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

import sprint
from git.commits import commit_paths
from git.process import GitError
from payloads import Attention
from running import command_specs, evidence
from running.command_waits import AgentUnusable
from running.delivery.findings import findings_of
from running.delivery.local_branch import take_branch
from running.delivery.place import put_away, worktree_of
from running.delivery.planning import joined
from running.delivery.record import fail, record
from running.delivery.story_file import restore_status
from running.gates import GateDecision, GateKind, GateRequest, decision_of
from running.journal import Journal
from running.lanes.merge import Merge, NotMerged
from running.lanes.worktree import Worktree
from running.run_context import RunContext
from running.runner_task import RunnerTask, TaskRefused
from running.spec import Say
from running.story import StoryRun
from running.story_gates import sent_back
from running.surroundings import SurroundingsFailed
from running.verify import VerifyContext
from running.workspace import Workspace, emit_durable
from store.commands import get_commands_by_key
from store.deliveries import (
    MENDING,
    PLANNED,
    WAITING,
    CommentRow,
    DeliveryChanged,
    DeliveryRow,
    get_comments,
    get_delivery,
    get_open_deliveries,
    settle_comments,
)
from store.gates import GateRow, get_gates_of
from store.job import NotWritten
from store.questions import get_questions
from store.skips import get_skip
from store.stories import get_story_by_key
from workflow import DevVerdict, kind_of

DEVELOP: Final = "dev-story"


async def mend_deliveries(context: RunContext) -> None:
    """Perform the rounds that deliveries wait for; none where the batch is to end after what runs. Raises `Stopped`."""
    if context.gate.stop_after is not None:
        return
    for row in await context.workspace.database.read(get_open_deliveries):
        if is_to_mend(row) and await context.workspace.database.read(get_skip, row.keys[-1]) is None:
            try:
                await Mending(context, row).run()
            except (DeliveryChanged, NotWritten):  # the operator has given it up
                continue


def is_to_mend(row: DeliveryRow) -> bool:
    """Whether a delivery waits for a round, or is in one."""
    return row.state in (WAITING, MENDING) and row.problem is None


class Mending:
    """One round of one delivery."""

    def __init__(self, context: RunContext, row: DeliveryRow) -> None:
        self._context = context
        self._workspace = context.workspace
        self._row = row

    async def run(self) -> None:
        """Have an agent mend it, commit that, and let the delivery continue. Raises `Stopped`."""
        try:
            await self._perform()
        except (GitError, AgentUnusable, TaskRefused) as error:
            await self._failed(f"the round could not be made: {error}")

    async def _perform(self) -> None:
        comments = [row for row in await self._workspace.database.read(get_comments, self._row.id) if row.round is None]
        if self._row.state == WAITING:
            await self._begin()
        worktree = await worktree_of(self._workspace, self._row)
        await self._context.gate.enter()  # making it ready runs a command of the project's
        await self._hold_branch(worktree)
        lane = await self._context.gate.run_interruptible(worktree.open())
        story = await self._story()
        backs = await self._sent_back(story)
        while (why := await self._developed(lane, story, comments, backs)) is None:
            if (back := await self._look(story, len(backs) + 1)) is None:
                break
            backs.append(back)
        if why is not None:
            await self._failed(f"round {self._row.round} did not mend it: {why}")
            return
        commit = await self._committed(worktree, lane)
        if commit is None:
            await self._failed(f"round {self._row.round} changed nothing")
            return
        note = await self._merged(worktree, story, commit)
        await self._settled(worktree, commit, comments, note)

    async def _hold_branch(self, worktree: Worktree) -> None:
        """Have the branch hold what was delivered; after a crash it may hold the commit of this round as well."""
        start, tip = self._start, await worktree.repository.tip(self._row.branch)
        if tip is None or not await worktree.repository.is_ancestor(start, tip):
            await take_branch(worktree.repository, self._row.branch, start)

    @property
    def _start(self) -> str:
        return self._row.head or self._row.wanted

    async def _begin(self) -> None:
        """Record the round, with the name of its command, before anything of it happens."""
        number = self._row.round + 1
        commands = await self._workspace.database.read(get_commands_by_key, self._row.keys[-1])
        name = f"{DEVELOP}-{1 + max((number_of(row.command) for row in commands), default=1)}"
        message = f"round {number} mends {self._row.subject}"
        self._row = await record(self._workspace, self._row, message, state=MENDING, round=number, command=name)

    async def _developed(
        self, lane: Workspace, story: StoryRun, comments: Sequence[CommentRow], backs: Sequence[GateRow]
    ) -> str | None:
        """Perform the round, once more for each time that it was sent back; return why it was in vain."""
        command = f"{DEVELOP}-{number_of(self._row.command or '') + len(backs)}"
        journal = await self._journal(command)
        # Cycle 0: the round belongs to no cycle of the batch.
        commander = self._context.commander.for_cycle(lane, 0, journal, self._row.branch)

        async def disprove(verdict: DevVerdict, say: Say) -> str | None:
            about = VerifyContext(self._context.batch_id, story.key, say)
            return await evidence.missing_work(lane, story, verdict, about)

        words = sent_back("work", backs[-1].comments) if backs else ""
        findings = findings_of(self._row, comments, words)
        result = await commander.perform(command_specs.development(command, story, disprove, findings))
        if not result.ok:
            return result.reason
        verdict = result.read(DevVerdict)
        return verdict.reason if verdict.blocked else None

    async def _journal(self, command: str) -> Journal:
        """What this round has behind it, from before a stop or a crash."""
        commands = await self._workspace.database.read(get_commands_by_key, self._row.keys[-1])
        own = [row for row in commands if row.command == command]
        questions = await self._workspace.database.read(get_questions, [row.id for row in own])
        same = all(row.batch_id == self._context.batch_id for row in own)
        return Journal.of(own, failures=same, questions=questions)

    # -- the operator's look -----------------------------------------------------------------------------------

    async def _look(self, story: StoryRun, number: int) -> GateRow | None:
        """Have a person look before the commit where that is set; return the decision to send it back."""
        if GateKind.COMMIT not in (self._context.preset.gates or ()):
            return None
        message = (
            f"{story.key} was mended on {self._row.branch}: look at its changes before they are committed and pushed"
        )
        request = GateRequest(GateKind.COMMIT, story.key, message, self._content, number, story.key)
        row = await decision_of(self._workspace, self._context.gate, request)
        if row.decision == GateDecision.SKIP:
            raise TaskRefused("you have put the story aside at its gate")
        return row if row.decision == GateDecision.BACK else None

    async def _sent_back(self, story: StoryRun) -> list[GateRow]:
        """The decisions to send this round back, from before a stop or a crash."""
        rows = await self._workspace.database.read(get_gates_of, GateKind.COMMIT.value, story.key)
        return [row for row in rows if row.content == self._content and row.decision == GateDecision.BACK]

    @property
    def _content(self) -> str:
        return f"delivery {self._row.id} round {self._row.round}"

    # -- the commit --------------------------------------------------------------------------------------------

    async def _committed(self, worktree: Worktree, lane: Workspace) -> str | None:
        """Commit what the round changed, unless that is done; None where it changed nothing."""
        await asyncio.to_thread(restore_status, self._workspace.project, lane.project, self._row.keys[-1])
        if left := await worktree.uncommitted():
            message = f"fix({self._row.epic}): mend {self._row.subject}, round {self._row.round}"
            mark = f"{self._workspace.database.epoch}:delivery"
            await commit_paths(lane.project.root, worktree.top, left, message, mark)
        tip = await worktree.repository.tip(self._row.branch)
        return None if tip == self._start else tip

    async def _merged(self, worktree: Worktree, story: StoryRun, commit: str) -> str:
        """Bring the commit into the operator's branch as well; return why that has to be done by hand, "" if not."""
        names, gate = worktree.names, self._context.gate
        merge = Merge(worktree, gate, f"merge({self._row.epic}): {names.branch}, round {self._row.round}")

        async def work(task: RunnerTask) -> None:
            task.say(f"Merging {names.branch} into {names.target}")
            await merge.run(VerifyContext(self._context.batch_id, story.key, task.say, task.id))

        try:
            if await merge.needed():
                await self._context.commander.ready()
                task = RunnerTask(self._workspace, gate, "merge", "merge", 0, [story.key])
                with gate.command():
                    await task.perform(story.row_id, work)
        except (NotMerged, SurroundingsFailed, TaskRefused, GitError) as error:
            return f"; {commit[:10]} is not in {names.target}, so merge {names.branch} into it by hand: {error}"
        return ""

    async def _settled(self, worktree: Worktree, commit: str, comments: Sequence[CommentRow], note: str) -> None:
        """Record that the branch is to be pushed again, and put the worktree away."""
        while True:
            row = self._row = await self._again()
            wanted = await joined(worktree.repository, commit, row.wanted) if row.wanted != row.head else commit
            if wanted is None:
                await self._failed(f"{row.wanted[:10]} and {commit[:10]} conflict: merge both on {row.branch} by hand")
                return
            names, write = [comment.comment_id for comment in comments], self._workspace.database.write
            try:
                await record(
                    self._workspace,
                    row,
                    f"round {row.round} made {commit[:10]}{note}",
                    partial(write, settle_comments, row.id, names, row.round),
                    state=PLANNED,
                    wanted=wanted,
                    log=None,
                    command=None,
                    next_at=0,
                )
            except (DeliveryChanged, NotWritten):  # another cycle has added its work
                continue
            break
        if note:
            message = f"{row.subject} is mended{note}"
            await emit_durable(Attention(kind="git", message=message, story_key=row.keys[0]))
        await put_away(worktree)

    async def _failed(self, why: str) -> None:
        """The operator decides whether there is another round."""
        row = self._row = await self._again()
        await fail(self._workspace, row, why, state=WAITING, command=None)

    async def _story(self) -> StoryRun:
        """The story that the round is for: the newest of the branch. Its row is that of its cycle."""
        key = self._row.keys[-1]
        row = await self._workspace.database.read(get_story_by_key, key)
        if row is None:
            raise GitError(f"nothing is recorded of {key} any more")
        titles = await asyncio.to_thread(sprint.titles, self._workspace.project, [key])
        return StoryRun(row.id, key, row.epic, titles.get(key, key), "review", "review")

    async def _again(self) -> DeliveryRow:
        row = await self._workspace.database.read(get_delivery, self._row.id)
        if row is None or row.state != MENDING:
            raise DeliveryChanged(f"delivery {self._row.id} was changed meanwhile")
        return row


def number_of(command: str) -> int:
    """Return the number of a round of development, 1 for the first, 0 for other commands."""
    if kind_of(command) != DEVELOP:
        return 0
    number = command.removeprefix(f"{DEVELOP}-")
    return int(number) if number.isdigit() else 1
