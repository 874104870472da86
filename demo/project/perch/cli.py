"""The command line: finds the commands, opens the notebook, runs one, and turns errors into messages."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from perch import commands
from perch.errors import PerchError
from perch.notebook import Notebook


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="perch", description="A field notebook for birdwatchers.")
    parsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for found in pkgutil.iter_modules(commands.__path__):
        importlib.import_module(f"perch.commands.{found.name}").register(parsers)
    return parser


def main(argv: Sequence[str] | None = None, out: TextIO | None = None) -> int:
    args = build_parser().parse_args(argv)
    notebook = Notebook(Path(os.environ.get("PERCH_NOTEBOOK", "notebook.jsonl")))
    try:
        return int(args.run(notebook, args, out or sys.stdout))
    except PerchError as error:
        print(f"perch: {error}", file=sys.stderr)
        return 2
