"""perch list: the sightings, the newest first."""

from __future__ import annotations

from argparse import Namespace
from typing import Any, TextIO

from perch.notebook import Notebook


def register(commands: Any) -> None:
    parser = commands.add_parser("list", help="show the sightings, the newest first")
    parser.add_argument("--limit", type=int, default=20, help="how many (default 20)")
    parser.set_defaults(run=run)


def run(notebook: Notebook, args: Namespace, out: TextIO) -> int:
    newest = sorted(notebook.sightings(), key=lambda each: (each.day, each.number), reverse=True)
    if not newest:
        print('The notebook is empty. Start with: perch add "House Sparrow"', file=out)
    for sighting in newest[: args.limit]:
        print(sighting, file=out)
    return 0
