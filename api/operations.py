"""The table of all routes for programs: what each takes and answers. `openapi.py` makes the document of it.

A test holds it against the application's router, and the fields of bodies against what the handlers accept.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

import msgspec

from api.changes import Artifact
from api.dossier import Dossier
from api.settings import SettingView
from git.history import Change, FileChange
from runstate.views import Run
from sprint import Overview
from sprint.views import SprintProblems
from store.batches import Batch
from store.ledger import Insights
from store.stories import Story

INTEGER: Final = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
TEXT: Final = {"type": "string"}


class StartBody(msgspec.Struct):
    """`batch_size` is the number of cycles; without it the setting `default_batch_size`."""

    batch_size: int | Literal["all"] = 2
    stories: list[str] | None = None
    agent: str | None = None
    budget_usd: float | None = None


class StopBody(msgspec.Struct):
    mode: Literal["graceful", "now"] = "graceful"


class AnswerBody(msgspec.Struct):
    command_id: int
    text: str


class StatusBody(msgspec.Struct):
    """`expected` is the status that the caller has seen."""

    status: str
    expected: str


class NoBody(msgspec.Struct):
    """An empty object, or no body at all."""


class Started(msgspec.Struct):
    batch_id: int


class State(msgspec.Struct):
    state: str


class OldStatus(msgspec.Struct):
    status: str
    batch_id: int | None
    cycles_completed: int
    max_cycles: int | Literal["all"] | None
    current_stories: list[str]


class Changed(msgspec.Struct):
    old_status: str
    new_status: str
    changed: bool


class Batches(msgspec.Struct):
    batches: list[Batch]
    total: int


class BatchDetail(msgspec.Struct):
    batch: Batch
    stories: list[Story]
    commands: list[dict[str, Any]]
    totals: dict[str, Any]


class Commands(msgspec.Struct):
    commands: list[dict[str, Any]]
    total: int


class Envelopes(msgspec.Struct):
    """The events are described by `GET /api/schema`."""

    events: list[dict[str, Any]]


class Transcript(msgspec.Struct, rename={"start": "from"}):
    command_id: int
    command: str
    start: int
    entries: list[dict[str, Any]]


class AllSettings(msgspec.Struct):
    settings: list[SettingView]
    file: str
    unread: str | None


class Preview(msgspec.Struct):
    file: str
    diff: list[str]


class Health(msgspec.Struct):
    status: Literal["ok", "failing"]
    problems: list[str]
    seq: int


class Standings(msgspec.Struct):
    stories: dict[str, Any]


class Operation(NamedTuple):
    """One method of one path. `answer` is a type of JSON, several of them, or the media type of what else."""

    method: str
    path: str
    summary: str
    answer: Any
    status: int = 200
    query: dict[str, dict[str, Any]] = {}
    body: Any = None
    errors: tuple[int, ...] = ()


ONE_BATCH: Final = {"batch": INTEGER}
OPERATIONS: Final = (
    Operation("get", "/", "The page.", "text/html", query={"token": TEXT}),
    Operation("get", "/static/{name}", "A module of the page.", "text/javascript", errors=(404,)),
    Operation(
        "get", "/ws", "The WebSocket: `init` or `resumed`, then every event.", "", 101, {"since": TEXT, "epoch": TEXT}
    ),
    Operation("get", "/story-descriptions.json", "A short description of each story.", dict[str, str]),
    Operation("get", "/sprint-status.yaml", "The tracker as it is on disk.", "application/yaml", errors=(404,)),
    Operation("get", "/orchestrator.md", "A data file of the project.", "text/markdown", errors=(404,)),
    Operation("get", "/orchestrator.csv", "A data file of the project.", "text/csv", errors=(404,)),
    Operation("get", "/api/run", "The state of the runner.", Run),
    Operation("post", "/api/run/start", "Start a batch.", Started, 202, body=StartBody, errors=(409, 503)),
    Operation("post", "/api/run/pause", "Pause after the current command.", State, 202, body=NoBody, errors=(409,)),
    Operation("post", "/api/run/resume", "Go on.", Started, 202, body=NoBody, errors=(409, 503)),
    Operation(
        "post", "/api/run/stop", "Stop after the current command, or now.", State, 202, body=StopBody, errors=(409,)
    ),
    Operation("post", "/api/run/answer", "Answer an agent's question.", State, 202, body=AnswerBody, errors=(404, 409)),
    Operation(
        "post", "/api/orchestrator/start", "Older name of run/start.", Started, 202, body=StartBody, errors=(409, 503)
    ),
    Operation("post", "/api/orchestrator/stop", "Older name of run/stop.", State, 202, body=StopBody, errors=(409,)),
    Operation("get", "/api/orchestrator/status", "Older form of the state.", OldStatus),
    Operation("get", "/api/sprint", "Epics and stories.", Overview),
    Operation("get", "/api/sprint/problems", "What is odd about the plan.", SprintProblems),
    Operation("get", "/api/standings", "What the status of each story rests on.", Standings),
    Operation("get", "/api/stories/{key}", "A story's dossier.", Dossier, errors=(404,)),
    Operation(
        "put", "/api/stories/{key}/status", "Set a status by hand.", Changed, body=StatusBody, errors=(404, 409, 422)
    ),
    Operation(
        "get",
        "/api/stories/{key}/changes/{name}",
        "What a commit, or the work so far, changed; with `path` one file.",
        (Change, FileChange),
        query={"path": TEXT},
        errors=(404,),
    ),
    Operation(
        "get", "/api/stories/{key}/artifact", "A file of the story.", Artifact, query={"name": TEXT}, errors=(404,)
    ),
    Operation("get", "/api/stories/{key}/export", "The dossier as one file.", "text/html", errors=(404,)),
    Operation(
        "get",
        "/api/batches",
        "Batches, newest first.",
        Batches,
        query={"limit": {**INTEGER, "minimum": 1, "maximum": 1000}, "offset": INTEGER},
    ),
    Operation("get", "/api/batches/{id}", "A batch with its stories and commands.", BatchDetail, errors=(404,)),
    Operation("get", "/api/batches/{id}/export", "A batch as one file.", "text/html", errors=(404,)),
    Operation(
        "get",
        "/api/events",
        "Stored events, oldest first; as lines for `Accept: application/x-ndjson`.",
        Envelopes,
        query={
            "since": INTEGER,
            "limit": {**INTEGER, "minimum": 1},
            **ONE_BATCH,
            "type": TEXT,
            "story": TEXT,
            "q": TEXT,
        },
    ),
    Operation(
        "get",
        "/api/commands",
        "The newest commands, oldest first.",
        Commands,
        query={"limit": {**INTEGER, "minimum": 1, "maximum": 10_000}, **ONE_BATCH},
    ),
    Operation(
        "get",
        "/api/commands/{id}/transcript",
        "What an agent printed, from an entry on; with `raw=1` its stream. Secrets are masked.",
        Transcript,
        query={"raw": {"enum": ["1"]}, "from": {**INTEGER, "minimum": 0, "maximum": 1_000_000}},
        errors=(404,),
    ),
    Operation(
        "get",
        "/api/insights",
        "Cost, tokens and time.",
        Insights,
        query={**ONE_BATCH, "days": {**INTEGER, "minimum": 1, "maximum": 36_500}},
        errors=(404,),
    ),
    Operation("get", "/api/settings", "All settings and where each value comes from.", AllSettings),
    Operation(
        "put", "/api/settings", "Change settings, all or none.", AllSettings, body=dict[str, Any], errors=(409, 503)
    ),
    Operation(
        "post",
        "/api/settings/preview",
        "What that would change in the file.",
        Preview,
        body=dict[str, Any],
        errors=(409,),
    ),
    Operation("get", "/api/schema", "JSON Schema of events and settings.", dict[str, Any]),
    Operation("get", "/api/openapi.json", "This document.", dict[str, Any]),
    Operation("get", "/healthz", "Whether the database takes writes and the loop is on time.", Health, errors=(503,)),
    Operation("get", "/metrics", "Prometheus text format.", "text/plain"),
)
