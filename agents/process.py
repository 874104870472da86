"""One running agent: started, read, limited in time, ended, judged.

`start` never raises for an agent that cannot run: `wait` then answers could-not-start. After `wait` has answered, no
process of this call is alive: the agent was reaped, every process that carries its mark ended, its group killed.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from agents import launch
from agents.adapter import Adapter, Cause, Ending, Judgement, moment_of
from agents.deadlines import GRACES, Deadlines, Graces
from agents.dialogue import Channel
from agents.ender import Ender
from agents.environment import environment
from agents.followed_file import FollowedStdout
from agents.guarding import GUARDING
from agents.identity import start_time
from agents.invocation import PromptWay, invocation
from agents.marks import running_pids, sweep_after
from agents.piped_stdout import PipedStdout
from agents.pipes import Pipes
from agents.prices import PriceList
from agents.record_reader import RecordReader
from agents.records import Final, MessageTaken, Note, Record, Retry, Started, Text, ToolCall
from agents.registry import adapter_for
from agents.spare import Start
from agents.spawn import not_found, spawn
from agents.spec import AgentSpec, Call, Outcome, OutcomeKind, Usage
from agents.stdin import Stdin
from agents.stream_file import StreamFile
from agents.text import sentence
from agents.usage import Tally

ENDING_POLL_S = 60.0  # while an agent is being ended, which wakes us by itself
EOF_ROUNDS = 10  # times `eof_s` that a pipe may continue delivering after the agent's exit


def _nothing() -> None:
    pass


async def start(
    spec: AgentSpec,
    call: Call,
    on_record: Callable[[Record], None],
    graces: Graces = GRACES,
    on_exit: Callable[[], None] = _nothing,
) -> AgentProcess:
    """Starts an agent; `on_record` is called on the event loop for each record, in order. Raises UnknownKind.

    `on_exit` is called when the agent has ended and seems to be alone, before the look at what it has left running.
    """
    process = AgentProcess(adapter_for(spec.kind), spec, call, on_record, graces, on_exit)
    await process.begin()
    return process


def takes_messages(spec: AgentSpec, call: Call) -> bool:
    """Whether the operator can send the agent of a call messages while it works."""
    return adapter_for(spec.kind).takes_messages(call)


class AgentProcess:
    """A call in progress. `pid` and `start_time` identify the process, also to a later server."""

    def __init__(
        self,
        adapter: Adapter,
        spec: AgentSpec,
        call: Call,
        on_record: Callable[[Record], None],
        graces: Graces,
        on_exit: Callable[[], None],
    ) -> None:
        self.pid: int | None = None
        self.start_time: str | None = None
        self.quiet_since: float | None = None  # by the monotonic clock: nothing of the call has run since then
        self._on_exit = on_exit
        self._before: frozenset[int] = frozenset()  # processes that ran when it was started
        self._adapter, self._spec, self._call, self._graces = adapter, spec, call, graces
        self._tally = Tally(call.model or spec.model, call.resume is not None, call.booked, PriceList(spec.prices))
        self._env = environment(adapter.environment, spec.env, call.mark)
        self._dialogue = adapter.dialogue(spec, call, self._env)
        self._recording = StreamFile(call.stream_path, adapter.stdout_to_file)
        self._changed = asyncio.Event()
        self._pipes = Pipes(self._changed.set, self._on_stderr)
        self._stdin = Stdin()
        self._stdout: FollowedStdout | PipedStdout = (
            FollowedStdout(call.stream_path, self._pipes)
            if adapter.stdout_to_file
            else PipedStdout(self._recording, self._pipes)
        )
        self._transport: asyncio.SubprocessTransport | None = None
        self._began = time.time()
        linger_s = min(graces.linger_s, adapter.linger_s)
        self._limits = Deadlines(time.monotonic(), call.timeout_s, call.silence_s, linger_s)
        self._ending: Ending | None = None  # set when we begin to end it
        self._ender: asyncio.Task[None] | None = None
        fail = partial(self._end, Cause.FAULT)
        parser = adapter.parser_for(spec, str(call.cwd))
        self._reader = RecordReader(parser, self._tally, self._limits, on_record, self._react, fail)
        self._task: asyncio.Task[Outcome] | None = None
        self._untaken: set[int] = set()  # ids of messages that were sent
        self._judged: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    @property
    def usage(self) -> Usage:
        """Tokens so far, an estimate until the agent's final record."""
        return self._tally.usage

    @property
    def cost_usd(self) -> float | None:
        """Dollars so far, None where neither the agent nor the price table can say."""
        return self._tally.cost_usd

    @property
    def estimated_usd(self) -> float:
        """The part of `cost_usd` that is an estimate from the price table."""
        return self._tally.estimated_usd

    async def wait(self) -> Outcome:
        """The outcome; may be awaited by several. Raises what `on_record` raised, once the agent has been ended."""
        assert self._task is not None  # noqa: S101 - `start` is the only way to get an AgentProcess
        return await asyncio.shield(self._task)

    async def outcome(self) -> Outcome:
        """The outcome of `wait`, as soon as it is known: no process is left, and the recording is whole, but not yet
        compressed."""
        assert self._task is not None  # noqa: S101 - as above
        await asyncio.wait((self._task, self._judged), return_when=asyncio.FIRST_COMPLETED)
        return self._judged.result() if self._judged.done() else await self.wait()

    def stop(self) -> None:
        """Begin to end the agent; returns at once, idempotent. No effect on one that has ended by itself."""
        self._end(Cause.STOP)

    def say(self, message_id: int, text: str) -> bool:
        """Send a message of the operator; False where the program takes none, or has ended its work.

        `MessageTaken` is the record of its place. A message that is not taken until the end has not reached the agent.
        """
        if self._ending is not None:
            return False
        if self._dialogue is not None:
            is_sent = self._dialogue.say(message_id, text)
        else:
            is_sent = self._adapter.takes_messages(self._call) and self._stdin.send(
                self._adapter.message(message_id, text)
            )
        if is_sent:
            self._untaken.add(message_id)
        return is_sent

    def answer(self, text: str) -> bool:
        """The operator's answer to the question that the program waits for; False where it waits for none."""
        return self._dialogue is not None and self._dialogue.answer(text)

    async def begin(self) -> None:
        """Start the process and its supervision; called once, by `start`."""
        try:
            problem = await self._launch()
        except BaseException:  # cancelled, or an adapter's fault: nothing may stay behind
            await self._stdout.finish()
            await self._recording.close()
            raise
        work = self._supervise() if problem is None else self._not_started(problem)
        self._task = asyncio.create_task(work, name=f"agent {self._call.mark}")

    async def _launch(self) -> str | None:
        """Starts the process; the answer is the reason why it could not."""
        spec, call = self._spec, self._call
        if not spec.command:
            return f"The agent {spec.name} has no command: set it in the settings."
        invoked = invocation(self._adapter, spec, call, self._env)
        if invoked.program is None:
            return not_found(spec)
        # With a guardian the agent must outlive us for a moment: what it has started is found through it.
        death_signal = None if GUARDING.pid else self._adapter.death_signal
        start = Start(invoked.program, invoked.argv, self._env, call.cwd, death_signal)
        try:
            await self._recording.start()
            talks, prompt = invoked.way is PromptWay.MESSAGES, invoked.stdin
            stdout = await self._stdout.open()
            self._before = running_pids()
            self._transport = await spawn(self._pipes, start, None if talks else prompt, stdout)
        except (OSError, ValueError) as error:  # ValueError: a zero byte in an argument or in the environment
            return f"The agent {spec.name} could not be started in {call.cwd}: {error}."
        self.pid = self._transport.get_pid()
        if talks and prompt is not None:
            self._stdin.open(self._transport, prompt)
        self.start_time = await asyncio.to_thread(start_time, self.pid)
        self._limits.restart(time.monotonic())
        if self._dialogue is not None:
            self._dialogue.begin(Channel(self._transport, self._keep, self._hold, partial(self._end, Cause.SILENCE)))
        return None

    async def _not_started(self, problem: str) -> Outcome:
        await self._stdout.finish()
        await self._recording.close()
        return self._outcome(Judgement(OutcomeKind.COULD_NOT_START, problem), None)

    # -- reading

    def _keep(self, line: bytes) -> None:
        """Record and parse a line of ours in a dialogue."""
        self._stdout.insert(line + b"\n")
        self._reader.parse_own(line)

    def _hold(self, held: bool) -> None:
        """Stop the limits while a person is asked."""
        (self._limits.hold if held else self._limits.release)(time.monotonic())
        self._changed.set()

    def _on_stderr(self, data: bytes) -> None:
        if not self._adapter.silent_stderr:
            self._limits.progress(time.monotonic())
        if self._adapter.complains:
            self._reader.read_stderr(data)

    def _react(self, record: Record) -> None:
        if isinstance(record, Final):
            if not (record.more_expected or self._untaken):  # a message that is left begins another turn
                self._limits.finish(time.monotonic())
                self._stdin.close()
            self._changed.set()
        elif isinstance(record, MessageTaken):
            self._untaken.discard(record.id)
        elif isinstance(record, Text | ToolCall | Started):
            self._limits.resume()
        elif isinstance(record, Retry) and record.fatal:
            status = f", HTTP {record.status}" if record.status else ""
            self._end(Cause.AUTH, f"The agent's key or login was refused ({record.error}{status}).")

    async def _until_exit(self) -> None:
        """Until the process has ended, or has survived everything that was done to end it."""
        while not self._pipes.exited.is_set() and not (self._ender is not None and self._ender.done()):
            self._changed.clear()
            due = self._limits.next()
            rest = ENDING_POLL_S if self._ending else min(ENDING_POLL_S, max(0.0, due.at - time.monotonic()))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), rest)
                continue
            due = self._limits.next()
            if due.at <= time.monotonic():
                self._end(due.cause, due.detail)

    # -- ending

    def _end(self, cause: Cause, detail: str = "") -> None:
        if self._ending is None and self.pid is not None and not self._pipes.exited.is_set():
            self._ending = Ending(None, cause, detail, moment=moment_of(self._tally))
            self._reader.ignores_finals = cause is Cause.LINGER
            self._stdin.close()  # one that is interrupted reports what it has used only if no message can follow
            self._ender = asyncio.create_task(self._escalate(self._signals()))

    async def _escalate(self, ender: Ender) -> None:
        await ender.end(self._dialogue)
        self._changed.set()

    def _signals(self) -> Ender:
        assert self.pid is not None  # noqa: S101 - nothing is ended that was not started
        return Ender(self.pid, self._pipes.exited, self._adapter.ending, self._graces.step_s)

    async def _end_the_rest(self) -> None:
        """End what the agent has left running."""
        signals, began = self._signals(), time.monotonic()
        alone = self._pipes.drained.is_set() and not signals.has_group()
        on_exit = self._on_exit if alone else _nothing
        alone &= await sweep_after(self._call.mark, self._graces.sweep_s, self._before, on_exit)
        signals.signal(signal.SIGKILL, to_group=True)  # for what has dropped its mark, and where there is no /proc
        self.quiet_since = began if alone else time.monotonic()

    async def _supervise(self) -> Outcome:
        assert self.pid is not None  # noqa: S101 - only supervised after a start
        receive = None if self._dialogue is None else self._dialogue.receive
        reader = asyncio.create_task(self._reader.read(self._pipes, receive))
        self._stdout.start()
        with GUARDING.command(self.pid, self._adapter.ending):
            await self._until_exit()
            if self._dialogue is not None:
                await self._dialogue.close()
            await self._until_drained()
            await self._end_the_rest()
        await self._until_drained(1)
        self._recording.error = await self._stdout.finish() or self._recording.error
        self._pipes.give_up_reading()
        await reader
        if self._ender is not None:
            await self._ender
        exit_code = self._close()
        if not self._reader.broken:
            self._reader.deliver(await self._adapter.uncounted(self._spec, self._call, self._tally, self._began))
        await self._recording.end()
        self._say_recording_error()
        if not self._reader.broken:
            self._judged.set_result(self._outcome(self._judge(exit_code), exit_code))
            await asyncio.sleep(self._graces.archive_s)
        await self._recording.archive()
        if self._reader.broken:
            raise self._reader.broken
        return self._judged.result()

    async def _until_drained(self, rounds: int = EOF_ROUNDS) -> None:
        await self._pipes.until_drained(rounds, self._graces.eof_s, lambda: self._limits.last_progress)

    def _close(self) -> int | None:
        assert self._transport is not None  # noqa: S101 - only supervised after a start
        exit_code = self._transport.get_returncode()
        self._transport.close()
        return exit_code

    def _say_recording_error(self) -> None:
        if (error := self._recording.error) is not None:
            self._reader.deliver([Note(f"The stream could not be recorded: {error.strerror or error}.")])

    def _judge(self, exit_code: int | None) -> Judgement:
        stderr = self._pipes.stderr.text()
        if exit_code == launch.CANNOT_START_EXIT and stderr.startswith(launch.CANNOT_START):
            return Judgement(OutcomeKind.COULD_NOT_START, sentence(stderr))
        ending = self._ending or Ending(None)
        return self._adapter.judge(self._tally, replace(ending, exit_code=exit_code, stderr=stderr))

    def _outcome(self, judgement: Judgement, exit_code: int | None) -> Outcome:
        duration_ms = round((time.monotonic() - self._limits.began) * 1000)
        return self._tally.outcome(judgement.kind, judgement.reason, exit_code, duration_ms)
