"""The export of a story's dossier or of a batch as one HTML file.

The size is bounded: very long transcripts and changes are cut, with a note in the file.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from functools import partial
from typing import Final, TypeVar

from aiohttp import web

import agents
from agents import TranscriptEntry
from api import reports
from api.dossier import Dossier, dossier_of, evidence_by_story
from api.http import SERVICES, ApiError, Services, path_id
from api.story_records import find_story, under_all_names
from git.history import NoSuchChange, TreeChange, change_of
from git.process import GitError
from running.recorded_call import stream_file
from store.batches import summarise_batch
from store.commands import Command, get_commands_by_batch, get_commands_by_key
from store.log import EventFilter, find_events
from store.stories import Story, get_stories_by_batch

T = TypeVar("T")

ENTRIES_MAX: Final = 400  # entries of one transcript, half from its beginning and half from its end
TEXT_MAX: Final = 4 << 20  # characters of all transcripts together
COMMITS_MAX: Final = 10  # commits with their diff
REMARKS_MAX: Final = 200  # per type of REMARKS
REMARKS: Final = ("batch:warning", "batch:pause", "error", "attention")


async def export_story(request: web.Request) -> web.Response:
    """Respond with the dossier of a story, its transcripts and the diffs of its commits."""
    services, key = request.app[SERVICES], request.match_info["key"]
    dossier = _masked(services, await dossier_of(services, key), Dossier)
    commands = await under_all_names(services, await find_story(services, key), get_commands_by_key)
    changes = {commit.hash: await _change(services, commit.hash) for commit in dossier.commits[:COMMITS_MAX]}
    transcripts = await _transcripts(services, commands)
    content = await asyncio.to_thread(reports.story_report, dossier, transcripts, changes, _now(services))
    return await _file(services, f"story-{key}", content)


async def export_batch(request: web.Request) -> web.Response:
    """Respond with a batch: its stories, commands, costs, warnings and questions."""
    services, batch_id = request.app[SERVICES], path_id(request, "id")
    database = services.database
    batch = await database.read(summarise_batch, batch_id)
    if batch is None:
        raise ApiError(404, "not_found", f"there is no batch {batch_id}")
    stories = await database.read(get_stories_by_batch, batch_id)
    commands = await database.read(get_commands_by_batch, batch_id)
    remarks = []
    for kind in REMARKS:
        wanted = EventFilter(since=0, batch=batch_id, type=kind, story=None, text=None)
        remarks += await database.read(find_events, wanted, REMARKS_MAX)
    remarks.sort(key=lambda event: event.seq)
    project = services.workspace.project.name
    evidence = await evidence_by_story(services)
    stories = _masked(services, stories, list[Story])
    commands = _masked(services, commands, list[Command])
    report = partial(reports.batch_report, project, batch, stories, commands, evidence, remarks, _now(services))
    content = await asyncio.to_thread(report)
    return await _file(services, f"batch-{batch_id}", content)


async def _change(services: Services, commit: str) -> TreeChange | None:
    git = services.workspace.git
    if git is None:
        return None
    try:
        return _masked(services, await change_of(git, commit), TreeChange)
    except (NoSuchChange, GitError):
        return None


async def _transcripts(services: Services, commands: Sequence[Command]) -> dict[int, list[TranscriptEntry]]:
    """Return the entries by command id; of the newest commands when the size is exceeded."""
    left = TEXT_MAX
    found: dict[int, list[TranscriptEntry]] = {}
    for command in reversed(commands):
        entries = await asyncio.to_thread(_entries, services, command)
        left -= sum(len(entry.text) + len(entry.result) for entry in entries)
        if left < 0:
            break
        found[command.id] = entries
    return found


def _entries(services: Services, command: Command) -> list[TranscriptEntry]:
    if command.stream_path is None:
        return []
    spec = services.workspace.agents.get(command.agent)
    try:
        path = stream_file(services.workspace.data_dir / command.stream_path)
        entries = agents.read_transcript(path, "text" if spec is None else spec.kind)
    except OSError:
        return []
    half = ENTRIES_MAX // 2
    kept = entries if len(entries) <= ENTRIES_MAX else [*entries[:half], *entries[-half:]]
    return _masked(services, kept, list[TranscriptEntry])


def _masked(services: Services, value: T, kind: type[T]) -> T:
    """Return a value with masked secrets in all of its fields, since the file may leave this machine."""
    return services.workspace.masker.struct(value, kind)


def _now(services: Services) -> int:
    return int(services.workspace.clock() * 1000)


async def _file(services: Services, name: str, content: bytes) -> web.Response:
    """Respond with an attachment: shown inline, the file would be a page of this server's origin.

    The whole file is masked as well: some of its texts, such as the title of a story, were not masked as values.
    """
    content = await asyncio.to_thread(services.workspace.masker.bytes, content)
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:120]
    headers = {"Content-Disposition": f'attachment; filename="{safe}.html"', "Cache-Control": "no-store"}
    response = web.Response(body=content, content_type="text/html", charset="utf-8", headers=headers)
    response.enable_compression()
    return response


ROUTES: Final = [
    web.get("/api/stories/{key}/export", export_story),
    web.get("/api/batches/{id}/export", export_batch),
]
