"""The verbs of the command line; each returns its exit code."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from cli import remote
from cli.archive import ArchiveError, back_up, described, restore
from cli.brief import show_brief
from cli.check import CheckResult, check
from cli.config import ServerConfig
from cli.errors import CannotStart
from cli.fleet import serve_fleet
from cli.forecast import show_forecast
from cli.headless import Headless, HeadlessOptions
from cli.init import make_tracker
from cli.mcp_server import serve_tools
from cli.preview import show_preview
from cli.receipt import show_receipt
from cli.search import search_records
from cli.trust import how_to_trust, list_folders, revoke, trust_folder
from cli.worker import serve_worker
from orchestrator import StartRequest
from running.lock import ProjectLocked
from security.token import new_token

READERS: Final = (
    "Set it as reader_token in sprint-runner.yaml or as SPRINT_RUNNER_READER_TOKEN, beside token, and restart the "
    "server. Readers open the page once with ?token=… at the end of its address.\n"
)
CHECK_FAILED: Final = 1  # the exit code of `check` when a result is not ok

Serve = Callable[[ServerConfig, Headless | None], Coroutine[Any, Any, int]]


def without_project(options: argparse.Namespace) -> Callable[[], int] | None:
    """Return the verb of the command line if it needs no located project; None for all others."""
    match options.verb:
        case "token":
            return partial(print_token, for_readers=options.reader)
        case "trust" if options.list:
            return list_folders
        case "trust" if options.revoke:
            return partial(revoke, options.project or Path.cwd())
        case "init":
            return partial(make_tracker, options)
        case "receipt":
            return partial(show_receipt, options)
        case "fleet":
            return partial(serve_fleet, options)
        case "worker":
            return partial(serve_worker, options)
        case _:
            return None


def perform(options: argparse.Namespace, config: ServerConfig, serve: Serve) -> int:
    """Run the verb of the command line and return the exit code. Raises `CannotStart`."""
    if options.verb in remote.ACTIONS:
        return remote.perform(options, config)
    match options.verb:
        case "trust":
            return trust_folder(options, config.trust, config.loaded.guarded, config.wanted)
        case "backup":
            return _back_up(options, config)
        case "restore":
            return _restore(options, config)
        case "check":
            return _print_results(asyncio.run(check(config)), as_json=options.json)
        case "preview":
            return show_preview(options, config)
        case "brief":
            return show_brief(options, config)
        case "search":
            return search_records(options, config)
        case "forecast":
            return show_forecast(options, config)
        case "mcp":
            return serve_tools(config)
        case "run":
            return _run(options, config, serve)
        case _:
            # `serve`, the verb of a command line without one.
            return asyncio.run(serve(config, None))


def print_token(*, for_readers: bool) -> int:
    """Print a new token for the setting `token`, or for `reader_token` with its use on standard error."""
    sys.stdout.write(new_token() + "\n")
    if for_readers:
        sys.stderr.write(READERS)
    return 0


def _run(options: argparse.Namespace, config: ServerConfig, serve: Serve) -> int:
    settings = config.loaded.settings
    cycles = settings.default_batch_size if options.batch is None else options.batch
    request = StartRequest(
        cycles=None if cycles == "all" else cycles,
        stories=options.story,
        budget_usd=options.budget,
        write_tracker=options.write_tracker,
        synced=options.synced,
    )
    headless = Headless(
        HeadlessOptions(request, resume=options.resume, wait=options.wait, as_json=options.json, plan=options.plan)
    )
    try:
        return asyncio.run(serve(config, headless))
    finally:
        headless.close()


def _back_up(options: argparse.Namespace, config: ServerConfig) -> int:
    _refuse_other_folder(config)
    try:
        manifest = back_up(config.data_dir, options.file, config.project.name)
    except ArchiveError as error:
        raise CannotStart(str(error)) from None
    sys.stdout.write(f"{options.file}: {described(manifest)}\n")
    return 0


def _refuse_other_folder(config: ServerConfig) -> None:
    """Raise if the data folder of the settings is not trusted: another one would be backed up or replaced."""
    if "data_dir" in config.loaded.left_out and config.loaded.sources["data_dir"] == "default":
        raise CannotStart(
            f"{config.project.root} names its data folder and is not trusted yet. {how_to_trust(config.project.root)} "
            "Or name the folder with --data-dir."
        )


def _restore(options: argparse.Namespace, config: ServerConfig) -> int:
    _refuse_other_folder(config)
    try:
        manifest, aside = restore(options.file, config.data_dir)
    except (ArchiveError, ProjectLocked) as error:
        raise CannotStart(str(error)) from None
    kept = "" if aside is None else f"; the previous content is in {aside}"
    sys.stdout.write(f"restored {described(manifest)}{kept}\n")
    return 0


def _print_results(results: list[CheckResult], *, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(msgspec.json.encode(results).decode() + "\n")
    else:
        width = max(len(result.subject) for result in results)
        for result in results:
            sys.stdout.write(f"{'ok   ' if result.ok else 'WRONG'}  {result.subject:<{width}}  {result.message}\n")
    return 0 if all(result.ok for result in results) else CHECK_FAILED
