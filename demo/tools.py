"""The tools that the scripted agent really uses: Bash, Read, Write, Edit.

Each is a value with the input that the stream shows, and `use()`, which does the work and gives the answer. Commands
run in a session of their own, with no standard input, as the real program runs them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from demo.files import read_text, write_atomically

SHELL = "/bin/bash" if Path("/bin/bash").exists() else "/bin/sh"
PIECE_BYTES = 65_536  # of a command's output, read at once
SILENCE_S = 86_400.0  # a silent agent prints nothing for a day, or until it is ended
CONTEXT_LINES = 3  # around a change, in a structured patch


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    content: str
    structured: Any
    is_error: bool | None = None  # None: the key is left out, as for files

    @property
    def ok(self) -> bool:
        return not self.is_error


Wait = Callable[[Callable[[], None]], object]  # runs what a signal may break off, by raising


class Tool(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def input(self) -> dict[str, Any]: ...

    def use(self, wait: Wait) -> ToolAnswer: ...


def failed(text: str) -> ToolAnswer:
    return ToolAnswer(text, f"Error: {text}", is_error=True)


class Killed(Exception):
    """A command that was ended because the agent was; has what it had printed."""

    def __init__(self, output: str) -> None:
        super().__init__(output)
        self.output = output


@dataclass(frozen=True, slots=True)
class Bash:
    command: str
    description: str
    name: str = "Bash"

    @property
    def input(self) -> dict[str, Any]:
        return {"command": self.command, "description": self.description}

    def use(self, wait: Wait) -> ToolAnswer:
        """Raises what a signal handler raises, after every process of the command is gone."""
        process = subprocess.Popen(
            [SHELL, "-c", self.command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment(),
        )
        output = bytearray()
        try:
            wait(lambda: _read_to_end(process, output))
        except BaseException as reason:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise Killed(_text(output)) from reason
        text = _text(output)
        if process.returncode:
            return failed(f"Exit code {process.returncode}" + (f"\n{text}" if text else ""))
        structured = {"stdout": text, "stderr": "", "interrupted": False, "isImage": False, "noOutputExpected": False}
        return ToolAnswer(text or "(Bash completed with no output)", structured, is_error=False)


def environment() -> dict[str, str]:
    """The agent's own, and its Python first on the path, so that `python3` is one that exists."""
    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    return {**os.environ, "CLAUDECODE": "1", "PATH": os.pathsep.join(folders)}


def _read_to_end(process: subprocess.Popen[bytes], output: bytearray) -> None:
    assert process.stdout is not None
    with process.stdout as stream:
        while piece := os.read(stream.fileno(), PIECE_BYTES):
            output += piece
    process.wait()


def _text(output: bytearray) -> str:
    return output.decode(errors="replace").rstrip("\n")


@dataclass(frozen=True, slots=True)
class Read:
    path: Path
    name: str = "Read"

    @property
    def input(self) -> dict[str, Any]:
        return {"file_path": str(self.path)}

    def use(self, wait: Wait) -> ToolAnswer:
        if not self.path.is_file():
            return failed(f"File does not exist. Note: your current working directory is {Path.cwd()}.")
        text = read_text(self.path)
        lines = text.split("\n")
        numbered = "\n".join(f"{number}\t{line}" for number, line in enumerate(lines, start=1))
        file = {
            "filePath": str(self.path),
            "content": text,
            "numLines": len(lines),
            "startLine": 1,
            "totalLines": len(lines),
        }
        return ToolAnswer(numbered, {"type": "text", "file": file})


@dataclass(frozen=True, slots=True)
class Write:
    path: Path
    content: str
    name: str = "Write"

    @property
    def input(self) -> dict[str, Any]:
        return {"file_path": str(self.path), "content": self.content}

    def use(self, wait: Wait) -> ToolAnswer:
        before = read_text(self.path) if self.path.exists() else None
        write_atomically(self.path, self.content)
        kind, said = ("create", "created") if before is None else ("update", "updated")
        structured = {
            "type": kind,
            "filePath": str(self.path),
            "content": self.content,
            "structuredPatch": [] if before is None else patch(before, self.content),
            "originalFile": before,
            "userModified": False,
        }
        return ToolAnswer(
            f"File {said} successfully at: {self.path} (file state is current in your context)", structured
        )


@dataclass(frozen=True, slots=True)
class EditTool:
    path: Path
    old: str
    new: str
    name: str = "Edit"

    @property
    def input(self) -> dict[str, Any]:
        return {"replace_all": False, "file_path": str(self.path), "old_string": self.old, "new_string": self.new}

    def use(self, wait: Wait) -> ToolAnswer:
        before = read_text(self.path)
        if before.count(self.old) != 1:
            return failed(f"String to replace found {before.count(self.old)} times in file.\nString: {self.old}")
        after = before.replace(self.old, self.new)
        write_atomically(self.path, after)
        structured = {
            "filePath": str(self.path),
            "oldString": self.old,
            "newString": self.new,
            "originalFile": before,
            "structuredPatch": patch(before, after),
            "userModified": False,
            "replaceAll": False,
        }
        text = f"The file {self.path} has been updated successfully. (file state is current in your context)"
        return ToolAnswer(text, structured)


@dataclass(frozen=True, slots=True)
class Forbidden:
    """A command that cannot be permitted."""

    command: str
    name: str = "Bash"

    @property
    def input(self) -> dict[str, Any]:
        return {"command": self.command, "description": "Not permitted"}

    def use(self, wait: Wait) -> ToolAnswer:
        return failed("This command requires approval")


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to the operator."""

    question: str
    waits: bool = False  # until it is ended
    name: str = "AskUserQuestion"

    @property
    def input(self) -> dict[str, Any]:
        options = [{"label": "Yes", "description": "Continue"}, {"label": "No", "description": "Leave it as it is"}]
        return {"questions": [{"question": self.question, "header": "Decide", "options": options}]}

    def use(self, wait: Wait) -> ToolAnswer:
        if self.waits:
            try:
                wait(lambda: time.sleep(SILENCE_S))
            except BaseException as reason:
                raise Killed("") from reason
        return failed("The user did not answer the question.")


def patch(before: str, after: str) -> list[dict[str, Any]]:
    """One hunk from the first to the last line that differs."""
    old, new = before.splitlines(), after.splitlines()
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    start = max(0, head - CONTEXT_LINES)
    same, after_change = old[start:head], old[len(old) - tail :][:CONTEXT_LINES]
    removed, added = old[head : len(old) - tail], new[head : len(new) - tail]
    if not removed and not added:
        return []
    around = len(same) + len(after_change)
    return [
        {
            "oldStart": start + 1,
            "oldLines": len(removed) + around,
            "newStart": start + 1,
            "newLines": len(added) + around,
            "lines": [f" {line}" for line in same]
            + [f"-{line}" for line in removed]
            + [f"+{line}" for line in added]
            + [f" {line}" for line in after_change],
        }
    ]
