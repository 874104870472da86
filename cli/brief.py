"""The verb `brief`: what a batch came to, by the running server or, where none runs, by a copy of the records."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

import msgspec

from cli.config import ServerConfig
from cli.errors import CannotStart
from cli.records import copied_workspace
from cli.remote import REFUSED, Refused, RemoteServer
from running.brief.markdown import as_markdown
from running.brief.page import as_html
from running.brief.read import last_batch, read_brief
from running.brief.views import Brief
from running.lock import running_url
from security.controls import visible

NO_BATCH = "no batch has run in {root} yet"


def show_brief(options: argparse.Namespace, config: ServerConfig) -> int:
    """Print the brief and return the exit code. Raises `CannotStart`."""
    try:
        brief = (
            _asked(config, options.batch) if running_url(config.data_dir) else asyncio.run(_own(config, options.batch))
        )
    except Refused as refusal:
        sys.stderr.write(f"refused: {refusal}\n")
        return REFUSED
    if options.json:
        sys.stdout.write(msgspec.json.encode(brief).decode() + "\n")
    elif options.html:
        sys.stdout.write(as_html(brief).decode())
    else:
        sys.stdout.write(visible(as_markdown(brief)))
    return 0


def _asked(config: ServerConfig, batch: int | None) -> Brief:
    """What the running server answers."""
    server = RemoteServer(config)
    if batch is None:
        found: Any = server.get("/api/batches?limit=1")["batches"]
        if not found:
            raise CannotStart(NO_BATCH.format(root=config.project.root))
        batch = found[0]["id"]
    return msgspec.convert(server.get(f"/api/batches/{batch}/brief"), Brief)


async def _own(config: ServerConfig, batch: int | None) -> Brief:
    async with copied_workspace(config) as workspace:
        wanted = await last_batch(workspace) if batch is None else batch
        if wanted is None:
            raise CannotStart(NO_BATCH.format(root=config.project.root))
        brief = await read_brief(workspace, wanted, alive=False)
    if brief is None:
        raise CannotStart(f"there is no batch {wanted}")
    return brief
