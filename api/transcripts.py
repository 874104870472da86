"""The routes of transcripts: the output of an agent as entries, or the recorded stream, both with masked secrets.

The recording on disk is not masked and readable by its owner only; every response is masked.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web

import agents
from api.http import SERVICES, ApiError, Services, json_response, path_id, query_int
from api.masked import MaskedResponse
from api.recordings import RECORDINGS
from running.recorded_call import stream_file
from running.retention import absence
from running.runner_task import RUNNER
from security.streams import StreamMasker
from store.commands import Command, get_command
from store.hints import get_hints_of_command, get_sent_hints

PIECE_BYTES: Final = 1 << 20  # bytes of the stream that are read, masked and sent at a time
ENTRIES_MOST: Final = 1_000_000  # the largest `from`
PAGE_MAX: Final = 2_000  # entries of one page
LINE_BYTES: Final = 32 << 20  # a longer line is masked and sent in parts


class Transcript(msgspec.Struct, frozen=True, rename={"start": "from"}):
    """The entries from `from` on, of `total` ones; `hints` are those of the operator that the prompt held.

    `waiting` are messages that the agent has not taken yet. `takes_messages` is None where no agent runs.
    While `reading` the recording is still being read, and `total` counts what was read so far.
    """

    command_id: int
    command: str
    start: int
    total: int
    hints: list[str]
    waiting: list[str]
    takes_messages: bool | None
    reading: bool
    entries: list[agents.TranscriptEntry]


@dataclass(frozen=True, slots=True)
class OperatorWords:
    """What the operator has said to a command; see `Transcript`."""

    hints: list[str]
    waiting: list[str]
    takes_messages: bool | None


async def get_transcript(request: web.Request) -> web.StreamResponse:
    services, command_id = request.app[SERVICES], path_id(request, "id")
    command = await services.database.read(get_command, command_id)
    if command is None:
        raise ApiError(404, "not_found", f"there is no command {command_id}")
    if command.stream_path is None:
        return await _absent(request, services, command)
    path = await asyncio.to_thread(stream_file, services.workspace.data_dir / command.stream_path)
    if not await asyncio.to_thread(path.is_file):
        return await _absent(request, services, command)
    if request.query.get("raw") == "1":
        return await _send(request, path, services)
    had = query_int(request, "from", 0, 0, ENTRIES_MOST) or 0
    limit = query_int(request, "limit", None, 1, PAGE_MAX)
    spec = services.workspace.agents.get(command.agent)
    plain = services.workspace.data_dir / command.stream_path
    words = await _words(services, command_id)
    try:
        content = await request.app[RECORDINGS].read(
            plain,
            "text" if spec is None else spec.kind,
            services.workspace.masker.value,
            command.ended_at is not None,
            partial(_page, command=command, words=words, had=had, limit=limit),
            whole=limit is None,  # a client that asks for no page knows of no `reading`
        )
    except OSError as error:
        raise ApiError(503, "disk", f"the transcript cannot be indexed: {error.strerror or error}") from None
    return MaskedResponse(body=content, content_type="application/json", headers={"Cache-Control": "no-store"})


async def _absent(request: web.Request, services: Services, command: Command) -> web.Response:
    """Respond where there is no stream, yet or any more: the transcript with the reason, the raw stream with 404."""
    workspace = services.workspace
    raw, starts = request.query.get("raw") == "1", command.ended_at is None and command.agent != RUNNER
    why = absence(command, workspace.settings().retention_days, workspace.clock())
    if raw:
        raise ApiError(404, "not_found", why)
    words = await _words(services, command.id) if starts else OperatorWords([], [], None)
    entries = [] if starts else [agents.TranscriptEntry(agents.EntryKind.NOTE, why)]
    return json_response(_transcript(command, words, 0, len(entries), False, entries))


def _transcript(
    command: Command, words: OperatorWords, start: int, total: int, reading: bool, entries: list[agents.TranscriptEntry]
) -> Transcript:
    return Transcript(
        command.id,
        command.command,
        start,
        total,
        words.hints,
        words.waiting,
        words.takes_messages,
        reading,
        entries,
    )


async def _words(services: Services, command_id: int) -> OperatorWords:
    given = await services.database.read(get_hints_of_command, command_id)
    sent = await services.database.read(get_sent_hints, command_id)
    call = services.workspace.live_calls.get(command_id)
    return OperatorWords(
        hints=[hint.text for hint in given if hint.sent_to != command_id],
        waiting=[hint.text for hint in sent if hint.command_id is None],
        takes_messages=None if call is None else call.takes_messages and bool(call.story_key),
    )


def _page(index: agents.TranscriptIndex, command: Command, words: OperatorWords, had: int, limit: int | None) -> bytes:
    """Return a page of the entries after the first `had`; without a limit, the first and the last ones of all.

    Of a stream so long that its middle is omitted, only the first entries keep their positions; all others are sent.
    """
    if limit is not None:
        start = min(had, len(index))
        entries = index.page(start, start + limit)
    else:
        entries = index.ends()
        start = min(had, agents.steady(len(entries)))
        entries = entries[start:]
    page = _transcript(command, words, start, len(index), index.is_behind, [])
    head = msgspec.json.encode(page)
    return b"%b%b]}" % (head.removesuffix(b"]}"), b",".join(entries))


async def _send(request: web.Request, path: Path, services: Services) -> web.StreamResponse:
    """Send the stream in pieces of whole lines, with bounded memory."""
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", "Cache-Control": "no-store"})
    await response.prepare(request)
    pieces, masker = _pieces(path), StreamMasker(services.workspace.masker)
    while piece := await asyncio.to_thread(next, pieces, b""):
        await response.write(await asyncio.to_thread(masker.feed, piece))
    await response.write(await asyncio.to_thread(masker.close))
    await response.write_eof()
    return response


def _pieces(path: Path) -> Iterator[bytes]:
    """Yield whole lines of a recording, plain or compressed; a damaged one ends where the damage begins."""
    rest = b""
    try:
        with agents.open_recording(path) as file:
            while chunk := file.read(PIECE_BYTES):
                rest += chunk
                cut = rest.rfind(b"\n") + 1
                if cut == 0 and len(rest) >= LINE_BYTES:
                    cut = len(rest)
                if cut:
                    yield rest[:cut]
                    rest = rest[cut:]
    except (OSError, EOFError, zlib.error):  # OSError: also what gzip raises for damage
        pass
    if rest:
        yield rest


ROUTES: Final = [web.get("/api/commands/{id}/transcript", get_transcript)]
