"""Skips over HTTP and by the command line, with a real server that is killed."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.api.test_hints import post, server
from tests.servers import ROOT, Server, get

__all__ = ["server"]  # a fixture
KEY = "1-2-b"


async def shown(client: aiohttp.ClientSession) -> tuple[bool, str | None]:
    """Whether the plan lets the story run, and the reason for which it is skipped."""
    stories = (await get(client, "/api/sprint"))["stories"]
    [story] = [story for story in stories if story["key"] == KEY]
    return story["runnable"], story.get("skipped")


async def test_a_skip_is_shown_with_its_reason_and_survives_a_kill(
    client: aiohttp.ClientSession, server: Server, tmp_path: Path
) -> None:
    before = (await get(client, "/api/run"))["plan"]["runnable"]
    assert await post(client, f"{KEY}/skip", reason=" The design\r\nis open. ") == (202, {"note": None})
    assert await shown(client) == (False, "The design\nis open.")
    assert (await get(client, "/api/run"))["plan"]["runnable"] == before - 1
    await asyncio.to_thread(server.end, signal.SIGKILL)
    await asyncio.to_thread(server.start)
    async with aiohttp.ClientSession(server.url) as again:
        assert await shown(again) == (False, "The design\nis open.")
        assert (await get(again, "/api/run"))["plan"]["runnable"] == before - 1
        assert (await get(again, f"/api/stories/{KEY}"))["plan"]["skipped"] == "The design\nis open."
        assert await post(again, f"{KEY}/unskip") == (202, {"status": "ready-for-dev"})
        assert await shown(again) == (True, None)
        status, refused = await post(again, f"{KEY}/unskip")
        assert (status, refused["error"]["message"]) == (409, f"{KEY} is not skipped")


async def test_another_try_of_a_skipped_story_brings_it_back(client: aiohttp.ClientSession) -> None:
    assert (await post(client, "1-1-a/skip", reason="later"))[0] == 202
    assert (await post(client, "1-1-a/retry"))[0] == 202
    stories = (await get(client, "/api/sprint"))["stories"]
    assert [story.get("skipped") for story in stories if story["key"] == "1-1-a"] == [None]


@pytest.mark.parametrize(
    ("key", "fields", "status", "message"),
    [
        ("9-9-z", {"reason": "x"}, 404, "the plan has no story '9-9-z'"),
        ("1-3-c", {"reason": "x"}, 409, "1-3-c is done: there is nothing left to skip"),
        (KEY, {}, 400, "reason: must be a reason of 1 to 16384 bytes"),
        (KEY, {"reason": " \n"}, 400, "reason: must be a reason of 1 to 16384 bytes"),
        (KEY, {"reason": "é" * 8193}, 400, "reason: must be a text of at most 16384 bytes"),
        (KEY, {"reason": "a\x1b[2Jb"}, 400, "reason: contains control codes; take them out"),
    ],
)
async def test_what_is_wrong_is_refused_in_a_sentence(
    client: aiohttp.ClientSession, key: str, fields: dict[str, str], status: int, message: str
) -> None:
    found, refused = await post(client, f"{key}/skip", **fields)
    assert (found, refused["error"]["message"]) == (status, message)


async def test_the_command_line_skips_and_brings_back(client: aiohttp.ClientSession, tmp_path: Path) -> None:
    def verb(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, str(ROOT / "server.py"), *arguments, "--project", str(tmp_path / "tiny")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    assert await asyncio.to_thread(verb, "skip", KEY, "not", "now") == (0, f"{KEY} is skipped.\n")
    assert await shown(client) == (False, "not now")
    assert await asyncio.to_thread(verb, "unskip", KEY) == (0, f"{KEY} is back, at ready-for-dev.\n")
    assert await asyncio.to_thread(verb, "skip", "1-3-c", "x") == (
        1,
        "refused: 1-3-c is done: there is nothing left to skip\n",
    )
