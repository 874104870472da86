"""Running a batch: start, pause, resume, stop, recover.

Owns the one batch that may be in progress and its background work. Promises: of any number of simultaneous starts
exactly one succeeds; after every end of a batch the state is idle, whatever failed; after a crash or a stop the run
continues at the same command. The steps of a batch are in `running/`, its decisions in `workflow/`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

import agents
from events import EventType, emit_event
from payloads import Attention, BatchResume
from running.agent_choice import RESERVE
from running.assembly import assemble
from running.background import Background
from running.batch import Batch
from running.batch_record import StartRequest, close_interrupted, only_stories, open_batch
from running.budget import Budget
from running.checkpoints import close_by_operator
from running.clean_tree import NotCommitted
from running.delivery.record import call_for_problems
from running.forecaster import Forecaster
from running.gate import Gate, StopMode
from running.lanes.merge import MERGE
from running.made_tracker import restore_permission
from running.plan_choice import PlanChoice, check_plan
from running.preflight import (
    BadRequest,
    NotNow,
    check_trust,
    unpriced_agents,
)
from running.preset_choice import preset_of
from running.recovery.startup import recover
from running.retention import SNAPSHOTS_BYTES, forget_snapshots
from running.revert import Reverted, revert_story
from running.sprint_planning import check_planning, planning_agent
from running.start_checks import check_caps, check_reserve, check_resume, check_start, refuse_taken_over
from running.steering import Steering
from running.store_copy import warn_of_store
from running.takeover import TakeOvers
from running.tracker import PAUSED as TRACKER_PAUSE
from running.waits import SCHEDULED
from running.workspace import Workspace, emit_durable, record_batch, until_stored
from runstate.fold import RunState
from settings import AgentNames
from store.batches import BatchRow, get_active_batch, update_batch
from workflow import Preset
from workflow.presets import SPRINT_PLANNING

END_S: Final = 2.5  # seconds that agents get to end when the server ends, before they are killed by their marks


class Orchestrator:
    """The run of one project. `run_state` is the fold of committed events that clients receive.

    `plan` is the choice of the plan that batches work on, `steering` takes the operator's decisions on a run,
    `forecaster` says what it will take.
    """

    def __init__(self, workspace: Workspace, run_state: RunState) -> None:
        self._workspace = workspace
        self._run_state = run_state
        self._background = Background(workspace)
        self._batch: Batch | None = None
        self._gate: Gate | None = None
        self._task: asyncio.Task[None] | None = None
        self._starting = False
        self._wanted: StartRequest | None = None  # the request that is being started
        self.steering = Steering(workspace, run_state, lambda: self._batch)
        self.forecaster = Forecaster(workspace, run_state, self.steering.selection)
        self.takeovers = TakeOvers(workspace, run_state, self.steering, lambda: self._batch)
        self._closing = False
        self.plan = PlanChoice(workspace)

    @property
    def state(self) -> str:
        """The state of the run, as `GET /api/run` reports it."""
        return "starting" if self._starting and self._run_state.run.state == "idle" else self._run_state.run.state

    # -- verbs -------------------------------------------------------------------------------------------------

    async def start(self, request: StartRequest) -> int:
        """Check everything, start a batch and return its id. Raises `BadRequest` and `NotNow`, with the remedy."""
        with self._exclusive(request):
            begun = await check_start(self._workspace, request, self.steering.selection, unfinished=self._unfinished())
            # After all checks: a start that is refused must leave the interrupted batch, which can still be resumed.
            await close_interrupted(self._workspace)
            await forget_snapshots(self._workspace, self._workspace.clock(), SNAPSHOTS_BYTES)
            forecast = await self.forecaster.kept(request, begun.agents[0], begun.preset)
            row = await open_batch(self._workspace, request, begun.agents, begun.preset, begun.head, forecast)
            await warn_of_store(self._workspace, row.id)
            for kind, message in begun.warnings:
                await _warn(row.id, kind, message)
            await call_for_problems(self._workspace)
            self._launch(row, [] if request.stories is None else list(request.stories), begun.preset)
            return row.id

    async def plan_sprint(self, agent: AgentNames | None, budget_usd: float | None) -> int:
        """Start the batch that runs the project's own sprint planning; its id. Raises `BadRequest`, `NotNow`."""
        workspace, purpose = self._workspace, "sprint planning"
        request = StartRequest(1, agent=planning_agent(workspace, agent), budget_usd=budget_usd, purpose=purpose)
        with self._exclusive(request):
            await check_trust(workspace)
            refuse_taken_over(workspace, "start")
            name = request.agents(workspace.settings())[0]
            preset, head = await check_planning(workspace, name)
            unpriced = unpriced_agents(workspace, [name], budget_usd)
            await check_caps(Budget(workspace, None, None))
            await close_interrupted(workspace)
            row = await open_batch(workspace, request, [name], preset, head)
            for message in unpriced:
                await _warn(row.id, "price", message)
            self._launch(row, [], preset)
            return row.id

    @contextmanager
    def between_batches(self, what: str) -> Iterator[None]:
        """Exclude the start of a batch meanwhile; `what` is kept by one that runs. Raises `NotNow`."""
        if self._batch is not None:
            raise NotNow("running", f"batch {self._batch.id} is running, and a run keeps the {what} that it began with")
        with self._exclusive():
            yield

    def pause(self) -> None:
        """Pause the batch after the current command. Raises `NotNow`."""
        gate = self._running().gate
        if gate.stop_mode is not None:
            raise NotNow("stopping", "the batch is stopping")
        if gate.paused and gate.until is None:  # a wait for a clock time may still become a pause
            raise NotNow("paused", "the batch is paused already")
        gate.pause("operator")

    async def resume(self, *, unattended: bool = False) -> int:
        """Continue the paused or the interrupted batch and return its id. Raises `NotNow`, also while a cap is reached.

        `unattended`: the refusal would not be read, so the batch is opened and waits at the cap.
        """
        await check_trust(self._workspace)
        if self._batch is not None:
            return await self._reopen(self._batch)
        with self._exclusive():
            row = await self._workspace.database.read(get_active_batch)
            if row is None:
                raise NotNow("idle", "there is nothing to resume: start a batch")
            preset = await check_resume(self._workspace, row, unattended=unattended)
            await self.steering.selection.load(self._workspace.database)
            if not unattended and row.start_at is not None:
                await self._forget_start_time(row.id)
                row = msgspec.structs.replace(row, start_at=None)
            if not unattended:
                await self._workspace.quota.end_waits(self._workspace.database)
            payload = BatchResume(batch_id=row.id, reason="operator")
            await record_batch(self._workspace, row.id, payload, status="running", reason=None)
            self._launch(row, only_stories(row), preset)
            return row.id

    async def _reopen(self, batch: Batch) -> int:
        if not batch.gate.paused:
            raise NotNow("running", "the batch is not paused")
        refuse_taken_over(self._workspace, "resume")
        if batch.gate.caps is not None:
            await check_caps(batch.gate.caps)
        check_reserve(batch.gate)
        await self._workspace.quota.end_waits(self._workspace.database)
        if batch.gate.reason == SCHEDULED:
            await self._forget_start_time(batch.id)
        batch.gate.resume()
        return batch.id

    async def _forget_start_time(self, batch_id: int) -> None:
        """The operator's Resume starts a scheduled batch now, also after a crash."""
        await until_stored(lambda: self._workspace.database.write(update_batch, batch_id, start_at=None))

    async def close_epic(self, epic_id: str) -> None:
        """Close an epic between batches; one that runs asks at its gate. Raises `NotNow` and `sprint.Refused`."""
        await check_trust(self._workspace)
        if self._batch is not None or self._starting:
            raise NotNow("running", "a batch is running: it asks when everything that is left waits for the epic")
        refuse_taken_over(self._workspace, "close the epic")
        try:
            await close_by_operator(self._workspace, epic_id)
        except NotCommitted as error:
            raise NotNow("commit", f"the epic is closed, but its file was not committed: {error}") from None

    async def revert(self, story_key: str) -> Reverted:
        """Revert the newest commit of a story, between batches. Raises `NotNow`."""
        await check_trust(self._workspace)
        refuse_taken_over(self._workspace, "revert")
        with self._exclusive():
            return await revert_story(self._workspace, story_key)

    def stop(self, mode: StopMode) -> None:
        """End the batch after the current command, or end the current command now. Raises `NotNow`."""
        self._running().gate.stop(mode)

    # -- start and end of the server ---------------------------------------------------------------------------

    async def recover(self) -> None:
        """Close the open records of an earlier server, and continue its batch if the settings permit it.

        To be called once, before the server accepts requests.
        """
        await self.plan.restore()
        await restore_permission(self._workspace)
        row = await recover(self._workspace)
        await self.takeovers.load()
        if row is None:
            return
        if await asyncio.to_thread(self._workspace.trust_refusal) is not None:
            return  # the records came with the folder: Resume asks for trust before anything continues
        try:
            await check_plan(self._workspace, row.id)
        except NotNow as refused:
            await emit_durable(Attention(kind="resume", message=f"The open batch cannot continue: {refused}"))
            return
        await self.steering.selection.load(self._workspace.database)
        if row.status == "paused":
            run = self._run_state.run
            until = None if run.until is None else run.until / 1000
            self._launch(row, only_stories(row), await preset_of(self._workspace, row))
            gate = self._running().gate
            gate.pause(run.reason or "operator", until, announced=True)
            if run.reason in (TRACKER_PAUSE, MERGE, RESERVE):  # checked again before anything runs
                gate.resume(run.reason)
            self._running().breaker.reported = run.reason == "breaker"
        elif self._workspace.settings().auto_resume:
            await self._resume_by_itself()

    async def _resume_by_itself(self) -> None:
        """Resume the interrupted batch; where that is impossible, start the server anyway and report the reason."""
        try:
            await self.resume(unattended=True)
        except (BadRequest, NotNow) as refused:
            message = f"The interrupted batch could not be resumed automatically: {refused}"
            await emit_durable(Attention(kind="resume", message=message))

    async def shutdown(self) -> None:
        """End the agents within five seconds; the batch stays open as interrupted or paused."""
        self._closing = True
        await self.takeovers.close()
        if self._gate is not None:  # also of a batch that has ended: its background work may still run
            self._gate.stop(StopMode.INTERRUPT)
        background = asyncio.ensure_future(self._background.wait())
        waiting = {background} | ({self._task} if self._task is not None else set())
        _, late = await asyncio.wait(waiting, timeout=END_S)
        if late:
            await agents.sweep(f"{self._workspace.database.epoch}:", grace_s=0.2)
            await self._background.cancel()
            await asyncio.wait(late, timeout=END_S)
        await self._workspace.archiving.settled()

    async def finished(self) -> None:
        """Wait until no batch is in progress."""
        if self._task is not None:
            await asyncio.shield(self._task)

    # -- inside ------------------------------------------------------------------------------------------------

    @contextmanager
    def _exclusive(self, request: StartRequest | None = None) -> Iterator[None]:
        """Mark the run as starting, before the first `await`: of simultaneous starts one succeeds. Raises `NotNow`."""
        if self._closing:
            raise NotNow("running", "the server is ending")
        if self._starting:
            what = "the interrupted batch is being resumed"
            raise NotNow("running", f"a batch is being started: {self._wanted.label}" if self._wanted else what)
        if self._batch is not None:
            view = self._run_state.run.batch
            what = f": batch {self._batch.id}, {view.label}" if view is not None and view.label else ""
            raise NotNow("running", f"a batch is running already{what}")
        self._starting, self._wanted = True, request
        try:
            yield
        finally:
            self._starting = False

    def _running(self) -> Batch:
        if self._batch is None or self._batch.gate.closed:  # closed: its end is being committed
            raise NotNow("idle", "no batch is running")
        return self._batch

    def _unfinished(self) -> bool:
        """Whether the last batch ended inside a cycle, so that perhaps only the cycle's commit is missing."""
        batch = self._run_state.run.batch
        ended = batch is not None and batch.status in ("stopped", "interrupted", "error")
        return ended and batch is not None and batch.workflow != SPRINT_PLANNING.name

    def _launch(self, row: BatchRow, only: list[str], preset: Preset) -> None:
        self.steering.only = only or None
        batch = assemble(self._workspace, row, only, preset, self._background, self.steering.selection)
        self._batch, self._gate = batch, batch.gate
        self._task = asyncio.get_running_loop().create_task(self._run(batch), name=f"batch {row.id}")

    async def _run(self, batch: Batch) -> None:
        async with agents.SPARE.kept():  # its end takes a moment, in which the next batch may start
            await self._run_to_end(batch)

    async def _run_to_end(self, batch: Batch) -> None:
        try:
            await batch.run()
            if not self._closing:
                await self.plan.adopt()
        finally:
            self._batch = None
            self.steering.selection.end_batch()


__all__ = ["BadRequest", "NotNow", "Orchestrator", "StartRequest", "StopMode"]


async def _warn(batch_id: int, kind: str, message: str) -> None:
    warning = {"batch_id": batch_id, "warning_type": kind, "message": message}
    await until_stored(lambda: emit_event(EventType.BATCH_WARNING, warning))
