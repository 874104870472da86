"""The forecast as clients get it, in `GET /api/forecast`, in `GET /api/run` and in a preview."""

from __future__ import annotations

import msgspec

Pair = tuple[float, float]


class WindowView(msgspec.Struct, frozen=True, kw_only=True):
    """A usage window: `left` is its share that is left; it is `enough` for so many of the stories, null: unknown."""

    account: str
    name: str
    left: float
    enough: int | None
    resets_at: int | None


class BasisView(msgspec.Struct, frozen=True, kw_only=True):
    """What a forecast rests on: finished stories of this project, none where only the defaults count.

    `defaults`: for some of the stories, or all, the defaults of the program were used. `text` says it in a sentence.
    """

    stories: int
    commands: list[str]
    agent: str
    model: str | None
    defaults: bool
    text: str


class ForecastView(msgspec.Struct, frozen=True, kw_only=True):
    """Ranges that hold four of five cases: low and high. `cost_usd` is null where it is unknown, with `tokens` instead.

    `seconds` are from `at` (ms since the epoch) to the end, with the waits that are known; `ends_at` are the times of
    the end. `story_keys` are the stories that are left or would run, `batch_id` null before a start.
    """

    at: int
    batch_id: int | None
    stories: int
    story_keys: list[str]
    cost_usd: Pair | None
    tokens: tuple[int, int] | None
    seconds: Pair
    ends_at: tuple[int, int]
    basis: BasisView
    windows: list[WindowView]
    notes: list[str]
