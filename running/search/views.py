"""What a search returns."""

from __future__ import annotations

import msgspec

from base.plain_json import JsonObject

EVENT, TRANSCRIPT = "event", "transcript"


class SearchResult(msgspec.Struct, frozen=True, kw_only=True):
    """One event, or one entry of a transcript, with the part of its text that was found.

    `ranges` are the places found in `excerpt`, from and to, in characters (code points); none where what was found is
    in the fields beside it. `at` is in ms: of a transcript, when its command started. `place` is the part of the page's
    address after its `/`. An event has its `seq` and its envelope, a transcript the number of its `entry`.
    """

    kind: str
    type: str
    at: int
    batch_id: int | None
    story_key: str | None
    command: str | None
    command_id: int | None
    excerpt: str
    ranges: list[tuple[int, int]]
    place: str
    seq: int | None = None
    event: JsonObject | None = None
    entry: int | None = None


class SearchBacklog(msgspec.Struct, frozen=True, kw_only=True):
    """What cannot be found yet: older events, and transcripts of commands that have ended."""

    events: int
    transcripts: int


class SearchResults(msgspec.Struct, frozen=True, kw_only=True):
    """Results, newest first. `after` continues the search; null: these were the last.

    `count` is the number of all results, at least where `more`; null where the search was continued.
    """

    results: list[SearchResult]
    count: int | None
    more: bool
    after: str | None
    backlog: SearchBacklog | None
