"""The verb `search`: where words are found in events and transcripts, by the server or in a copy of the records."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from cli.config import ServerConfig
from cli.errors import CannotStart
from cli.records import copied_workspace
from cli.remote import REFUSED, Refused, RemoteServer
from running.lock import running_url
from running.search.find import NO_INDEX, Finder, Wanted
from running.search.query import parse_query
from running.search.views import EVENT, TRANSCRIPT, SearchResult, SearchResults
from security.controls import visible
from store.search import prepare_index

NOTHING: Final = 1  # the exit code when nothing was found, as of grep


def search_records(options: argparse.Namespace, config: ServerConfig) -> int:
    """Print what was found, newest first, and return the exit code. Raises `CannotStart`."""
    # What the shell has taken out of quotation marks is a phrase.
    query = " ".join(f'"{word}"' if " " in word and '"' not in word else word for word in options.words)
    if not parse_query(query):
        raise CannotStart("there is nothing to search for: give a word")
    try:
        ask = _asked if running_url(config.data_dir) else _own
        found = ask(config, query, options)
    except Refused as refusal:
        sys.stderr.write(f"refused: {refusal}\n")
        return REFUSED
    sys.stdout.write(msgspec.json.encode(found).decode() + "\n" if options.json else visible(as_text(found)))
    return 0 if found.results else NOTHING


def _asked(config: ServerConfig, query: str, options: argparse.Namespace) -> SearchResults:
    """Return what the running server answers."""
    given = {"q": query, "limit": options.limit, "story": options.story, "kind": options.kind}
    params = {name: value for name, value in given.items() if value is not None}
    answer: Any = RemoteServer(config).get(f"/api/search?{urlencode(params)}")
    return msgspec.convert(answer, SearchResults)


def _own(config: ServerConfig, query: str, options: argparse.Namespace) -> SearchResults:
    return asyncio.run(_find(config, query, options))


async def _find(config: ServerConfig, query: str, options: argparse.Namespace) -> SearchResults:
    async with copied_workspace(config) as workspace:
        if await workspace.database.write(prepare_index) is not None:
            raise CannotStart(NO_INDEX)
        kinds = (EVENT, TRANSCRIPT) if options.kind is None else (options.kind,)
        wanted = Wanted(terms=parse_query(query), kinds=kinds, story=options.story, limit=options.limit)
        found = await Finder(workspace, None).find(wanted)
        return msgspec.convert(workspace.masker.value(msgspec.to_builtins(found)), SearchResults)


def as_text(found: SearchResults) -> str:
    """Return the results as lines: when, where, what."""
    lines = [_line(result) for result in found.results]
    if found.count is not None and found.count > len(lines):
        lines.append(f"{len(lines)} of {found.count:,}{'+' if found.more else ''} results, newest first")
    if found.backlog is not None:
        waiting = _waiting(found.backlog.events, found.backlog.transcripts)
        lines.append(f"not all is searched yet: {waiting} wait")
    return "".join(f"{line}\n" for line in lines) or "nothing was found\n"


def _line(result: SearchResult) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(result.at / 1000))
    number = f"event {result.seq}" if result.seq is not None else f"command {result.command_id}, entry {result.entry}"
    where: Sequence[str | None] = (result.story_key, result.command, number)
    return f"{when}  {' '.join(part for part in where if part)}: {result.excerpt}"


def _waiting(events: int, transcripts: int) -> str:
    counted = [(events, "event"), (transcripts, "transcript")]
    return " and ".join(f"{count:,} {noun}{'' if count == 1 else 's'}" for count, noun in counted if count)
