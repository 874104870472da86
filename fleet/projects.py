"""The projects of this machine: those of the registry, asked what they do, and the start of one that does not run.

A project is started as the operator would start it, by this program in a process of its own. Promises: only a project
that was opened before is started; nothing of the environment but the tokens reaches it, so that neither the trust in
another folder nor settings of another project count for it; what its folder sets starts nothing before it is trusted.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

import msgspec
from aiohttp import web

from api.projects import PROJECTS, ProjectOfMachine, StartRefused
from base.program import PROGRAM_DIR
from fleet.client import RunnerClient
from fleet.registry import DEMO, Entry, KnownProject, Registry, branch_of, loopback_url, project_key
from fleet.source import Unreachable
from runstate.views import Run

START_S: Final = 30.0  # until the port of a started server answers
LOOK_S: Final = 0.1  # between two looks for its entry
ASK_S: Final = 2.0  # for the state of one runner
SAID_CHARS: Final = 500  # of what a program says that cannot start
PREFIX: Final = "SPRINT_RUNNER_"
KEPT: Final = ("SPRINT_RUNNER_DEMO_SPEED",)  # of the variables of this program: no setting, but how the demo plays


class ProjectsOfRegistry:
    """The projects of this machine. `own` is the key of the server's own one, `address` where a running one is opened.

    `secrets` are the variables with tokens that this server was started with: who needs one here needs it there, too.
    """

    def __init__(
        self,
        registry: Registry,
        client: RunnerClient,
        *,
        own: str | None = None,
        address: Callable[[Entry], str | None] = lambda entry: loopback_url(entry.url),
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        self._registry = registry
        self._client = client
        self._own = own
        self._address = address
        self._secrets = dict(secrets or {})
        self._starting: dict[str, asyncio.Task[str]] = {}

    async def projects(self) -> list[ProjectOfMachine]:
        """Return all projects: those that run, by their names, then the others, the newest first."""
        entries, known = await asyncio.to_thread(self._read)
        running = await asyncio.gather(*(self._running(entry, known.get(entry.key)) for entry in entries.values()))
        others = [self._stopped(project) for project in known.values() if project.key not in entries]
        return [*sorted(running, key=lambda project: (project.name.lower(), project.key)), *others]

    async def start(self, key: str) -> str:
        """Start a known project; one that runs or is being started is not started twice. Raises `StartRefused`."""
        entries, known = await asyncio.to_thread(self._read)
        if (entry := entries.get(key)) is not None:
            return self._address(entry) or entry.url
        if key not in known:
            raise StartRefused("this project was not opened on this machine before, or its folder is gone")
        task = self._starting.get(key)
        if task is None:
            task = self._starting[key] = asyncio.create_task(self._start(known[key]))
            task.add_done_callback(lambda _done: self._starting.pop(key, None))
        # Who asked may go away; the start continues.
        return await asyncio.shield(task)

    def _read(self) -> tuple[dict[str, Entry], dict[str, KnownProject]]:
        entries = {entry.key: entry for entry in self._registry.entries() if entry.is_running}
        return entries, {project.key: project for project in self._registry.known()}

    async def _running(self, entry: Entry, known: KnownProject | None) -> ProjectOfMachine:
        run, problem = None, None
        try:
            body = await self._client.get(entry, "/api/run", ASK_S)
            run = msgspec.structs.replace(msgspec.json.decode(body, type=Run), stories=())
        except Unreachable as error:
            problem = str(error)
        except msgspec.DecodeError:
            problem = "It is of a version that this one does not understand."
        return ProjectOfMachine(
            key=entry.key,
            name=entry.name,
            folder=entry.folder,
            branch=entry.branch,
            opened_at=entry.started_at if known is None else known.opened_at,
            running=True,
            own=entry.key == self._own,
            url=self._address(entry),
            run=run,
            problem=problem,
        )

    def _stopped(self, project: KnownProject) -> ProjectOfMachine:
        return ProjectOfMachine(
            key=project.key,
            name=project.name,
            folder=project.folder,
            branch=branch_of(Path(project.folder)),
            opened_at=project.opened_at,
            running=False,
            own=project.key == self._own,
            url=None,
            run=None,
            problem=None,
        )

    async def _start(self, project: KnownProject) -> str:
        said = self._registry.log_file(project.key)
        process = await asyncio.to_thread(self._spawn, project, said)
        try:
            async with asyncio.timeout(START_S):
                while process.returncode is None:
                    entries, _ = await asyncio.to_thread(self._read)
                    if (entry := entries.get(project.key)) is not None:
                        return self._address(entry) or entry.url
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise StartRefused(f"{project.name} is still starting: look again in a moment") from None
        raise StartRefused(await asyncio.to_thread(_last_words, said))

    def _spawn(self, project: KnownProject, said: Path) -> subprocess.Popen[bytes]:
        """Start the server of a project; it writes to the file `said`."""
        options = project.options
        command = [sys.executable, str(PROGRAM_DIR), project.folder]
        for name, value in (("--data-dir", options.data_dir), ("--agent", options.agent)):
            command += [name, value] if value is not None else []
        if options.demo is not None and options.demo.startswith(DEMO):
            command.append(options.demo)
        with _open_new(said) as output:
            # A session of its own: it outlives this server, as if the operator had started it.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=said.parent,
                env=self._environment(),
                start_new_session=True,
            )
        # Waited for by a thread, since the event loop may end before it.
        threading.Thread(target=process.wait, name=f"server of {project.name}", daemon=True).start()
        return process

    def _environment(self) -> dict[str, str]:
        """Return the environment of a project's server: without any setting of this one."""
        foreign = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX) or name in KEPT}
        return {**foreign, **self._secrets}


async def offer_projects(
    app: web.Application, registry: Registry, own: Path, secrets: Mapping[str, str]
) -> AsyncIterator[None]:
    """Let the page of the project `own` show the other projects of this machine, and start them."""
    client = RunnerClient()
    app[PROJECTS] = ProjectsOfRegistry(registry, client, own=project_key(own), secrets=secrets)
    yield
    await client.close()


def _open_new(file: Path) -> IO[bytes]:
    with suppress(FileNotFoundError):
        file.unlink()
    return open(file, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))


def _last_words(file: Path) -> str:
    """Return why a program has ended: the last line that it has written."""
    lines = [line for line in file.read_text("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:SAID_CHARS] if lines else "its program has ended without a word"
