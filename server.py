"""Sprint Runner: one process that serves the page and runs the agents; see `python server.py --help`.

This module composes the parts and has no logic of its own. They start in the order lock, port, database, recovery,
requests, and end in the order agents, WebSocket clients, database.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, TextIO

import msgspec
from aiohttp import web

import agents
import api.access
import api.guarding
import api.http
import api.links
import api.masked
import api.notices
import api.page
import api.push
import api.search
import events
from agents import AgentSpec
from api.history import envelopes_between, newest_envelopes
from api.http import SERVICES, LiveSettings, Services
from api.recordings import RECORDINGS, Recordings
from api.routes import ROUTES
from api.run import snapshot
from base.program import PROGRAM_DIR
from cli import arguments, logs, trust, verbs
from cli.archive import DATABASE
from cli.config import ServerConfig, agent_specs, forget_secrets, make_data_dir, masker_of, resolve
from cli.errors import CannotStart, unusable_database, unwritable
from cli.headless import Headless, until_done
from cli.presence import Presence, inherited_tokens
from cli.system import listen, open_browser, until_signal, url_of
from db import Database
from fleet.projects import offer_projects
from fleet.registry import registry_of
from git.process import GitUnusable
from orchestrator import Orchestrator
from running.afterwards import Afterwards
from running.awake import KeepAwake
from running.brief.read import brief_lines
from running.data_files import DataFiles
from running.delivery.watcher import DeliveryWatcher
from running.forecaster import Forecaster
from running.grants import load_grants
from running.links import Links
from running.lock import ProjectLock, ProjectLocked
from running.notifier import Notifier
from running.push import Push
from running.recovery.fold import restore_fold
from running.repository import refresh_git
from running.retention import Retention
from running.search.find import Finder
from running.search.indexer import SearchIndexer
from running.trust import why_untrusted
from running.watcher import Listener, ProjectWatcher
from running.workspace import Workspace
from runstate.fold import RunState
from runstate.forecast_view import ForecastView
from runstate.server_state import AwakeView, GuardianView, ServerState
from security.cleaning import clean_values
from security.connections import ConnectionLimiter, Site, limits_for
from security.controls import visible
from security.links import link_key
from security.process_key import ProcessKey
from security.token import SECRET_BYTES, cookie_secret
from settings import Settings
from store.log import oldest_event
from store.schema import SchemaTooNew
from websocket.hub import INIT_EVENTS, Hub

if TYPE_CHECKING:
    from fleet.stream.runner import FleetRunner

EXIT_USAGE: Final = 2  # the exit code when the operator has to change an option, a file or the environment
HANDLERS_S: Final = 1.0  # seconds that open requests get to finish when the server ends

log = logging.getLogger("sprint_runner")


def build_app(
    config: ServerConfig,
    *subscribers: events.Subscriber,
    lock: ProjectLock | None = None,
    process_key: ProcessKey | None = None,
) -> web.Application:
    """Return the application of one project; it opens files and processes only when it starts.

    `subscribers` receive every commit after the WebSocket clients.
    `lock` excludes other servers and is kept while the application runs. `process_key` lets the user's programs in.
    """
    settings = config.loaded.settings
    pages = api.page.manifest()
    secret = cookie_secret(config.data_dir) if settings.token is not None else secrets.token_bytes(SECRET_BYTES)
    # The first is the outermost: errors are masked as well. `protect` puts the guard before both.
    app = web.Application(middlewares=[api.masked.masked, api.http.errors], client_max_size=api.http.BODY_MAX)
    api.guarding.protect(app, settings, secret, pages[""].content, process_key)
    app[api.page.MANIFEST] = pages
    app.add_routes(ROUTES)
    app[RECORDINGS] = Recordings()
    app.cleanup_ctx.append(lambda app: _services(app, config, subscribers, lock))
    tokens = inherited_tokens(config.loaded)
    app.cleanup_ctx.append(lambda app: offer_projects(app, registry_of(os.environ), config.project.root, tokens))
    # aiohttp calls these before the clean-up contexts: agents and pages end while the database is open.
    app.on_shutdown.append(_end_run_and_pages)
    return app


async def _services(
    app: web.Application, config: ServerConfig, subscribers: Sequence[events.Subscriber], lock: ProjectLock | None
) -> AsyncIterator[None]:
    """Open the services in the order of their dependencies; close them in reverse order."""
    database = await Database.open(config.data_dir / DATABASE)
    # Before any agent can start: the guardian knows a server's processes by this mark.
    agents.GUARDING.watch(database.epoch)
    means = agents.guard_means()
    guardian = GuardianView(means.names, means.sentence)
    await load_grants(database, app[api.access.ACCESS].grants)
    run_state, server_state = RunState(), ServerState(guardian=guardian)
    await restore_fold(database, run_state)
    hub = await _hub(app, config.loaded.settings, database)
    live = LiveSettings(config.loaded, config.reload, config.loaded)
    data_files = DataFiles(database, lock, partial(make_data_dir, config.data_dir))
    specs = agent_specs(config.loaded.settings.agents, config.loaded.settings.prices, config.project.root)
    workspace = await _workspace(config, live, database, data_files, specs)
    _show_awake(workspace.awake, server_state, hub)
    orchestrator = Orchestrator(workspace, run_state)
    _show_forecast(orchestrator.forecaster, server_state, hub)
    listener = Listener(hub.refresh, hub.set_problem, orchestrator.plan.adopt)
    watcher = ProjectWatcher(workspace, run_state, server_state, listener)

    async def apply_trust() -> None:
        """Use the agents that the operator has trusted immediately, if the masker knows their secrets."""
        trusted = live.loaded.settings
        if live.loaded.guarded.get("agents") == live.started.guarded.get("agents"):
            specs.update(agent_specs(trusted.agents, trusted.prices, config.project.root))
        await watcher.look_at_agent()
        hub.refresh()

    app[SERVICES] = Services(
        database=database,
        hub=hub,
        run_state=run_state,
        server_state=server_state,
        orchestrator=orchestrator,
        workspace=workspace,
        live=live,
        trust=config.trust,
        apply_trust=apply_trust,
    )
    indexer = SearchIndexer(workspace)
    app[api.search.FINDER] = Finder(workspace, indexer)
    notifier = await _notifier(app, config, workspace)
    afterwards = Afterwards(workspace)
    deliveries = DeliveryWatcher(workspace, run_state)
    # The fold comes first: what the others read of the run must include the commit that they receive.
    forecaster = orchestrator.forecaster
    fleet = await _fleet(app, config)
    retention = Retention(workspace, hub.ring.pruned, indexer.sweep, fleet)
    in_fleet = () if fleet is None else (fleet.take,)
    if fleet is not None:
        hub.on_refresh = fleet.changed
        workspace.machines = fleet.machines  # before the recovery, which leaves alone what workers run on
    beside = (notifier.take, afterwards.take, forecaster.committed, deliveries.take, indexer.take, *in_fleet)
    subscribers = (run_state.apply, watcher.committed, hub.publish, *beside, *subscribers)
    events.start(database, *subscribers, clean=lambda payloads: clean_values(payloads, workspace.masker))
    notifier.start()
    # After `events.start`, since it emits; before any request, since it closes what the last server left open.
    await app[SERVICES].orchestrator.recover()
    await watcher.start()
    afterwards.start()
    retention.start()
    deliveries.start()
    indexer.start()
    hub.start()
    if fleet is not None:
        fleet.start()
    yield
    if fleet is not None:
        await fleet.stop()
    await workspace.awake.close()
    await indexer.stop()
    await deliveries.stop()
    await retention.stop()
    await forecaster.stop()
    await watcher.stop()
    await notifier.stop()
    await afterwards.stop()
    await data_files.restore()  # the last chance: after this the open handle is gone
    events.stop()
    await database.close()


async def _fleet(app: web.Application, config: ServerConfig) -> FleetRunner | None:
    """Return this server's part in the fleet of its settings; without one nothing of a fleet is imported."""
    if config.loaded.settings.fleet is None:
        return None
    from fleet.stream.joining import fleet_runner

    return await fleet_runner(app, config.loaded.settings, config.data_dir)


async def _hub(app: web.Application, settings: Settings, database: Database) -> Hub:
    """Return the hub of the WebSocket clients, with the newest events in its memory."""
    hub = Hub(
        epoch=database.epoch,
        history=partial(envelopes_between, database),
        snapshot=lambda: snapshot(app[SERVICES]),
        clock=time.monotonic,
        heartbeat_s=settings.heartbeat_s,
        pong_timeout_s=settings.pong_timeout_s,
        max_clients=settings.max_clients,
        page=api.page.page_version(app[api.page.MANIFEST][""].content),
    )
    hub.load(database.last_seq, await newest_envelopes(database, INIT_EVENTS))
    hub.ring.pruned(await database.read(oldest_event))
    return hub


async def _notifier(app: web.Application, config: ServerConfig, workspace: Workspace) -> Notifier:
    """Return the notifier, with what its messages need: links that answer, push messages, the lines of a brief."""
    settings, database = config.loaded.settings, workspace.database
    key = link_key(await asyncio.to_thread(cookie_secret, config.data_dir))
    links = app[api.links.LINKS] = Links(
        database, key, settings.public_url, workspace.clock, lambda text: visible(workspace.masker.text(text))
    )
    push = app[api.push.PUSH] = Push(database, config.data_dir, config.project.name)
    notifier = app[api.notices.NOTIFIER] = Notifier(
        database,
        workspace.settings,
        config.project.name,
        more=() if push.missing else (push,),
        links=links.for_event,
        brief_lines=partial(brief_lines, workspace),
        folder=config.project.root,
    )
    return notifier


def _show_awake(awake: KeepAwake, server_state: ServerState, hub: Hub) -> None:
    """Keep what the server's state says of the machine's sleep up to date."""

    def show() -> None:
        server_state.awake = AwakeView(awake.is_awake, awake.means, awake.problem)
        hub.refresh()

    awake.on_change = show
    show()


def _show_forecast(forecaster: Forecaster, server_state: ServerState, hub: Hub) -> None:
    """Keep the forecast in the server's state up to date."""

    def show(latest: ForecastView | None) -> None:
        server_state.forecast = latest
        hub.refresh()

    forecaster.on_change = show


async def _end_run_and_pages(app: web.Application) -> None:
    await app[SERVICES].orchestrator.shutdown()
    await app[SERVICES].hub.close()
    app[RECORDINGS].close()


async def _workspace(
    config: ServerConfig,
    live: LiveSettings,
    database: Database,
    data_files: DataFiles,
    specs: Mapping[str, AgentSpec],
) -> Workspace:
    project = config.project
    workspace = Workspace(
        project=project,
        settings=lambda: live.loaded.settings,
        agents=specs,
        database=database,
        data_dir=config.data_dir,
        prompts=PROGRAM_DIR / "prompts",
        git=None,
        clock=time.time,
        masker=masker_of(config.wanted),
        data_files=data_files,
        awake=KeepAwake(lambda: live.loaded.settings.keep_awake),
        trust_refusal=lambda: why_untrusted(config.trust, live.loaded),
        left_out=lambda: bool(live.loaded.left_out),
    )
    await workspace.quota.load(database)
    try:
        await refresh_git(workspace)
    except GitUnusable as unusable:  # the record can still be read; the start of a batch is refused with this error
        log.error("%s", unusable)
    return workspace


# -- the process -----------------------------------------------------------------------------------------------


async def serve(config: ServerConfig, headless: Headless | None = None) -> int:
    """Run until a signal, or until the headless run is finished; return the exit code. Raises `CannotStart`."""
    make_data_dir(config.data_dir)
    lock = ProjectLock(config.data_dir, config.project.root)
    try:  # before anything is opened: two servers of one project would both run agents
        lock.acquire()
    except ProjectLocked as error:
        raise CannotStart(str(error)) from None
    except OSError as error:
        raise unwritable(error) from None
    listener = listen(config.loaded, headless=headless is not None)
    agents.GUARDING.start()
    subscribers = [] if headless is None else [headless.on_events]
    presence = Presence(config)
    app = build_app(config, *subscribers, lock=lock, process_key=presence.key)
    # No access log: it would contain the tokens of addresses.
    runner = web.AppRunner(app, shutdown_timeout=HANDLERS_S, access_log=None)
    # Before anything starts, so that a signal during the start ends it in order.
    ended = until_signal()
    try:
        await runner.setup()
        limiter = ConnectionLimiter(limits_for(config.loaded.settings.max_clients), time.monotonic)
        await Site(runner, listener, limiter).start()
        url = url_of(listener)
        # Now that the port answers: a second server names this address when it is refused.
        lock.describe(pid=os.getpid(), url=url)
        await presence.enter(url, app[SERVICES].database.epoch)
        _announce(config, url, app[SERVICES], sys.stdout if headless is None else sys.stderr)
        return await until_done(ended, headless, app[SERVICES].orchestrator)
    except (SchemaTooNew, GitUnusable) as error:
        raise CannotStart(str(error)) from None
    except (sqlite3.Error, msgspec.DecodeError) as error:
        raise unusable_database(config.data_dir / DATABASE, error) from None
    finally:
        await presence.leave()
        await runner.cleanup()
        agents.GUARDING.close()
        listener.close()
        lock.release()


def _announce(config: ServerConfig, url: str, services: Services, out: TextIO) -> None:
    """Print the line with the address of the page; scripts wait for it, so its form is stable."""
    agent = services.server_state.agent
    left_out = sorted(services.live.loaded.left_out)
    # An agent of kind text that names no flag for it has no version.
    state = agent.version or ("ready" if agent.problem is None else "not available")
    version = "not checked yet" if left_out else state.split(" (")[0]
    if left_out:
        names = ", ".join(left_out)
        log.warning("%s is not trusted yet, so these settings were left out: %s", config.trust.folder, names)
    line = f"Sprint Runner at {url}  (project {config.project.name}, agent {agent.name} {version})\n"
    out.write(line)
    out.flush()
    if agent.problem is not None:
        log.warning("%s", agent.problem)
    if config.open_browser:
        open_browser(url)


def main(argv: Sequence[str] | None = None) -> int:
    options = arguments.parse(sys.argv[1:] if argv is None else argv)
    logs.set_up(getattr(options, "log_level", "warning"), getattr(options, "log_format", "text"))
    try:
        if (without_project := verbs.without_project(options)) is not None:
            return without_project()
        config = resolve(options, decide=trust.decide(options))
        logs.mask(masker_of(config.wanted).text)
        forget_secrets()
        return verbs.perform(options, config, serve)
    except CannotStart as error:
        sys.stderr.write(f"{arguments.program_name()}: {error}\n")
        return EXIT_USAGE


if __name__ == "__main__":
    sys.exit(main())
