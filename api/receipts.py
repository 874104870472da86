"""The receipt of a story's commit: what this clone says of it, and the file that any other one can check."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from aiohttp import web

from api.http import SERVICES, ApiError, Services, json_response
from api.story_records import find_story, newest_receipt
from git.process import GitError
from receipts.envelope import read_line
from running.receipts.check import ReceiptResult, check_receipt, clone_of
from store.receipts import ReceiptRow


class StoryReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /api/stories/{key}/receipt`; `noted_at` is None until the note is written, times in ms since the epoch."""

    story_key: str
    commit: str
    made_at: int
    noted_at: int | None
    result: ReceiptResult
    envelope: dict[str, Any]


async def get_receipt(request: web.Request) -> web.Response:
    """Respond with the newest receipt of a story and the result of its check; with `download=1` with the file."""
    services, key = request.app[SERVICES], request.match_info["key"]
    row = await newest_receipt(services, await find_story(services, key))
    if row is None or not row.line:
        why = "there is no receipt of it yet" if row is None else f"it has no receipt: {row.problem}"
        raise ApiError(404, "not_found", f"{key}: {why}")
    if request.query.get("download") == "1":
        return _file(key, row)
    shown = StoryReceipt(
        story_key=key,
        commit=row.commit_hash,
        made_at=row.made_at,
        noted_at=row.noted_at,
        result=await _checked(services, row),
        envelope=msgspec.json.decode(row.line),
    )
    return json_response(shown)


async def _checked(services: Services, row: ReceiptRow) -> ReceiptResult:
    """Check it here, where the records show who made it."""
    try:
        clone = await clone_of(services.workspace.project.root)
        return (await check_receipt(clone, read_line(row.line), recorded=True)).results[0]
    except GitError as error:
        raise ApiError(409, "git", f"git cannot check the receipt: {error}") from None


def _file(key: str, row: ReceiptRow) -> web.Response:
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", key)[:120]
    headers = {"Content-Disposition": f'attachment; filename="receipt-{safe}.json"', "Cache-Control": "no-store"}
    return web.Response(text=f"{row.line}\n", content_type="application/json", headers=headers)


ROUTES: Final = [web.get("/api/stories/{key}/receipt", get_receipt)]
