"""The operator's decisions on a run that goes on: answers, gates, skipped stories, what runs next and when it stops.

Promises: each is stored, with its event, before it takes effect; one that was made already, or that has nothing to act
on, is refused with a sentence and changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec

from running.batch import Batch
from running.gates import CHOICES, PAUSED, PUTS_ASIDE, GateDecision, GateKind, keep_decision
from running.ordering import RunOrder, check_queue, keep_queue, run_order
from running.preflight import BadRequest, NotNow
from running.preset_choice import choose_preset
from running.questions import DECIDE, keep_answer
from running.selection import Selection
from running.skips import end_skip, keep_skip
from running.workspace import Workspace
from runstate.fold import RunState
from store.batches import get_active_batch
from store.commands import get_command
from store.gates import GateRow, get_gate, get_open_gates
from store.job import DatabaseUnavailable
from store.questions import get_question
from store.run_queue import RunQueue


class Steering:
    """The decisions for one project. `batch` returns the batch in progress, None between batches.

    `only` are the stories that it was started with, None for any.
    """

    def __init__(self, workspace: Workspace, run_state: RunState, batch: Callable[[], Batch | None]) -> None:
        self._workspace = workspace
        self._run_state = run_state
        self._running = batch
        self._queueing = asyncio.Lock()  # a change of the queue is made of the one before it
        self.selection = Selection()
        self.only: Sequence[str] | None = None

    @property
    def _batch(self) -> Batch | None:
        return self._running()

    async def answer(self, command_id: int, text: str, link: str | None = None) -> None:
        """Store the answer to a command's question; its session continues when the batch runs. Raises `NotNow`.

        `link` identifies the link in a message that is used up by it.
        """
        database = self._workspace.database
        command = await database.read(get_command, command_id)
        if command is None or await database.read(get_question, command_id) is None:
            raise NotNow("no_question", f"command {command_id} has asked nothing")
        if not await keep_answer(self._workspace, command, text, link=link):
            raise NotNow("answered", "the question was answered already")
        if self._batch is not None:
            self._batch.gate.answer(command_id)

    async def gates(self) -> list[GateRow]:
        """Return the gates of the open batch that wait for a decision, oldest first."""
        row = await self._workspace.database.read(get_active_batch)
        return [] if row is None else await self._workspace.database.read(get_open_gates, row.id)

    async def decide(self, gate_id: int, decision: GateDecision, comments: str | None, link: str | None = None) -> None:
        """Store the decision at a gate, with which the batch continues now or when resumed. Raises `BadRequest`,
        `NotNow`. `link`: see `answer`."""
        row = await self._workspace.database.read(get_gate, gate_id)
        if row is None:
            raise NotNow("no_gate", f"there is no gate {gate_id}")
        choices = CHOICES[GateKind(row.kind)]
        if decision not in choices:
            raise BadRequest("decision", f"at this gate it is one of {', '.join(choices)}")
        if row.decision is not None:
            raise NotNow("decided", "the gate was decided already")
        batch = await self._workspace.database.read(get_active_batch)
        if batch is None:
            raise NotNow("no_gate", "the batch of this gate has ended")
        if not await keep_decision(self._workspace, batch.id, row, decision, comments, link):
            raise NotNow("decided", "the gate was decided already")
        if decision is GateDecision.SKIP and row.kind in PUTS_ASIDE:
            self.selection.skip(row.subject)
        waiting = await self.gates()
        if self._batch is not None and self._batch.gate.reason == PAUSED and not waiting:  # it may have ended meanwhile
            self._batch.gate.resume("decided")

    async def skip(self, story_key: str, reason: str) -> bool:
        """Put a story aside; whether it is in a cycle, which leaves it when its command has ended."""
        await self.selection.load(self._workspace.database)
        running = self.selection.is_running(story_key)
        for row in await self.gates():
            if row.subject == story_key and row.kind in PUTS_ASIDE:
                await self.decide(row.id, GateDecision.SKIP, reason)
                return running
        skipped_before = story_key in self.selection.skipped
        self.selection.skip(story_key)  # before its event is in the writer's queue, so that no command starts behind it
        try:
            await keep_skip(self._workspace, story_key, reason)
        except DatabaseUnavailable:
            if not skipped_before:
                self.selection.bring_back(story_key)
            raise
        for asked in self._run_state.run.attention:
            if asked.kind == "question" and asked.story_key == story_key and asked.command_id is not None:
                with suppress(NotNow):  # answered meanwhile
                    await self.answer(asked.command_id, DECIDE)
        return running

    async def bring_back(self, story_key: str) -> None:
        """Let a skipped story run again. Raises `NotNow`."""
        await self.selection.load(self._workspace.database)
        if story_key not in self.selection.skipped or not await end_skip(self._workspace, story_key):
            raise NotNow("not_skipped", f"{story_key} is not skipped")
        self.selection.bring_back(story_key)

    async def set_queue(self, change: Callable[[RunQueue], RunQueue]) -> tuple[RunQueue, list[str]]:
        """Set what runs next and when the batch stops; return it, and what its stories wait for.

        Raises `BadRequest`, `NotNow`.
        """
        await self.selection.load(self._workspace.database)
        async with self._queueing:
            before, batch = self.selection.queue, self._batch
            queue = change(before)
            if before.only and not queue.stories:  # the last one was taken out, or has begun
                queue = msgspec.structs.replace(queue, only=False)
            if queue.after is not None and self._batch is None:
                raise NotNow("idle", "no batch is running that could be stopped later")
            changed = (queue.stories, queue.only) != (before.stories, before.only)
            notes = await check_queue(self._workspace, queue, self.selection) if changed else []
            await keep_queue(self._workspace, queue)
            if batch is not None and self._batch is None:  # it ended while this was written
                queue = queue.between_batches
                await keep_queue(self._workspace, queue)
            self.selection.queue = queue
        if self._batch is not None:
            self._batch.gate.end_after(queue.after, None if queue.at is None else queue.at / 1000)
        return queue, notes

    async def order(self, only: Sequence[str] | None, cycles: int | None) -> RunOrder:
        """Return what a run would take now; while a batch runs, what this one takes next. Raises `NotNow`."""
        await self.selection.load(self._workspace.database)
        preset = await choose_preset(self._workspace, self._workspace.settings().first_agent, fresh=False)
        chosen = self.only if only is None and self._batch is not None else only
        return await run_order(self._workspace, chosen, cycles, preset.stories, self.selection)
