"""A branch of the files as they were before a command."""

from __future__ import annotations

from typing import Final

import msgspec
from aiohttp import web

from api.bodies import BranchBody
from api.http import SERVICES, ApiError, json_response, path_id, read_body
from running.snapshot_branch import branch_before
from store.commands import get_command


class BranchMade(msgspec.Struct, frozen=True):
    branch: str
    commit: str


async def post_branch(request: web.Request) -> web.Response:
    """Make the branch; work tree and HEAD stay as they are, and a branch that exists is refused."""
    services, command_id = request.app[SERVICES], path_id(request, "id")
    body = await read_body(request, BranchBody)
    command = await services.database.read(get_command, command_id)
    if command is None:
        raise ApiError(404, "not_found", f"there is no command {command_id}")
    branch, commit = await branch_before(services.workspace, command, body.name)
    return json_response(BranchMade(branch, commit), 202)


ROUTES: Final = [web.post("/api/commands/{id}/branch", post_branch)]
