"""The plan as the page shows it: with what the operator has put aside, and where finished work was delivered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec

import sprint
from api.http import Services
from running.delivery.decisions import words_of
from sprint import StoryInfo
from store.deliveries import get_deliveries
from store.skips import SkipRow, get_skips


async def overview_of(services: Services) -> sprint.Overview:
    """Return the plan with what the operator has put aside and where finished work was delivered."""
    overview = await asyncio.to_thread(sprint.overview, services.workspace.project)
    skips = await services.database.read(get_skips)
    delivered = {key: words_of(row) for row in await services.database.read(get_deliveries) for key in row.keys}
    if not skips and not delivered:
        return overview
    return msgspec.structs.replace(overview, stories=[_seen(story, skips, delivered) for story in overview.stories])


def _seen(story: StoryInfo, skips: Mapping[str, SkipRow], delivered: Mapping[str, str]) -> StoryInfo:
    if story.key in skips and story.status not in ("done", "parked"):
        return msgspec.structs.replace(story, skipped=skips[story.key].reason, runnable=False)
    words = next((delivered[name] for name in reversed(story.names) if name in delivered), "")
    return msgspec.structs.replace(story, delivery=words) if words else story
