"""The calls of the programs of one delivery: what each is given, and where its output goes."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Final

from base.files import atomic_write
from running.delivery import programs
from running.delivery.description import describe, marker_of
from running.delivery.programs import FOLDER, ProgramResult, environment_of, fill
from running.workspace import Workspace
from store.deliveries import DeliveryRow

REQUEST: Final = "request"  # the call that makes the request: it alone gets title and body
# A URL becomes a part of command lines, so that it holds nothing that a shell would read.
_URL: Final = re.compile(r"https?://[A-Za-z0-9._~:/?#@=%+-]+[A-Za-z0-9/]")


class ProgramCalls:
    """The calls of programs for deliveries, one after the other."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def run(self, row: DeliveryRow, name: str, line: str) -> ProgramResult:
        """Run the program of a command template; `name` is what the files of its output are called."""
        values = {
            "remote": row.remote,
            "branch": row.branch,
            "base": row.base or "",
            "head": row.wanted,
            "key": row.keys[0],
            "url": row.url or "",
            "marker": marker_of(self._workspace, row),
        }
        if name == REQUEST:
            values |= await self._written(row)
        environment = environment_of(self._workspace, values)
        root = self._workspace.project.root
        return await programs.run_program(fill(line, values), root, environment, self.output(row, name))

    def output(self, row: DeliveryRow, name: str) -> Path:
        """The file of a program's output."""
        return self._workspace.data_dir / FOLDER / str(row.id) / f"{name}.out"

    def said(self, ran: ProgramResult) -> str:
        """Return what a program that failed has printed, masked."""
        if ran.problem is not None:
            return self._workspace.masker.text(f"{ran.problem}: install it, or change the setting")
        return self._workspace.masker.text(ran.words) or f"it ended with {ran.code}"

    async def _written(self, row: DeliveryRow) -> dict[str, str]:
        """Write the title and the body into files, and return them with their places."""
        described = await describe(self._workspace, row)
        folder = self.output(row, REQUEST).parent
        title, body = folder / "title.txt", folder / "body.md"
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        await asyncio.to_thread(atomic_write, title, f"{described.title}\n".encode())
        await asyncio.to_thread(atomic_write, body, described.body.encode())
        files = {"title_file": str(title), "body_file": str(body)}
        return {"title": described.title, "body": described.body, **files}


def url_in(output: str) -> str | None:
    """Return the last address in a program's output, None where it printed none."""
    found = _URL.findall(output)
    return found[-1] if found else None
