"""The execution of a command: texts and tool calls of the agent, their timing, and the end by a signal.

`Stage.reply` prints the blocks of one reply, then uses its tools for real and prints their answers. A signal takes
effect only while the stage waits or a command runs, so no line and no file is ever left half written.
"""

from __future__ import annotations

import json
import signal
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from demo.inbox import Inbox, operator_words, text_of
from demo.stream import Block, Stream
from demo.tokens import SYSTEM_TOKENS, Tokens, estimate
from demo.tools import SILENCE_S, Bash, EditTool, Forbidden, Killed, Read, Tool, ToolAnswer, Write

PAUSE_BEFORE_BLOCK_S = 0.10  # at speed 1: a reply is read as it appears
PAUSE_AFTER_TOOL_S = 0.06
TAKEN = "I take this into account: {}"
REMINDER_TOKENS = 1_900  # what the program adds to the first message of a session
THOUGHT_TOKENS = (120, 640)  # least and most that are thought for one reply
ACCEPTED = {"permission_decision": {"decision": "accept", "source": "config", "reason_type": "mode"}}
REJECTED = (
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file edit, "
    "the new_string was NOT written to the file). STOP what you are doing and wait for the user to tell you how to "
    "proceed."
)
EXIT_OF_SIGNAL = {signal.SIGTERM: 143, signal.SIGHUP: 129}


class Interrupted(Exception):
    """A signal that ends the run."""

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.number = number


class Ended(Exception):
    """The run is over with this exit code; what had to be printed is printed."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exit code {code}")
        self.code = code


class Stage:
    """See the module. `root` is the project's folder; a speed of 2 halves the pauses, an infinite one has none."""

    def __init__(self, stream: Stream, root: Path, speed: float, on_reply: Callable[[Tokens], None]) -> None:
        self.stream = stream
        self.root = root
        self.speed = speed
        self.max_turns: int | None = None
        self.inbox: Inbox | None = None
        self.stuck = 0  # from this reply on none is finished; 0 for never
        self._on_reply = on_reply
        self._context = SYSTEM_TOKENS
        self._fresh = REMINDER_TOKENS
        self._pending: int | None = None
        self._waiting = False

    # -- signals and time

    def listen(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._pending = self._pending or number
        if self._waiting:
            self._waiting = False
            raise Interrupted(self._pending)

    def _wait(self, action: Callable[[], None]) -> None:
        """Runs something that a signal may break off."""
        self._waiting = True
        try:
            if self._pending is not None:
                raise Interrupted(self._pending)
            action()
        finally:
            self._waiting = False

    def wait(self, seconds: float) -> None:
        """Waits for real, whatever the pace. Raises Ended when a signal comes meanwhile."""
        try:
            self._wait(lambda: time.sleep(seconds))
        except Interrupted as signalled:
            raise Ended(self._cut_off(signalled.number)) from None

    def pause(self, seconds: float) -> None:
        """Waits at this run's pace; `seconds` are those at speed 1. Raises Ended when a signal comes meanwhile."""
        self.wait(seconds / self.speed)

    def _pause(self, seconds: float) -> None:
        """As `pause`, within a reply: raises Interrupted."""
        self._wait(lambda: time.sleep(seconds / self.speed))

    def _never(self) -> None:
        time.sleep(SILENCE_S)

    # -- what the agent says and does

    def path(self, relative: str) -> Path:
        return self.root / relative

    def hears(self, prompt: str) -> None:
        self._fresh += estimate(prompt)

    def say(self, text: str) -> None:
        self.reply(text)

    def take_messages(self) -> None:
        """Take what the operator has sent meanwhile."""
        for message in self.inbox.arrived() if self.inbox is not None else ():
            self._take(message)

    def await_messages(self, last: str) -> None:
        """After the result: until the input ends, each message begins a turn that ends with the same last words."""
        while (message := self._next_message()) is not None:
            self.stream.init()
            self._take(message)
            self.say(last)
            self.stream.success(last)

    def _next_message(self) -> dict[str, Any] | None:
        """Wait for a message; None at the end of the input, and when a signal comes."""
        inbox = self.inbox
        if inbox is None:
            return None
        found: list[dict[str, Any] | None] = []
        try:
            self._wait(lambda: found.append(inbox.next()))
        except Interrupted:
            return None
        return found[0]

    def _take(self, message: dict[str, Any]) -> None:
        self.stream.taken(message)
        words = operator_words(text_of(message))
        self._fresh += estimate(words)
        self._reply(TAKEN.format(words))

    def bash(self, command: str, description: str, say: str = "") -> ToolAnswer:
        return self.reply(say, Bash(command, description))[0]

    def read(self, *paths: str, say: str = "", thinking: str = "") -> None:
        self.reply(say, *(Read(self.path(each)) for each in paths), thinking=thinking)

    def write(self, path: str, content: str, say: str = "") -> ToolAnswer:
        return self.reply(say, Write(self.path(path), content))[0]

    def edit(self, path: str, old: str, new: str, say: str = "") -> ToolAnswer:
        return self.reply(say, EditTool(self.path(path), old, new))[0]

    def reply(self, text: str, *tools: Tool, thinking: str = "") -> list[ToolAnswer]:
        """One reply of the model: a thought, a text, calls of tools; then the answers of the tools."""
        self.take_messages()
        return self._reply(text, *tools, thinking=thinking)

    def _reply(self, text: str, *tools: Tool, thinking: str = "") -> list[ToolAnswer]:
        blocks = self._blocks(text, tools, thinking)
        tokens = self._tokens(blocks)
        try:
            self._pause(PAUSE_BEFORE_BLOCK_S)
        except Interrupted as signalled:
            raise Ended(self._cut_off(signalled.number)) from None
        message = self.stream.begin(tokens)
        self._on_reply(self.stream.used)
        self._print(blocks, message, tokens)
        self.stream.end(message, tokens, "tool_use" if tools else "end_turn")
        return [
            self._use(tool, block) for tool, block in zip(tools, blocks[-len(tools) :] if tools else (), strict=True)
        ]

    def _blocks(self, text: str, tools: tuple[Tool, ...], thinking: str) -> list[Block]:
        blocks: list[Block] = []
        if thinking:
            blocks.append({"type": "thinking", "thinking": thinking, "signature": "ZGVtbw=="})
        if text or not tools:
            blocks.append({"type": "text", "text": text})
        for at, tool in enumerate(tools):
            number = f"{self.stream.session_id[:8]}{self.stream.replies + 1:05d}{at}"
            blocks.append({"type": "tool_use", "id": f"toolu_demo{number}", "name": tool.name, "input": tool.input})
        return blocks

    def _print(self, blocks: list[Block], message: str, tokens: Tokens) -> None:
        for at, block in enumerate(blocks):
            if at:
                try:
                    self._wait(self._never) if self._is_stuck() else self._pause(PAUSE_BEFORE_BLOCK_S / 2)
                except Interrupted as signalled:
                    raise Ended(self._cut_off(signalled.number, (message, block, tokens))) from None
            self.stream.block(message, block, tokens)

    def _is_stuck(self) -> bool:
        return 0 < self.stuck <= self.stream.replies

    def _tokens(self, blocks: list[Block]) -> Tokens:
        said = json.dumps([{name: value for name, value in each.items() if name != "id"} for each in blocks])
        least, most = THOUGHT_TOKENS
        digest = zlib.crc32(said.encode())
        thought = least + digest % (most - least)
        tokens = Tokens(3 + digest % 5, estimate(said) + thought, self._context, self._fresh)
        self._context += self._fresh
        self._fresh = tokens.output
        return tokens

    def _use(self, tool: Tool, block: Block) -> ToolAnswer:
        try:
            answer = tool.use(self._wait)
        except Killed as killed:
            number = killed.__cause__.number if isinstance(killed.__cause__, Interrupted) else signal.SIGTERM
            raise Ended(self._tool_broken_off(number, block, killed.output)) from None
        if isinstance(tool, Forbidden):
            self.stream.denied(tool.name, block["id"], tool.input)
        self.stream.tool_result(block["id"], answer.content, answer.structured, is_error=answer.is_error, meta=ACCEPTED)
        self._fresh += estimate(answer.content)
        self._check_turns()
        with suppress(Interrupted):  # it is pending, and taken up before the next reply
            self._pause(PAUSE_AFTER_TOOL_S)
        return answer

    def _check_turns(self) -> None:
        if self.max_turns is not None and self.stream.tool_results >= self.max_turns:
            error = f"Reached maximum number of turns ({self.max_turns})"
            self.stream.limit("error_max_turns", "max_turns", error)
            raise Ended(1)

    # -- how a signal ends the run, as recorded from the real program

    def _cut_off(self, number: int, begun: tuple[str, Block, Tokens] | None = None) -> int:
        """In a reply, or before one. Before the first one there is no result line, nor after other signals."""
        if number != signal.SIGINT:
            return EXIT_OF_SIGNAL.get(signal.Signals(number), 1)
        if begun is None and not self.stream.replies:
            self.stream.note("[Request interrupted by user]")
            return 0
        if begun is not None and begun[1]["type"] == "text":
            message, block, tokens = begun
            half = {"type": "text", "text": block["text"][: len(block["text"]) // 2]}
            self.stream.block(message, half, tokens, aborted=True)
        self.stream.note("[Request interrupted by user]")
        diagnostic = "[ede_diagnostic] result_type=user last_content_type=n/a stop_reason=null"
        self.stream.broken_off("aborted_streaming", [diagnostic], stop_reason=None)
        return 0

    def _tool_broken_off(self, number: int, block: Block, output: str) -> int:
        if number != signal.SIGINT:
            text = "Exit code 137" + (f"\n{output}" if output else "")
            self.stream.tool_result(block["id"], text, f"Error: {text}", is_error=True, meta=ACCEPTED)
            return EXIT_OF_SIGNAL.get(signal.Signals(number), 1)
        meta = {"non_execution_kind": "user-rejected"}
        self.stream.tool_result(block["id"], REJECTED, "User rejected tool use", is_error=True, meta=meta)
        self.stream.note("[Request interrupted by user for tool use]")
        diagnostic = "[ede_diagnostic] result_type=user last_content_type=n/a stop_reason=tool_use"
        self.stream.broken_off("aborted_tools", [diagnostic], stop_reason="tool_use")
        return 0
