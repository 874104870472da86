"""The verb `fleet`: serves the page of all runners of this machine until a signal."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Final

from aiohttp import web

from cli import logs
from cli.broker import broker_login, make_nkey, prepare_runners, remote_runners
from cli.errors import CannotStart, unwritable
from cli.system import PORTS_TRIED, bind, open_browser, until_signal, url_of
from fleet.client import RunnerClient
from fleet.local import LOCAL, LocalRunners
from fleet.projects import ProjectsOfRegistry
from fleet.registry import Registry
from fleet.server import FleetConfig, build_app
from fleet.stream.login import BrokerLogin
from security.connections import ConnectionLimiter, Site, limits_for
from security.masking import Masker
from security.token import cookie_secret
from security.trust_store import state_folder
from settings import LOOPBACK, SettingsError
from settings.check import check

PORT: Final = 8070
PAGES: Final = 1000
HANDLERS_S: Final = 1.0  # seconds that open requests get to finish when the server ends
TOKEN: Final = "SPRINT_RUNNER_FLEET_TOKEN"  # noqa: S105 - the name of a variable
READER_TOKEN: Final = "SPRINT_RUNNER_FLEET_READER_TOKEN"  # noqa: S105


def serve_fleet(options: argparse.Namespace) -> int:
    """Serve the page until a signal; return the exit code. Raises `CannotStart`."""
    if options.nkey is not None:
        return make_nkey(options.nkey)
    folder = state_folder(os.environ)
    login = broker_login(options)
    if options.prepare:
        return prepare_runners(login, options.prepare)
    config = _config(options, folder)
    logs.mask(Masker([token for token in (config.token, config.reader_token) if token]).text)
    return asyncio.run(_serve(options, config, Registry(folder), login))


def _config(options: argparse.Namespace, folder: Path) -> FleetConfig:
    """Return the configuration. Raises `CannotStart`."""
    token, reader_token = os.environ.pop(TOKEN, None), os.environ.pop(READER_TOKEN, None)
    try:
        for name, value in ((TOKEN, token), (READER_TOKEN, reader_token)):
            if value is not None:
                check("token", value, where=name)
    except SettingsError as error:
        raise CannotStart(str(error)) from None
    if options.host not in LOOPBACK and token is None:
        raise CannotStart(f"beyond this machine the page needs a token: set {TOKEN} (`sprint-runner token` makes one)")
    if reader_token is not None and token in (None, reader_token):
        raise CannotStart(f"{READER_TOKEN} needs {TOKEN} beside it, and another value than that")
    own = folder / "fleet"
    try:
        for made in (folder, own):
            made.mkdir(parents=True, exist_ok=True, mode=0o700)
        secret = cookie_secret(own)
    except OSError as error:
        raise unwritable(error) from None
    hosts = [*LOOPBACK, options.host, *options.allowed_host]
    return FleetConfig(hosts=hosts, token=token, reader_token=reader_token, secret=secret)


async def _serve(
    options: argparse.Namespace, config: FleetConfig, registry: Registry, login: BrokerLogin | None
) -> int:
    ports = range(PORT, PORT + PORTS_TRIED) if options.port is None else [options.port]
    listener = bind(options.host, ports[0], ports)
    client = RunnerClient()
    projects = ProjectsOfRegistry(registry, client, address=lambda entry: f"/r/{LOCAL}.{entry.key}/")
    app = build_app(config, [LocalRunners(registry, client), *remote_runners(login)], projects)
    runner = web.AppRunner(app, shutdown_timeout=HANDLERS_S, access_log=None)
    ended = until_signal()
    try:
        await runner.setup()
        await Site(runner, listener, ConnectionLimiter(limits_for(PAGES), time.monotonic)).start()
        url = url_of(listener)
        # Scripts wait for this line, so its form is stable.
        sys.stdout.write(f"Sprint Runner fleet at {url}\n")
        sys.stdout.flush()
        if options.open:
            open_browser(url)
        await ended
        return 0
    finally:
        await runner.cleanup()
        await client.close()
        listener.close()
