"""perch add: write down a sighting."""

from __future__ import annotations

from argparse import Namespace
from datetime import date
from typing import Any, TextIO

from perch.days import parse_day
from perch.notebook import Notebook


def register(commands: Any) -> None:
    parser = commands.add_parser("add", help="write down a sighting")
    parser.add_argument("species")
    parser.add_argument("--count", type=int, default=1, help="how many birds (default 1)")
    parser.add_argument("--place", default="")
    parser.add_argument("--on", metavar="DAY", help="the day (default today)")
    parser.set_defaults(run=run)


def run(notebook: Notebook, args: Namespace, out: TextIO) -> int:
    today = date.today()
    day = parse_day(args.on, today) if args.on else today
    print(notebook.add(args.species, day, args.count, args.place), file=out)
    return 0
