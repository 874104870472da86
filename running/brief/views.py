"""The brief as values, for JSON and for its renderings. Times in ms since the epoch, costs in US dollars."""

from __future__ import annotations

import msgspec


class Mend(msgspec.Struct, frozen=True):
    """How something is mended: `label` names the button, `verb` is the command line, `action` is for the page.

    `id` is what the action takes: a story's key, the id of a question or of a gate; empty for actions of the batch.
    """

    action: str
    label: str
    verb: str
    id: str = ""


class BriefStory(msgspec.Struct, frozen=True, kw_only=True):
    """A story with what it cost; `is_unpriced`: that is not all, since a command reported no cost."""

    story_key: str
    title: str
    cost_usd: float
    is_unpriced: bool


class DoneStory(BriefStory, frozen=True, kw_only=True):
    """A story that is done; `evidence` are facts of the records, `commit` is empty where nothing was committed."""

    commit: str
    evidence: list[str]
    has_receipt: bool


class BlockedStory(BriefStory, frozen=True, kw_only=True):
    """A story that the batch blocked, with the reason in one line; `since` is its status where that is another now."""

    reason: str
    since: str
    mend: Mend | None


class OpenStory(BriefStory, frozen=True, kw_only=True):
    """A story that was begun, and is neither done nor blocked."""

    status: str


class BriefCost(msgspec.Struct, frozen=True, kw_only=True):
    """What the batch cost, by the ledger. `unknown` commands reported no cost; `project_usd` is of no story.

    `forecast_usd` is the range that was said at the start, None without one. `against` is below, within or above it,
    empty for a batch that did not come to its end.
    """

    usd: float
    estimated_usd: float
    project_usd: float
    unknown: int
    commands: int
    failed: int
    tokens: int
    budget_usd: float | None
    forecast_usd: tuple[float, float] | None
    against: str


class BriefTime(msgspec.Struct, frozen=True, kw_only=True):
    """How long the batch took, in seconds; `waited_s` is what it waited or was not running for."""

    started_at: int
    ended_at: int | None
    seconds: float
    waited_s: float
    forecast_s: tuple[float, float] | None
    against: str


class Need(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    story_key: str
    message: str
    mend: Mend | None


class Incident(msgspec.Struct, frozen=True):
    """Something that went another way than planned."""

    at: int
    kind: str
    message: str


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /api/batches/{id}/brief`. `lines` are the brief in three or four sentences, as a notification has them."""

    project: str
    batch_id: int
    label: str
    made_at: int
    status: str
    reason: str
    outcome: str
    tone: str
    lines: list[str]
    done: list[DoneStory]
    blocked: list[BlockedStory]
    open: list[OpenStory]
    cost: BriefCost
    time: BriefTime
    needs: list[Need]
    next: list[str]
    incidents: list[Incident]
    left_out: int
