"""The command line: the parsers of the server and of each verb."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from base.program import DATA_FOLDER
from cli.logs import FORMATS
from demo.fresh import CHAOS, STORIES, TOUR, V7
from settings import BATCH_MAX, BY_NAME
from settings.version import VERSION


def program_name() -> str:
    """Return the name that the program was called by, for usage and errors."""
    # For `python FOLDER` and `python -m`, sys.argv[0] is a path; only sys.orig_argv has what was typed.
    match sys.orig_argv[: len(sys.orig_argv) - len(sys.argv) + 1]:
        case [*_, "-m", module]:
            return f"python -m {module}"
        case [*_, path] if Path(path).is_dir():
            return f"python {path}"
        case [*_, path] if Path(path).is_file():
            return Path(path).name
        case _:
            return "sprint-runner"


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line; `verb` is the verb, or `serve` without one."""
    # Not argparse's subparsers, which would take the project's folder for a wrong verb.
    verb = argv[0] if argv and argv[0] in VERBS else "serve"
    if verb != "serve":
        return _parser_of(verb).parse_args(argv[1:], argparse.Namespace(verb=verb))
    parser = argparse.ArgumentParser(
        prog=program_name(),
        description="Runs AI coding agents through a BMAD backlog and shows everything in the browser.",
        epilog="Also: "
        + "; ".join(f"{program_name()} {name} {text}" for name, (text, _) in VERBS.items())
        + ". Each has its own --help. A project folder of such a name is written ./NAME.",
    )
    _add_server(parser)
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    parser.add_argument("--version", action="version", version=f"Sprint Runner {VERSION}")
    return parser.parse_args(argv, argparse.Namespace(verb=verb))


def _parser_of(verb: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"{program_name()} {verb}", description=VERBS[verb][0])
    VERBS[verb][1](parser)
    return parser


def _add_project(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", nargs="?", type=Path, help="the project's folder (default: this one or above it)")
    parser.add_argument("--data-dir", type=str, help=f"folder of the database (default PROJECT/{DATA_FOLDER})")


def _add_server(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    demo = parser.add_mutually_exclusive_group()
    demo.add_argument(
        "--demo",
        action="store_const",
        const=TOUR,
        help="lay out the demo project, in PROJECT if given, and run its scripted agent",
    )
    demo.add_argument(  # a separate option: argparse would read the folder of `--demo PROJECT` as its value
        "--demo=chaos",
        action="store_const",
        const=CHAOS,
        dest="demo",
        help="as --demo, with an agent that fails in another way in every story",
    )
    for kind, plan in ((V7, "a tree of tickets (BMAD 7)"), (STORIES, "a stories.yaml (BMAD 6.11)")):
        demo.add_argument(
            f"--demo={kind}",
            action="store_const",
            const=kind,
            dest="demo",
            help=f"as --demo, with a project that is planned as {plan} and built by an unattended build",
        )
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    parser.add_argument(
        "--port", type=int, help="port to listen on, 0 for a free one (default 8080, else the next free one)"
    )
    parser.add_argument("--agent", help="the agent to run (default claude)")
    parser.add_argument("--trust", action="store_true", help="trust the folder and the settings that it has now")
    parser.add_argument("--log-level", default="warning", choices=("debug", "info", "warning", "error"))
    parser.add_argument("--log-format", default="text", choices=FORMATS, help="of what goes to standard error")


def _add_run(parser: argparse.ArgumentParser) -> None:
    _add_server(parser)
    parser.add_argument("--batch", type=_cycles, metavar="N", help="how many cycles, or all (default: as set)")
    parser.add_argument("--story", action="append", metavar="KEY", help="only this story; may be given again")
    parser.add_argument("--budget", type=_dollars, metavar="USD", help="pause when this much is spent")
    parser.add_argument("--resume", action="store_true", help="continue an interrupted batch, if there is one")
    parser.add_argument("--plan", action="store_true", help="run the project's own sprint planning")
    parser.add_argument("--write-tracker", action="store_true", help="write a tracker that another program makes")
    parser.add_argument("--synced", action="store_true", help="the copy of tickets that a tracker keeps is fresh")
    parser.add_argument("--wait", action="store_true", help="wait for the operator in a pause instead of exiting")
    parser.add_argument("--json", action="store_true", help="write each event as one line of JSON")
    parser.add_argument("--no-browser", action="store_true", help="open no page (none is opened anyway)")


def _add_init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", nargs="?", type=Path, help="the project's folder (default: this one)")
    parser.add_argument("--yes", action="store_true", help="write it without asking")


def _add_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the backup, a .tar.gz")
    _add_project(parser)


def _add_check(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--agent", help="the agent to check (default: as set)")
    parser.add_argument("--json", action="store_true", help="write the findings as one JSON array")


def _add_trust(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", nargs="?", type=Path, help="the project's folder (default: this one or above it)")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--yes", action="store_true", help="trust it without a question")
    action.add_argument("--list", action="store_true", help="list the folders that are trusted")
    action.add_argument("--revoke", action="store_true", help="trust the folder no more")


def _add_remote(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--project", type=Path, metavar="PATH", help="the project's folder (default: as for a server)")
    parser.add_argument("--data-dir", type=str, help=f"folder of the database (default PROJECT/{DATA_FOLDER})")
    parser.add_argument("--json", action="store_true", help="print the response as JSON")


def _add_answer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", help="of a question or a gate, as `needs` lists it")
    parser.add_argument("text", nargs="+", help="the answer, or the decision at a gate; - reads standard input")
    _add_remote(parser)


def _add_hint(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", help="the story")
    parser.add_argument("text", nargs="+", help="the hint; - reads standard input")
    parser.add_argument("--retry", action="store_true", help="try a blocked story again with it")
    parser.add_argument(
        "--confirm",
        action="store_true",
        help="with --retry: delete the story's file where that is needed",
    )
    _add_remote(parser)


def _add_revert(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", help="the story")
    parser.add_argument("--status", default="ready-for-dev", help="of the story then (default: ready-for-dev)")
    _add_remote(parser)


def _add_message(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", type=int, metavar="ID", help="the id of the running command")
    parser.add_argument("text", nargs="+", help="the message; - reads standard input")
    _add_remote(parser)


def _add_branch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", type=int, metavar="ID", help="the id of the command")
    parser.add_argument("name", nargs="?", help="of the branch (default: before/STORY-COMMAND-ID)")
    _add_remote(parser)


def _add_skip(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", help="the story")
    parser.add_argument("text", nargs="+", metavar="reason", help="why; - reads standard input")
    _add_remote(parser)


def _add_story(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", help="the story")
    _add_remote(parser)


def _add_start(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--batch", type=_cycles, metavar="N", help="how many cycles, or all (default: as set)")
    parser.add_argument("--story", action="append", metavar="KEY", help="only this story; may be given again")
    parser.add_argument("--budget", type=_dollars, metavar="USD", help="pause when this much is spent")
    parser.add_argument("--agent", help="the agent of this batch (default: as set)")
    parser.add_argument("--at", metavar="HH:MM", help="begin to work when this machine's clock shows it next")
    _add_remote(parser)


def _add_preview(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--story", action="append", metavar="KEY", help="of this story; may be given again")
    parser.add_argument("--command", metavar="NAME", help="only this command of the story, whatever its status")
    parser.add_argument("--agent", help="with this agent (default: as set)")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def _add_brief(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("batch", nargs="?", type=int, metavar="BATCH", help="its number (default: the newest)")
    parser.add_argument("--project", type=Path, metavar="PATH", help="the project's folder (default: as for a server)")
    parser.add_argument("--data-dir", type=str, help=f"folder of the database (default PROJECT/{DATA_FOLDER})")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--html", action="store_true", help="as an HTML file (default: Markdown)")
    form.add_argument("--json", action="store_true", help="as JSON")


def _add_search(parser: argparse.ArgumentParser) -> None:
    _add_remote(parser)
    parser.add_argument("words", nargs="+", metavar="WORD", help="all have to be found; a quoted phrase as it is")
    parser.add_argument("--story", metavar="KEY", help="only what is about this story")
    parser.add_argument("--kind", choices=("event", "transcript"), help="only these (default: both)")
    parser.add_argument(
        "--limit", type=int, choices=range(1, 201), default=20, metavar="N", help="so many (default 20)"
    )


def _add_receipt(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="COMMIT|FILE", help="a commit, by any name that git knows, or a receipt's file")
    parser.add_argument("--repository", type=Path, metavar="PATH", help="the clone (default: this folder's)")
    parser.add_argument(
        "--allowed-signers",
        type=Path,
        metavar="FILE",
        help="whose signatures count, as ssh-keygen reads it (default: gpg.ssh.allowedSignersFile of git)",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _add_forecast(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--stories", metavar="KEYS", help="of these stories, with commas (default: what would run)")
    parser.add_argument("--backtest", action="store_true", help="how often earlier ranges would have held the truth")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def _add_fleet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on, 0 for a free one (default 8070, else the next)")
    parser.add_argument(
        "--allowed-host", action="append", default=[], metavar="NAME", help="a name that it answers to, as of a proxy"
    )
    parser.add_argument(
        "--broker",
        metavar="URL",
        help="NATS server of other machines (default $SPRINT_RUNNER_FLEET)",
    )
    parser.add_argument(
        "--prepare", nargs="+", metavar="NAME", help="make the streams of these runners on the NATS server, and end"
    )
    parser.add_argument(
        "--nkey",
        type=Path,
        metavar="FILE",
        help="make a key: write its seed to a new file, print its name, and end",
    )
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    parser.add_argument("--log-level", default="warning", choices=("debug", "info", "warning", "error"))
    parser.add_argument("--log-format", default="text", choices=FORMATS, help="of what goes to standard error")


def _add_worker(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fleet", metavar="URL", help="NATS server of the fleet (default $SPRINT_RUNNER_FLEET)")
    parser.add_argument("--name", help="the worker's name, unique in the fleet (default: after the machine)")
    parser.add_argument("--places", type=int, default=1, metavar="N", help="lanes at a time (default 1)")
    parser.add_argument("--label", action="append", default=[], help="what it has beside agents; may be given again")
    parser.add_argument(
        "--project", action="append", default=[], metavar="NAME", help="work for this runner only; may be given again"
    )
    parser.add_argument("--settings", type=Path, metavar="FILE", help="settings with this machine's agents")
    parser.add_argument("--data-dir", metavar="FOLDER", help="folder of its copies (default: in the state folder)")
    parser.add_argument("--demo", action="store_true", help="offer the scripted agent, too")
    parser.add_argument("--log-level", default="warning", choices=("debug", "info", "warning", "error"))
    parser.add_argument("--log-format", default="text", choices=FORMATS, help="of what goes to standard error")


def _add_stop(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--now", action="store_true", help="end the running command too")
    _add_remote(parser)


def _cycles(text: str) -> int | str:
    """Parse a batch size."""
    if text == "all":
        return text
    if text.isascii() and text.isdigit() and 1 <= int(text) <= BATCH_MAX:
        return int(text)
    raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {BATCH_MAX}, or all")


def _dollars(text: str) -> float:
    """Parse a budget; its range is that of the setting."""
    low, high = BY_NAME["budget_batch_usd"].low or 0, BY_NAME["budget_batch_usd"].high or 0
    try:
        usd = float(text)
    except ValueError:
        usd = 0.0
    if low <= usd <= high:
        return usd
    raise argparse.ArgumentTypeError(f"must be a number of US dollars from {low:g} to {high:g}")


def _add_token(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reader", action="store_true", help="says how to use it as the token of readers")


VERBS: Final[Mapping[str, tuple[str, Callable[[argparse.ArgumentParser], None]]]] = {
    "run": ("runs one batch, prints its events and exits", _add_run),
    "check": ("checks the project, its records and the agents", _add_check),
    "init": ("makes a sprint-status.yaml of a project's epics, shown before it is written", _add_init),
    "trust": ("lets a folder's settings start programs, and agents work in it", _add_trust),
    "token": ("prints a new token, with --reader one for readers, who can change nothing", _add_token),
    "preview": ("shows what would be sent next, with prompts and command lines, and starts nothing", _add_preview),
    "forecast": ("says what will run, what it will cost and when it ends, from this project's history", _add_forecast),
    "status": ("prints what the running server does", _add_remote),
    "needs": ("lists what needs you", _add_remote),
    "answer": ("ID TEXT answers a question, or decides at a gate", _add_answer),
    "hint": ("KEY TEXT gives the next command of a story a hint", _add_hint),
    "message": ("ID TEXT sends a message to the agent of a running command", _add_message),
    "skip": ("KEY REASON puts a story aside until it is brought back", _add_skip),
    "unskip": ("KEY brings a skipped story back", _add_story),
    "take-over": ("KEY pauses a story and prints what continues its session in your terminal", _add_story),
    "hand-back": ("KEY hands it back: what you changed is reviewed next", _add_story),
    "revert": ("KEY takes back the commit of a story by another one", _add_revert),
    "branch": ("ID [NAME] makes a branch of the files as they were before a command", _add_branch),
    "start": ("starts a batch on the running server", _add_start),
    "pause": ("pauses the batch after the current command", _add_remote),
    "resume": ("continues the batch", _add_remote),
    "stop": ("ends the batch after the current command, or now", _add_stop),
    "mcp": ("serves these verbs as tools for agents, on standard input and output", _add_project),
    "brief": ("[BATCH] prints what a batch came to: done, blocked, cost, what needs you, what is next", _add_brief),
    "search": ("WORDS finds them in all events and transcripts, newest first", _add_search),
    "receipt": ("COMMIT|FILE checks the receipt of a story's commit, on any clone", _add_receipt),
    "fleet": ("serves one page of all runners of this machine, with everything that needs you", _add_fleet),
    "worker": ("runs lanes of other machines' sprints with the agents of this one", _add_worker),
    "backup": ("FILE writes the project's records into one file", _add_file),
    "restore": ("FILE restores the records from such a file", _add_file),
}
