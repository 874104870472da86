"""A launcher that is started before it is needed: the start of its interpreter is most of what an agent's start takes.

It waits without anything of a call: the program, the variables, the folder and the descriptors all come with the call.
What it has is the mark of the server and one end of a socket; with the other end, which only the server has, it ends.
One waits at a time, and only while something keeps it.
"""

from __future__ import annotations

import asyncio
import logging
import marshal
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import Final

from agents import launch
from agents.guardian import MARK_VARIABLE

STDIN: Final = 0
END_S: Final = 5.0  # for one that was killed to be gone
KEPT: Final = (MARK_VARIABLE, "LD_LIBRARY_PATH")  # variables of a launcher that waits; it needs the second one to run
# A process without any variable looks like one in the middle of an exec to those that look for a mark.
ALWAYS: Final = {"PATH": os.defpath}

log = logging.getLogger("sprint_runner.run")


@dataclass(frozen=True, slots=True)
class Start:
    """What becomes an agent: `argv` begins with the name by which the program is called."""

    program: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    death_signal: Signals | None

    @property
    def launcher(self) -> list[str]:
        """The command line that becomes the agent and, with a signal, dies with this process (Linux; else `argv`)."""
        if not sys.platform.startswith("linux"):
            return [self.program, *self.argv[1:]]
        return [*interpreter(), str(int(self.death_signal or 0)), self.program, *self.argv]

    def encoded(self) -> bytes:
        """The same for a launcher that waits. Raises ValueError for a zero byte."""
        argv = [os.fsencode(word) for word in self.argv]
        env = {os.fsencode(name): os.fsencode(value) for name, value in self.env.items()}
        places = (os.fsencode(self.program), os.fsencode(self.cwd))
        if any(b"\0" in word for word in (*argv, *env, *env.values(), *places)):
            raise ValueError("embedded null byte")
        return marshal.dumps((int(self.death_signal or 0), places[0], argv, env, places[1]))


def interpreter() -> list[str]:
    """The beginning of a launcher's command line."""
    # Isolated, without `site` and bytecode: it starts in milliseconds and imports nothing of the project.
    return [sys.executable, "-I", "-S", "-B", launch.__file__, str(os.getpid())]


def memory_file(content: bytes) -> int:
    """An anonymous file in memory, as a descriptor at its beginning."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("sprint-runner", os.MFD_CLOEXEC)
    else:  # macOS; the duplicate keeps the file open after its name is gone
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    view = memoryview(content)
    while view:  # it may write less than it is given
        view = view[os.write(descriptor, view) :]
    os.lseek(descriptor, 0, os.SEEK_SET)  # the child inherits the position, too
    return descriptor


class Launcher(asyncio.SubprocessProtocol):
    """One launcher. What happens to it is passed on to the protocol of the call that it becomes."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self._connection: socket.socket | None = None
        self._transport: asyncio.SubprocessTransport | None = None
        self._protocol: asyncio.SubprocessProtocol | None = None

    async def start(self) -> None:
        """Start the process. Raises OSError."""
        self._connection, its = socket.socketpair()
        with its:
            self._transport, _ = await asyncio.get_running_loop().subprocess_exec(
                lambda: self,
                *interpreter(),
                launch.WAIT,
                str(its.fileno()),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=(its.fileno(),),
                env=ALWAYS | {name: os.environ[name] for name in KEPT if name in os.environ},
                cwd="/",
                start_new_session=True,
            )

    def become(
        self, protocol: asyncio.SubprocessProtocol, call: bytes, stdout: int, stdin: int | None
    ) -> asyncio.SubprocessTransport:
        """Have it become an agent; without a descriptor its standard input is our pipe. Raises OSError."""
        assert self._transport is not None  # noqa: S101 - it was started
        assert self._connection is not None  # noqa: S101 - made before that
        content = memory_file(call)
        try:
            with self._connection as connection:
                socket.send_fds(connection, [b"\0"], [content, stdout, *([] if stdin is None else [stdin])])
        finally:
            os.close(content)
        pipe = self._transport.get_pipe_transport(STDIN)
        if stdin is not None and pipe is not None:
            pipe.close()
        self._protocol = protocol
        return self._transport

    def discard(self) -> None:
        """End one that waits, or has ended."""
        if self._connection is not None:
            self._connection.close()
        if self._transport is not None:
            self._transport.close()

    async def close(self) -> None:
        """End one that waits, and return when it has ended."""
        self.discard()
        if self._transport is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.ended.wait(), END_S)

    # -- from the event loop

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if self._protocol is not None:
            self._protocol.pipe_data_received(fd, data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if self._protocol is not None:
            self._protocol.pipe_connection_lost(fd, exc)

    def process_exited(self) -> None:
        self.ended.set()
        if self._protocol is not None:
            self._protocol.process_exited()


class Spare:
    """The launcher that waits."""

    def __init__(self) -> None:
        self._keepers = 0
        self._waiting: Launcher | None = None
        self._starting: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Keep one waiting while the block runs."""
        self._keepers += 1
        self._prepare()
        try:
            yield
        finally:
            self._keepers -= 1
            if not self._keepers:
                await self._close()

    def become(
        self, protocol: asyncio.SubprocessProtocol, start: Start, stdout: int, stdin: int | None
    ) -> asyncio.SubprocessTransport | None:
        """Have it become an agent, and start another one; None where none waits. Raises ValueError."""
        call = start.encoded()
        launcher, self._waiting = self._waiting, None
        self._prepare()
        if launcher is None:
            return None
        try:
            if not launcher.ended.is_set():
                return launcher.become(protocol, call, stdout, stdin)
        except OSError as error:  # it has just ended, or no memory is left
            log.warning("the launcher that waited could not be used: %s", error)
        launcher.discard()
        return None

    async def ready(self) -> None:
        """Return when one waits, or cannot be started."""
        if self._starting is not None:
            await asyncio.shield(self._starting)

    def _prepare(self) -> None:
        is_wanted = self._keepers and self._waiting is None and self._starting is None
        if is_wanted and sys.platform.startswith("linux"):
            self._starting = asyncio.create_task(self._start(), name="spare launcher")

    async def _start(self) -> None:
        launcher = Launcher()
        try:
            await launcher.start()
        except OSError as error:  # the agent's own start will say so
            log.debug("no launcher can be started: %s", error)
        else:
            self._waiting = launcher
        finally:
            self._starting = None

    async def _close(self) -> None:
        try:
            await self.ready()
        finally:
            launcher = None
            if not self._keepers:  # the next batch may have begun meanwhile
                launcher, self._waiting = self._waiting, None
            if launcher is not None:
                await launcher.close()


SPARE: Final = Spare()
