"""The call of an agent for one attempt: its process, its records, and what ends it before its time.

Promises: no process of the call is left when it has returned or raised; its pid is in the row while it runs.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import cast

import agents
from agents import AgentSpec, Call, Outcome, OutcomeKind
from running.activity import Activity
from running.gate import Gate, StopMode
from running.live_questions import LiveQuestions
from running.machines import LeftRunningError, MachineLostError, RemoteProcess
from running.metrics import used
from running.refusals import RefusalWatch
from running.seen_windows import SeenWindows
from running.spec import CommandSpec
from running.subject import CommandSubject
from running.taken_messages import TakenMessages
from running.workspace import Workspace, until_stored
from store.commands import update_command

log = logging.getLogger("sprint_runner.run")


class AgentCall:
    """One call. `question` is what it asked the operator, `refusal` why a refused permission ended it; else empty.

    `questions` are those of a program that waits for the answer itself. `adopted`: a worker runs it already, for an
    earlier server.
    """

    def __init__(
        self,
        workspace: Workspace,
        gate: Gate,
        spec: CommandSpec,
        agent_spec: AgentSpec,
        subject: CommandSubject,
        command_id: int,
        activity: Activity,
        *,
        adopted: bool = False,
    ) -> None:
        self.question = ""
        self.refusal = ""
        self._workspace = workspace
        self._gate = gate
        self._spec = spec
        self._agent_spec = agent_spec
        self._command_id = command_id
        self._activity = activity
        self.questions = LiveQuestions(workspace, gate, subject, command_id, self._answer)
        self.story_key, self.story_keys, self.agent = spec.story_key, spec.story_keys, agent_spec.name
        self._is_ended = False  # by the operator, who takes its story over
        self._messages = TakenMessages(workspace, command_id)
        self._windows = SeenWindows(workspace, agents.account_of(agent_spec))
        self._refusals = RefusalWatch(agent_spec, spec.products)
        self._call: Call | None = None
        self._process: agents.AgentProcess | RemoteProcess | None = None
        self._machine = None if workspace.place is None else workspace.place.machine
        self._adopted = adopted
        self._on_exit: Callable[[], None] = lambda: None
        self._early: list[tuple[int, str]] = []  # messages that came while the process was being started

    async def run(self, call: Call, on_exit: Callable[[], None]) -> Outcome:
        """Call the agent; once more without an option that its help lists and that it refuses.

        `on_exit` is called when it has ended, and before it is known whether it has left anything running. A call on a
        worker raises `MachineLostError`, and at the server's end `LeftRunningError`.
        """
        self._call, self._on_exit = call, on_exit
        try:
            with self._workspace.live_calls.running(self._command_id, self):
                outcome = await self._run(call)
        except MachineLostError as lost:
            self._process = None
            if self._workspace.place is not None and self._machine is not None:
                await self._workspace.place.lost(self._machine, str(lost))
            raise
        except LeftRunningError:
            self._process = None
            raise
        await self._messages.close()
        await self._windows.close()
        return outcome

    async def _run(self, call: Call) -> Outcome:
        while True:
            outcome = await self._run_once(call)
            refused = None
            if outcome.kind is OutcomeKind.COULD_NOT_START and self._machine is not None:
                return outcome  # a worker asks its own program for its options
            if outcome.kind is OutcomeKind.COULD_NOT_START:
                refused = agents.OPTIONS.refused(self._agent_spec, call.options, outcome.reason)
            if refused is None or self._process is None:
                return outcome
            self.report(f"{self._agent_spec.name} lists {refused} in its help and refuses it: it is called without")
            await self._process.wait()  # the next one is recorded into the same file
            call = replace(call, options=call.options - {refused})

    def close(self) -> None:
        """Have the recording of a call that has ended compressed, by and by."""
        if self._process is not None:
            self._workspace.archiving.begin(self._process)

    def report(self, message: str) -> None:
        """A line of our own about this call, in the log and, of a story's command, in the page."""
        log.warning("%s, command %d: %s", self._spec.command, self._command_id, message)
        if self._spec.reported:
            self._activity.say(message)

    @property
    def quiet_since(self) -> float:
        """A moment of the monotonic clock since which nothing of the call runs."""
        quiet = None if self._process is None else self._process.quiet_since
        return time.monotonic() if quiet is None else quiet

    @property
    def takes_messages(self) -> bool:
        """Whether the operator can send the agent messages while it works."""
        return self._call is not None and agents.takes_messages(self._agent_spec, self._call)

    def say(self, message_id: int, text: str) -> bool:
        """Send a message of the operator to the agent; False where its work has ended."""
        if self._process is None:
            self._early.append((message_id, text))
            return True
        return self._process.say(message_id, text)

    def end(self) -> None:
        """End the agent's work as a stop does; its session may be continued."""
        self._is_ended = True
        if self._process is not None:
            self._process.stop()

    @property
    def _is_taken_over(self) -> bool:
        """Whether a story was taken over while its call was being started."""
        return not self._workspace.taken_trees.keys.isdisjoint(self.story_keys)

    def _answer(self, text: str) -> None:
        if self._process is not None:
            self._process.answer(text)

    async def _run_once(self, call: Call) -> Outcome:
        gate = self._gate
        self._process = process = await self._start(call)
        if self._adopted:
            await self.questions.resume()
        for message in self._early:
            process.say(*message)
        self._early.clear()
        self._activity.metrics = lambda: used(process.usage, process.cost_usd, process.estimated_usd)
        with gate.on_stop(self._end_or_leave):
            if gate.ends_agents or self._is_ended or self._is_taken_over or self.question or self.refusal:
                self._end_or_leave()
            try:
                columns = {"pid": process.pid, "pid_start": process.start_time}
                write = partial(self._workspace.database.write, update_command, self._command_id, **columns)
                await until_stored(write)
                return await process.outcome()
            except BaseException:  # also a cancellation: the agent's process must not outlive the attempt
                self._end_or_leave()
                with suppress(MachineLostError, LeftRunningError):
                    await process.wait()
                raise

    async def _start(self, call: Call) -> agents.AgentProcess | RemoteProcess:
        """Start the agent here or on the lane's worker. Raises `MachineLostError`."""
        place, machine = self._workspace.place, self._machine
        if machine is None and (self._adopted or not (place is None or place.is_ready)):
            raise MachineLostError("The worker that had the lane has given it up.")
        if machine is None:
            return await agents.start(self._agent_spec, call, self._take, on_exit=self._on_exit)
        start = machine.adopt if self._adopted else machine.start
        process = await start(self._agent_spec, call, self._take, self._on_exit)
        if process is None:
            raise MachineLostError(f"{machine.name} was never given the command.")
        return process

    def _end_or_leave(self) -> None:
        """End the agent; one on a worker is left running where only this server ends."""
        process = self._process
        if process is None:
            return
        if self._machine is not None and self._gate.stop_mode is StopMode.INTERRUPT:
            cast(RemoteProcess, process).leave()
        else:
            process.stop()

    def _take(self, record: agents.Record) -> None:
        """Handle a record. A question for the operator ends the call; its session continues with the answer later."""
        if self._spec.reported:
            self._activity.take(record)
        if isinstance(record, agents.MessageTaken):
            self._messages.take(record.id)
        if isinstance(record, agents.LimitSeen):
            self._windows.take(record)
        if self.question or self.refusal:
            return
        if isinstance(record, agents.Question) and self._spec.may_ask and record.live:
            self.questions.ask(self._workspace.masker.text(record.text))
        elif isinstance(record, agents.Question) and self._spec.may_ask:
            self.question = self._workspace.masker.text(record.text)
        elif (refusal := self._refusals.take(record)) is not None:
            self.refusal = refusal
        if (self.question or self.refusal) and self._process is not None:
            self._process.stop()
