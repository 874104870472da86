"""A server's part in the fleet that its settings name, made of the parts of the server."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

from aiohttp import web

from api.http import SERVICES, Services
from api.relayed import Headers, RelayedResponse, relay
from api.run import snapshot
from fleet.stream.login import BrokerLogin
from fleet.stream.names import name_of
from fleet.stream.presence import Identity
from fleet.stream.runner import FleetRunner, RunnerParts
from fleet.stream.shared_quota import SharedQuota
from fleet.work.machines import FleetMachines
from git.worktrees import Repository
from running.shared_accounts import SharedAccounts
from runstate.server_state import FleetView
from security.grants import Role, Visitor
from settings import Settings
from store.rows import now_ms


async def fleet_runner(app: web.Application, settings: Settings, data_dir: Path) -> FleetRunner:
    """Return the part of a server with the setting `fleet`, not started yet."""
    services, identity = app[SERVICES], await _identity(app[SERVICES], settings, data_dir)
    workspace = services.workspace

    def show(view: FleetView) -> None:
        services.server_state.fleet = view
        services.hub.refresh()

    async def relayed(role: Role, method: str, target: str, headers: Headers, body: bytes) -> RelayedResponse:
        return await relay(app, Visitor(role), method, target, headers, body)

    parts = RunnerParts(
        snapshot=lambda: (services.run_state.run.seq, snapshot(services)[1]),
        init=services.hub.init_text,
        relay=relayed,
        quota=SharedQuota(identity.name, SharedAccounts(workspace), workspace.clock),
        clock=workspace.clock,
    )
    login = BrokerLogin(
        address=settings.fleet or "",
        user=settings.fleet_user or identity.name,
        password=settings.fleet_password,
        creds=settings.fleet_creds,
        nkey=settings.fleet_nkey,
    )
    return FleetRunner(login, identity, services.database, parts, show, FleetMachines(login, identity.name))


async def _identity(services: Services, settings: Settings, data_dir: Path) -> Identity:
    project, git = services.workspace.project, services.workspace.git
    host = socket.gethostname()
    machine = settings.fleet_machine or host
    return Identity(
        name=settings.fleet_name or name_of(project.name, machine),
        project=project.name,
        machine=machine,
        folder=str(project.root),
        place=str(data_dir),
        branch=None if git is None else await Repository.of(git).branch(),
        started_at=now_ms(),
        epoch=services.database.epoch,
        instance=secrets.token_hex(8),
        host=host,
    )
