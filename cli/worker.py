"""The verb `worker`: offers this machine's agents to the sprints of a fleet until a signal."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import socket
import sys
from pathlib import Path
from typing import Final

import agents
from agents import AgentSpec
from cli import logs
from cli.broker import ADDRESS, login_of
from cli.config import agent_specs, built_in_agents, forget_secrets, masker_of
from cli.errors import CannotStart, unwritable
from cli.system import until_signal
from fleet.stream.broker import why_unavailable
from fleet.stream.login import BrokerLogin
from fleet.stream.names import name_of
from fleet.work.worker import Worker, WorkerConfig
from running.lock import FileLock
from security.trust_store import state_folder
from settings import Settings, SettingsError, load
from settings.check import check

NAME: Final = "SPRINT_RUNNER_FLEET_NAME"
PLACES_MAX: Final = 64

log = logging.getLogger("sprint_runner")


def serve_worker(options: argparse.Namespace) -> int:
    """Work until a signal; return the exit code. Raises `CannotStart`."""
    name = options.name or os.environ.get(NAME) or name_of("worker", socket.gethostname())
    login = _login(options, name)
    settings = _settings(options)
    forget_secrets()
    logs.mask(masker_of(settings).text)
    folder = Path(options.data_dir or state_folder(os.environ) / "workers" / name).expanduser().resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(folder / "lock")
        if not lock.acquire():
            raise CannotStart(f"another worker uses {folder}: give this one another --name or --data-dir")
    except OSError as error:
        raise unwritable(error) from None
    try:
        return asyncio.run(_serve(options, name, login, settings, folder))
    finally:
        lock.release()


def _login(options: argparse.Namespace, name: str) -> BrokerLogin:
    """Return where the broker is; the password leaves the environment. Raises `CannotStart`."""
    address = options.fleet or os.environ.get(ADDRESS)
    if address is None:
        raise CannotStart(f"a worker needs the address of the NATS server: --fleet, or {ADDRESS}")
    try:
        check("fleet", address, where="--fleet" if options.fleet else ADDRESS)
        for word, values in (("--name", [name]), ("--label", options.label), ("--project", options.project)):
            for value in values:
                check("fleet_name", value, where=word)
    except SettingsError as error:
        raise CannotStart(str(error)) from None
    if not 1 <= options.places <= PLACES_MAX:
        raise CannotStart(f"--places must be a whole number from 1 to {PLACES_MAX}")
    if (missing := why_unavailable()) is not None:
        raise CannotStart(missing)
    return login_of(address, name)


def _settings(options: argparse.Namespace) -> Settings:
    """Return the settings that name this machine's agents; of others none is used. Raises `CannotStart`."""
    if options.settings is not None and not options.settings.is_file():
        raise CannotStart(f"--settings: there is no file {options.settings}")
    demo = built_in_agents(os.environ, Path.cwd()) if options.demo else {}
    try:
        return load(options.settings, os.environ, agents=demo).settings
    except SettingsError as error:
        raise CannotStart(str(error)) from None


async def _usable(settings: Settings, root: Path | None) -> dict[str, AgentSpec]:
    """Return the agents that can be started here; of those that the settings name, say why another one cannot."""
    specs = agent_specs(settings.agents, settings.prices, root)
    found = await asyncio.gather(*[agents.preflight(spec) for spec in specs.values()])
    problems = dict(zip(specs, [preflight.problem for preflight in found], strict=True))
    for name, problem in problems.items():
        if problem is not None:
            log.debug("the agent %s is not offered: %s", name, problem)
    return {name: spec for name, spec in specs.items() if problems[name] is None}


async def _serve(options: argparse.Namespace, name: str, login: BrokerLogin, settings: Settings, folder: Path) -> int:
    ended = until_signal()
    agents.GUARDING.start()
    try:
        root = None if options.settings is None else options.settings.resolve().parent
        specs = await _usable(settings, root)
        if not specs:
            raise CannotStart("no agent can be started here: install one, or name it in --settings")
        config = WorkerConfig(
            name=name,
            folder=folder,
            places=options.places,
            specs=specs,
            labels=tuple(options.label),
            projects=tuple(options.project),
        )
        worker = Worker(login, config)
        agents.GUARDING.watch(worker.mark)
        await worker.start()
        # Scripts wait for this line, so its form is stable.
        sys.stdout.write(f"Sprint Runner worker {name}: {options.places} places, agents {', '.join(specs)}\n")
        sys.stdout.flush()
        await ended
        await worker.stop()
        return 0
    finally:
        agents.GUARDING.close()
