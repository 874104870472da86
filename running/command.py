"""The commands of a batch: the agent of each, its attempts, and waits for limits.

A recorded result is never computed again; a limit of the agent or a passing fault is waited out and is no story's
failure; for an agent that cannot run at all the batch pauses, and no story is judged by it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

from payloads import Attention, BatchWarning, or_unset
from running.agent_choice import AgentChoice, Turn
from running.attempt import Attempt
from running.breaker import Breaker
from running.budget import Budget
from running.by_hand import book, findings_of, stands_for, unreviewed, was_done_by_hand
from running.command_waits import CommandWaits
from running.gate import Gate, Stopped
from running.head_guard import HeadGuard
from running.journal import BUDGET, LOST, MACHINE_LOST, Asked, AttemptKey, CommandStatus, Journal, Result
from running.no_progress import hold_without_progress
from running.preparation import Preparation, after_failure, with_findings
from running.questions import DECIDE, answer_to, reply_of
from running.skips import SKIPPED, StorySkippedError
from running.spec import CommandSpec
from running.subject import CommandSubject
from running.surroundings import hold, until_possible
from running.taken_trees import TAKEN_OVER, TreeTakenOverError
from running.work_guard import hold_for_work
from running.workspace import Workspace, emit_durable
from store.commands import Command, get_command
from store.takeovers import TakeOverRow
from workflow import CLASSIC, Preset
from workflow.failover import AgentOption

RESUMED: Final = frozenset({CommandStatus.USAGE_LIMIT, CommandStatus.TRANSIENT, CommandStatus.QUESTION})
T = TypeVar("T")
CUT_SHORT: Final = frozenset({CommandStatus.STOPPED, CommandStatus.INTERRUPTED})


class Commander:
    """The runner of the commands of a batch, or of one of its cycles; those in the journal are not run again."""

    def __init__(
        self,
        workspace: Workspace,
        batch_id: int,
        gate: Gate,
        budget: Budget,
        agent: str | Sequence[str] | AgentChoice,
        preset: Preset = CLASSIC,
        cycle_number: int = 0,
        journal: Journal | None = None,
        breaker: Breaker | None = None,
        head: HeadGuard | None = None,
    ) -> None:
        self.workspace = workspace
        self.batch_id = batch_id
        self.gate = gate
        self.journal = journal or Journal()
        self.cycle_number = cycle_number
        self._budget = budget
        names = [agent] if isinstance(agent, str) else agent
        self.agents = names if isinstance(names, AgentChoice) else AgentChoice(workspace, batch_id, names, preset)
        self._waits = CommandWaits(workspace, batch_id, gate, self.agents)
        self.preset = preset
        self.breaker = breaker or Breaker(workspace, gate)
        self._head = head

    def for_cycle(self, workspace: Workspace, number: int, journal: Journal, branch: str | None = None) -> Commander:
        """Return the commander of one cycle in this workspace: the same gate, the same budget, its own journal.

        `branch` is that of a lane's worktree.
        """
        head = self._head
        if head is not None and branch is not None:
            head = head.for_lane(workspace, branch)
        shared = (self.batch_id, self.gate, self._budget, self.agents, self.preset)
        return Commander(workspace, *shared, number, journal, self.breaker, head)

    async def ready(self) -> None:
        """Return when the next command or commit of the foreground may start. Raises `Stopped`."""
        await self._enter(background=False)

    async def _enter(self, *, background: bool) -> None:
        while True:
            await self.gate.enter()
            if await self.until_handed_back():
                continue
            place = self.workspace.place
            if place is not None and not place.is_ready:
                await place.ready()
                continue
            if self._head is None or background:
                return
            await self._head.hold()
            if not self.is_taken_over:
                return

    @property
    def is_taken_over(self) -> bool:
        """Whether the operator works in this tree, or in the project's own, with which the whole run waits."""
        workspace = self.workspace
        return workspace.taken_trees.in_tree(workspace.tracked.root, workspace.project.root) is not None

    async def until_handed_back(self) -> bool:
        """Wait while the tree is the operator's; whether it was. Raises `Stopped`."""
        workspace = self.workspace
        return await workspace.taken_trees.hold(self.gate, workspace.tracked.root, workspace.project.root)

    async def in_tree(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do work of the runner's own in the tree, never while that is the operator's. Raises `Stopped`."""
        await self.until_handed_back()
        with self.workspace.taken_trees.working(self.workspace.project.root):
            return await work()

    async def head_problem(self) -> str | None:
        """Return why HEAD is not where this run commits to; None when it is."""
        return None if self._head is None else await self._head.problem()

    async def misplaced(self, commit: str) -> str | None:
        """Return why a commit is not where this run commits to; None when it is."""
        return None if self._head is None else await self._head.misplaced(commit)

    async def perform(self, spec: CommandSpec) -> Result:
        """Run the command until an attempt succeeds or all are used up; recorded attempts are not run again.

        Raises `Stopped`, and for work beside the run `AgentUnusable`.
        """
        result = await self._settled(spec, 1)
        for attempt in range(2, self.workspace.settings().retries + 2):
            if result.ok or result is SKIPPED or self.gate.closed:
                break
            before, result = result, await self._settled(after_failure(spec, result.reason), attempt)
            if spec.once and result.reason == before.reason:
                break
        return result

    async def _settled(self, spec: CommandSpec, attempt: int) -> Result:
        """Run one attempt; calls that end with a limit or a temporary error do not count, up to a bound."""
        attempt_key = (spec.story_key, spec.command, attempt)
        recorded = self.journal.find(*attempt_key)
        if recorded is not None:
            return recorded
        asked = self.journal.asked.get(attempt_key)
        limits = trouble = missing = lost = 0
        failures: Counter[tuple[str, CommandStatus]] = Counter()
        while True:
            reply = None if asked is None else await self._answer(spec, attempt_key, asked)
            result, asked = await self._attempt(spec, attempt, reply), None
            if result is SKIPPED:
                return result
            if result.kind == TAKEN_OVER:
                continue  # at the gate, until the operator hands the story back
            if self.gate.closed:  # a refresh of the context may outlive its batch, for which nothing is tried again
                return result
            failures[result.agent, result.status] += 1
            if await self._waits.hands_over(spec, result, failures[result.agent, result.status] - 1):
                continue
            if result.status is CommandStatus.USAGE_LIMIT:
                await self._waits.for_limit(spec, result, limits)
                limits += 1
            elif result.kind == MACHINE_LOST:
                lost = await self._waits.for_machine(spec, result, lost)
            elif result.kind == BUDGET:
                continue  # at the gate, which the cap that was reached has closed
            elif result.kind == LOST:
                self.journal.sessions.pop(attempt_key, None)  # begins afresh
            elif result.status is CommandStatus.TRANSIENT:
                await self._waits.for_service(spec, result, trouble)
                trouble += 1
            elif result.status is CommandStatus.REFUSED:
                missing = await self._waits.for_agent(spec, result, missing)
            elif result.status is CommandStatus.UNCHECKED:
                key = or_unset(spec.story_key or None)
                await hold(self.gate, result.kind, Attention(kind=result.kind, message=result.reason, story_key=key))
            elif result.status is CommandStatus.QUESTION and result.command_id is not None:
                asked = Asked(result.command_id, self.batch_id, result.reason, self.workspace.clock())
            elif result.status is not CommandStatus.LOST:
                self.journal.results[attempt_key] = result  # the cycle may run again from its beginning
                return result

    async def _answer(self, spec: CommandSpec, attempt_key: AttemptKey, asked: Asked) -> str:
        """Return the reply for the session, after waiting for the operator's answer to its question."""
        command = await self.workspace.database.read(get_command, asked.command_id)
        if command is None:
            return reply_of(asked, DECIDE)
        if asked.answer is None and asked.batch_id != self.batch_id:  # the page shows what this batch needs
            await emit_durable(_subject(command).question(asked.question))
        answer = asked.answer or await answer_to(self.workspace, self.gate, command, asked)
        self.journal.ask(attempt_key, replace(asked, answer=answer))
        return reply_of(asked, answer)

    async def _attempt(self, spec: CommandSpec, attempt: int, reply: str | None) -> Result:
        turn = await self._turn(spec, attempt, bound=reply is not None)
        if turn is None:
            return SKIPPED
        here = (spec.story_key, spec.command, attempt)
        adopted = self.journal.adoptable.pop(here, None)
        by_hand = await self._handed_back(spec)
        tree = None if adopted is None else adopted.tree_before
        if adopted is None:
            tree = await until_possible(self.gate, lambda: self._tree_before(spec))
        preparation = Preparation(
            self.workspace, self.preset, self.agents, self.journal, self._budget, self.batch_id, self.cycle_number
        )
        first = self.journal.trees.pop((spec.story_key, spec.command), None)
        context = await preparation.context(
            spec, attempt, reply=reply, tree=tree, first_tree=first, agent=turn.option.name, change=turn.change
        )
        if by_hand is not None and adopted is None and stands_for(self.preset, spec):
            booked = await book(self.workspace, spec, context, by_hand)
            if booked is not None:
                return booked
        agent_spec, spec = context.agent, preparation.with_answers(spec)
        if by_hand is not None:
            spec = with_findings(spec, await findings_of(self.workspace, by_hand))
        await self.agents.started(spec.command, agent_spec.name)
        if self.is_taken_over:  # while this was prepared; no await until it counts as work in the tree
            if adopted is not None:
                self.journal.adoptable[here] = adopted
            return _taken_over()
        unchecked = self.journal.unchecked.pop(here, None)
        working = self.workspace.taken_trees.working(self.workspace.project.root)
        try:
            with working, nullcontext() if spec.background else self.gate.command():
                one = Attempt(self.workspace, self.gate, spec, context)
                if adopted is not None:
                    result = await one.adopt(adopted)
                else:
                    result = await (one.run() if unchecked is None else one.check(unchecked))
                result = replace(result, agent=agent_spec.name)
        except StorySkippedError:  # while its prompt was made
            return SKIPPED
        except TreeTakenOverError:  # also while its prompt was made
            if unchecked is not None:
                self.journal.unchecked[here] = unchecked
            return _taken_over()
        finally:
            await self._budget.look(self.gate)
        if result.unchecked is not None:
            self.journal.unchecked[here] = result.unchecked
        if result.session_id is not None and result.status in RESUMED and result.kind != LOST:
            machine = self.workspace.machine
            self.journal.keep_session(here, result.session_id, agent_spec.name, result.used, machine)
        if result.kind == MACHINE_LOST:
            return result
        if result.status is CommandStatus.STOPPED and not self.gate.ends_agents:
            return _taken_over()
        if result.status in CUT_SHORT or (result.status is CommandStatus.UNCHECKED and not result.kind):
            raise Stopped  # also at the last attempt: what was stopped has not failed
        if result.status is CommandStatus.REFUSED and result.kind == "agent":
            return replace(result, reason=f"{agent_spec.name} cannot run {spec.command}: {result.reason}")
        return result

    async def _turn(self, spec: CommandSpec, attempt: int, *, bound: bool) -> Turn | None:
        """Return the agent of an attempt when it may start; None where the operator has skipped the story meanwhile.

        `bound`: the session waits for an answer, which only its own agent can take.
        """
        here, reported = (spec.story_key, spec.command, attempt), ""
        while True:
            await self._enter(background=spec.background)
            if not spec.background:
                await hold_without_progress(self.workspace, self.gate)
            if spec.is_skipped:
                return None
            session, begun = self.journal.sessions.get(here), self._begun(here)
            if begun is not None:  # no agent is called: nothing waits for one
                return Turn(AgentOption(begun), None)
            own = None if session is None else session.agent
            turn = await self.agents.turn(spec.command, own, bound=bound)
            option = turn.option
            if option.until is None:
                return turn
            if option.why != reported:
                reported = option.why
                await self._tell_wait(spec, option)
            await self._waits.until(spec, option.reason, option.until)
            if self.gate.reason == option.reason and self.gate.until == option.until:  # others may end it as well
                self.gate.rechecks[option.reason] = partial(self.agents.opens_at, spec.command, own, bound=bound)

    def _begun(self, attempt_key: AttemptKey) -> str | None:
        """Return the agent of a call that is only to be checked, or that a worker runs already."""
        call = self.journal.unchecked.get(attempt_key) or self.journal.adoptable.get(attempt_key)
        return None if call is None else call.agent

    async def _tell_wait(self, spec: CommandSpec, option: AgentOption) -> None:
        if self.gate.reason is None:
            message = f"{spec.command} waits for {option.name}: {option.why}"
            await emit_durable(BatchWarning(batch_id=self.batch_id, warning_type=option.reason, message=message))

    async def unreviewed(self, story_key: str) -> TakeOverRow | None:
        """Return the take-over of a story in this tree that was handed back and that no agent has followed yet."""
        return await unreviewed(self.workspace, self.preset, self.journal, story_key)

    async def _handed_back(self, spec: CommandSpec) -> TakeOverRow | None:
        """Return a take-over of the command's story whose change no command has followed yet."""
        if len(spec.stories) != 1 or not spec.watched:
            return None
        row = await self.unreviewed(spec.story_key)
        if stands_for(self.preset, spec) and await was_done_by_hand(self.workspace, spec.story_key):
            return None
        if row is not None and row.tree_after is not None:
            spec.stories[0].work_tree = row.tree_after  # whatever the operator has removed was removed on purpose
        return row

    async def _tree_before(self, spec: CommandSpec) -> str | None:
        """The work tree as it is before a command that git watches, with the story's work in it."""
        return await hold_for_work(self.workspace, self.gate, spec.stories[0]) if spec.watched else None


def _taken_over() -> Result:
    return Result(CommandStatus.STOPPED, "The operator has taken the story over.", kind=TAKEN_OVER)


def _subject(command: Command) -> CommandSubject:
    return CommandSubject(story_key=command.story_key, command=command.command, command_id=command.id)
