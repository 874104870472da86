"""One attempt at a command, which is one call of an agent: the row, the process, the verdict, the result.

Promises: the row is committed, together with `command:start`, before the agent starts; what it has used is booked when
its result has arrived, before anything is checked; the row is committed again, together with `command:end`, at the end.
Whatever cannot be read or proved is a failure. A call whose check was cut off is checked again, and not paid again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import agents
from agents import Call, Outcome
from git.trees import Diff
from payloads import Metrics
from running.activity import Activity
from running.agent_call import AgentCall
from running.attempt_record import AttemptRecord
from running.command_change import CommandChange
from running.gate import Gate, Stopped
from running.hints import with_hints
from running.journal import LOST, MACHINE_LOST, CommandStatus, Result, Unchecked
from running.judgement import Judgement
from running.machines import LeftRunningError, MachineLostError
from running.metrics import metrics_of
from running.preparation import call_of, hints_for, prompt_for
from running.recorded_call import recorded_outcome, unchecked_call
from running.spec import AttemptContext, CommandSpec
from running.workspace import Workspace
from store.commands import Command
from store.hints import HintRow


class Attempt:
    """One call of an agent for a command."""

    def __init__(self, workspace: Workspace, gate: Gate, spec: CommandSpec, context: AttemptContext) -> None:
        self._workspace = workspace
        self._gate = gate
        self._spec = spec
        self._context = context
        self._record = AttemptRecord(workspace, spec, context)
        self._hints: Sequence[HintRow] = ()  # those that the prompt holds
        self._called: AgentCall | None = None  # None where only a recording is judged

    async def run(self) -> Result:
        """Run the attempt, from the committed row to the committed result."""
        return await self._run(await self._open(await self._prompt()))

    async def adopt(self, row: Command) -> Result:
        """Continue with a call that an earlier server has left running on a worker, in the row that it has."""
        stream, mark = self._record.adopt(row)
        call = call_of(self._workspace, self._spec, self._context, "", mark=mark, stream=stream, options=frozenset())
        return await self._run(call, adopted=True)

    async def _run(self, call: Call, *, adopted: bool = False) -> Result:
        activity = self._record.activity()
        try:
            try:
                outcome, verdict, result, change = await self._supervise(call, activity, adopted=adopted)
            finally:
                if self._called is not None:
                    self._called.close()
        except LeftRunningError:  # its row stays open, and the next server adopts it
            if self._called is not None:
                await self._called.questions.leave()
            raise Stopped from None
        except MachineLostError as lost:
            await asyncio.shield(self._record.interrupt(activity, str(lost)))
            if self._called is not None:
                await self._called.questions.close(CommandStatus.ERROR)
            return Result(CommandStatus.INTERRUPTED, str(lost), kind=MACHINE_LOST, command_id=self._record.command_id)
        except BaseException as error:
            await asyncio.shield(self._record.abandon(activity, error))
            raise
        if self._called is not None:
            await self._called.questions.close(result.status)
        return await self._finish(activity, outcome, verdict, result, metrics_of(outcome, change))

    async def check(self, unchecked: Unchecked) -> Result:
        """Judge a call that has ended by its recording: a row of its own that costs nothing, and no agent."""
        outcome = await recorded_outcome(self._workspace, unchecked)
        if outcome is None:
            return await self.run()
        await self._record.create_for_check()
        activity = self._record.activity()
        try:
            verdict, result = await self._judge(outcome, activity)
        except BaseException as error:
            await asyncio.shield(self._record.abandon(activity, error))
            raise
        if result.status is CommandStatus.UNCHECKED:
            result = replace(result, unchecked=unchecked)
        return await self._finish(activity, outcome, verdict, result, Metrics())

    async def _prompt(self) -> str:
        """Return the prompt with its hints; the database and the files are read at once, by different threads."""
        pending = hints_for(self._workspace, self._spec, self._context)
        self._hints, prompt = await asyncio.gather(pending, prompt_for(self._workspace, self._spec, self._context))
        return with_hints(prompt, self._hints)

    async def _open(self, prompt: str) -> Call:
        """Commit the row, whose id names the processes' mark and the stream's file."""
        workspace = self._workspace
        stream, mark = await self._record.create_for_call(self._hints)
        options = await agents.OPTIONS.of(self._context.agent)
        return call_of(workspace, self._spec, self._context, prompt, mark=mark, stream=stream, options=options)

    async def _supervise(
        self, call: Call, activity: Activity, *, adopted: bool
    ) -> tuple[Outcome, object, Result, Diff | None]:
        work = CommandChange(self._workspace, self._spec, self._context, self._record.command_id)
        try:
            return await self._call(call, activity, work, adopted=adopted)
        finally:
            await work.close()

    async def _call(
        self, call: Call, activity: Activity, work: CommandChange, *, adopted: bool
    ) -> tuple[Outcome, object, Result, Diff | None]:
        agent = AgentCall(
            *(self._workspace, self._gate, self._spec, self._context.agent, self._record.subject),
            *(self._record.command_id, activity),
            adopted=adopted,
        )
        self._called = agent
        await work.begin()
        outcome = await agent.run(call, work.look_ahead)
        work.end(agent.quiet_since)
        activity.flush()
        for doubt in outcome.doubts:  # about numbers that cannot be true
            agent.report(doubt[:1].upper() + doubt[1:])
        # In the writer's queue before the check begins.
        booking = asyncio.ensure_future(self._record.book(outcome, activity))
        try:
            verdict, result = await self._judge(outcome, activity)
            if result.status is CommandStatus.UNCHECKED:
                unchecked = unchecked_call(self._workspace, self._context, call, outcome, activity)
                result = replace(result, unchecked=unchecked)
            change, result = await work.measure(result)
            self._record.tree_after = work.tree
        finally:
            await booking
        return outcome, verdict, result, change

    async def _judge(self, outcome: Outcome, activity: Activity) -> tuple[object, Result]:
        refusal = "" if self._called is None else self._called.refusal
        return await Judgement(self._gate, self._spec, self._context, self._question, refusal).of(outcome, activity)

    async def _finish(
        self, activity: Activity, outcome: Outcome, verdict: object, result: Result, metrics: Metrics
    ) -> Result:
        result, session_id = self._masked(result), outcome.session_id or activity.session_id
        word = LOST if result.kind == LOST else getattr(verdict, "word", None)
        asked_already = self._called is not None and self._called.questions.open
        question = self._question if result.status is CommandStatus.QUESTION and not asked_already else None
        await self._record.close(activity, outcome, result, word, metrics, question)
        return replace(result, metrics=metrics, session_id=session_id, command_id=self._record.command_id)

    @property
    def _question(self) -> str:
        return "" if self._called is None else self._called.question or self._called.questions.open

    def _masked(self, result: Result) -> Result:
        """Mask secrets in the agent's text: everything stored or emitted about a command comes from here."""
        masker = self._workspace.masker
        verdict = None if result.verdict is None else masker.json(result.verdict)
        return replace(result, reason=masker.text(result.reason), verdict=verdict)
