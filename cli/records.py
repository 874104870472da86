"""A copy of the records of a project, for verbs that read them without a server and write nothing."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from base.program import PROGRAM_DIR
from cli.archive import DATABASE
from cli.config import ServerConfig, agent_specs, masker_of
from cli.errors import CannotStart
from db import Database
from git.process import GitUnusable
from running.repository import find_git
from running.trust import why_untrusted
from running.workspace import Workspace
from store.schema import SchemaTooNew

COPIED: Final = (DATABASE, f"{DATABASE}-wal")  # not the shared memory of SQLite, which belongs to its processes


@asynccontextmanager
async def copied_workspace(config: ServerConfig) -> AsyncIterator[Workspace]:
    """Yield the project with a copy of its records in a temporary folder. Raises `CannotStart`."""
    with tempfile.TemporaryDirectory(prefix="sprint-runner-") as folder:
        for name in COPIED:
            source = config.data_dir / name
            if source.is_file():
                shutil.copyfile(source, Path(folder) / name)
        try:
            async with _opened(config, Path(folder)) as workspace:
                yield workspace
        except (SchemaTooNew, GitUnusable) as error:
            raise CannotStart(str(error)) from None


@asynccontextmanager
async def _opened(config: ServerConfig, folder: Path) -> AsyncIterator[Workspace]:
    settings = config.loaded.settings
    database = await Database.open(folder / DATABASE)
    try:
        workspace = Workspace(
            project=config.project,
            settings=lambda: settings,
            agents=agent_specs(settings.agents, settings.prices, config.project.root),
            database=database,
            data_dir=folder,
            prompts=PROGRAM_DIR / "prompts",
            git=None,
            clock=time.time,
            masker=masker_of(config.wanted),
            trust_refusal=lambda: why_untrusted(config.trust, config.loaded),
            left_out=lambda: bool(config.loaded.left_out),
        )
        yield replace(workspace, git=await find_git(workspace))
    finally:
        await database.close()
