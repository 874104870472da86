"""The table of all routes with their parameters and responses, the source of the OpenAPI document.

A test compares it with the application's router. The structs are those that the handlers decode and return.
"""

from __future__ import annotations

from typing import Final

from api.access import AccessView, LinkMade, PairingCode
from api.bodies import (
    AnswerBody,
    BranchBody,
    EmptyBody,
    GateBody,
    MessageBody,
    NewLinkBody,
    PairBody,
    QueueBody,
    StartBody,
    StopBody,
    SubscriptionBody,
    TrustBody,
)
from api.branches import BranchMade
from api.description import INTEGER, TEXT, Operation
from api.gates import GateList
from api.health import Health
from api.history import BatchDetail, Batches, Commands, Envelopes
from api.messages import MessageStored
from api.plan_operations import PLAN_OPERATIONS
from api.project import StatusEvidenceByStory
from api.projects import ProjectsOfMachine, ProjectStarted, StartProjectBody
from api.push import MessageSent, PushKey, PushView
from api.queue import QueueChanged
from api.quota import QuotaReport
from api.run import BatchStarted, OldStatus, RunStateName
from api.settings import AllSettings, Preview
from api.transcripts import Transcript
from api.trust import TrustView
from base.plain_json import JsonObject
from running.brief.views import Brief
from running.ordering import RunOrder
from runstate.views import Run
from settings import SettingValues
from store.ledger import Insights

ONE_BATCH: Final = {"batch": INTEGER}
OPERATIONS: Final = (
    Operation("get", "/", "The page.", "text/html", query={"token": TEXT}),
    # OpenAPI has no patterns in paths: the router's `{path:.+}` also matches slashes.
    Operation("get", "/static/{path}", "A module of the page.", "text/javascript", errors=(404,)),
    Operation(
        # OpenAPI knows nothing of WebSockets: 101 is where its description ends.
        "get",
        "/ws",
        "The WebSocket: `init` or `resumed`, then every event.",
        "",
        101,
        {"since": TEXT, "epoch": TEXT},
    ),
    Operation("get", "/story-descriptions.json", "A short description of each story.", dict[str, str]),
    Operation("get", "/sprint-status.yaml", "The tracker as it is on disk.", "application/yaml", errors=(404,)),
    Operation("get", "/orchestrator.md", "A data file of the project.", "text/markdown", errors=(404,)),
    Operation("get", "/orchestrator.csv", "A data file of the project.", "text/csv", errors=(404,)),
    Operation("get", "/api/run", "The state of the runner.", Run),
    Operation("post", "/api/run/start", "Start a batch.", BatchStarted, 202, body=StartBody, errors=(409, 503)),
    Operation(
        "post", "/api/run/pause", "Pause after the current command.", RunStateName, 202, body=EmptyBody, errors=(409,)
    ),
    Operation("post", "/api/run/resume", "Resume the batch.", BatchStarted, 202, body=EmptyBody, errors=(409, 503)),
    Operation(
        "post",
        "/api/run/stop",
        "Stop after the current command, or now.",
        RunStateName,
        202,
        body=StopBody,
        errors=(409,),
    ),
    Operation(
        "post", "/api/run/answer", "Answer an agent's question.", RunStateName, 202, body=AnswerBody, errors=(404, 409)
    ),
    Operation(
        "put",
        "/api/run/queue",
        "Set what runs next, and when the batch stops.",
        QueueChanged,
        body=QueueBody,
        errors=(409, 503),
    ),
    Operation(
        "get",
        "/api/run/order",
        "What a run would take, cycle by cycle.",
        RunOrder,
        query={"stories": TEXT, "batch_size": TEXT},
        errors=(409,),
    ),
    Operation(
        "get",
        "/api/quota",
        "What is left of the usage windows of accounts, and how it was in the last days.",
        QuotaReport,
        query={"days": {**INTEGER, "minimum": 1, "maximum": 400}},
    ),
    Operation("get", "/api/gates", "What waits for a person's decision.", GateList),
    Operation("post", "/api/gates/{id}", "Decide at a gate.", RunStateName, 202, body=GateBody, errors=(404, 409)),
    Operation(
        "post",
        # Clients of the first version use these names.
        "/api/orchestrator/start",
        "Previous name of run/start.",
        BatchStarted,
        202,
        body=StartBody,
        errors=(409, 503),
    ),
    Operation(
        "post", "/api/orchestrator/stop", "Previous name of run/stop.", RunStateName, 202, body=StopBody, errors=(409,)
    ),
    Operation("get", "/api/orchestrator/status", "Previous form of run.", OldStatus),
    Operation("get", "/api/standings", "The evidence for each story's status.", StatusEvidenceByStory),
    Operation(
        "get",
        "/api/batches",
        "Batches, newest first.",
        Batches,
        query={"limit": {**INTEGER, "minimum": 1, "maximum": 1000}, "offset": INTEGER},
    ),
    Operation("get", "/api/batches/{id}", "A batch with its stories and commands.", BatchDetail, errors=(404,)),
    Operation(
        "get",
        "/api/batches/{id}/brief",
        "The brief of a batch as things are now; as a file with `format=html` or `format=md`.",
        Brief,
        query={"format": {"enum": ["json", "html", "md"]}},
        errors=(404,),
    ),
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
        "An agent's transcript, from an entry on; with `raw=1` its stream. Secrets are masked.",
        Transcript,
        query={"raw": {"enum": ["1"]}, "from": {**INTEGER, "minimum": 0, "maximum": 1_000_000}},
        errors=(404,),
    ),
    Operation(
        "post",
        "/api/commands/{id}/message",
        "Send a message to the agent of a running command.",
        MessageStored,
        202,
        body=MessageBody,
        errors=(404, 409),
    ),
    Operation(
        "post",
        "/api/commands/{id}/branch",
        "Make a branch of the files as they were before a command.",
        BranchMade,
        202,
        body=BranchBody,
        errors=(404, 409),
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
        "put", "/api/settings", "Change settings, all or none.", AllSettings, body=SettingValues, errors=(409, 503)
    ),
    Operation(
        "post",
        "/api/settings/preview",
        "The change that this would make in the file.",
        Preview,
        body=SettingValues,
        errors=(409,),
    ),
    Operation("get", "/api/trust", "What of the folder's settings is not trusted yet.", TrustView, errors=(409,)),
    Operation(
        "post",
        "/api/trust",
        "Trust the folder and exactly the values that the hash identifies.",
        TrustView,
        body=TrustBody,
        errors=(409, 503),
    ),
    Operation("get", "/api/access", "Your role, and who else has access beside the token.", AccessView),
    Operation(
        "post",
        "/api/access/links",
        "Make a reader's link.",
        LinkMade,
        body=NewLinkBody,
        errors=(409, 503),
    ),
    Operation(
        "post",
        "/api/access/pair",
        "Show a code that pairs one device within a minute.",
        PairingCode,
        body=PairBody,
        errors=(409,),
    ),
    Operation(
        "post",
        "/api/access/{id}/revoke",
        "End an access at once, and close its pages.",
        AccessView,
        body=EmptyBody,
        errors=(404, 409, 503),
    ),
    Operation("get", "/api/push", "The devices that get messages while their page is closed.", PushView),
    Operation("post", "/api/push", "Send messages to this device.", PushView, body=SubscriptionBody, errors=(409, 503)),
    Operation(
        "post", "/api/push/key", "The public key for a subscription.", PushKey, body=EmptyBody, errors=(409, 503)
    ),
    Operation(
        "post",
        "/api/push/{id}/remove",
        "Send nothing more to a device.",
        PushView,
        body=EmptyBody,
        errors=(404, 409, 503),
    ),
    Operation(
        "post", "/api/push/{id}/test", "Send a test to a device.", MessageSent, body=EmptyBody, errors=(404, 409)
    ),
    Operation("get", "/api/projects", "The projects of this machine, running or known.", ProjectsOfMachine),
    Operation(
        "post",
        "/api/projects/start",
        "Start a project that was opened before, in a process of its own.",
        ProjectStarted,
        202,
        body=StartProjectBody,
        errors=(409,),
    ),
    Operation("get", "/app/{name}", "A file by which browsers install the page as an app.", "image/png", errors=(404,)),
    Operation("get", "/service-worker.js", "The worker that shows pushed messages.", "text/javascript"),
    Operation("get", "/link/{key}", "What a link in a message does.", "text/html", errors=(403, 410)),
    Operation("post", "/link/{key}", "Do it, once.", "text/html", errors=(410, 503)),
    Operation("get", "/pair/{key}", "The page that a pairing code leads to.", "text/html", errors=(410,)),
    Operation(
        "post", "/pair/{key}", "Pair the device that sends this form, once.", "text/html", 303, errors=(410, 503)
    ),
    Operation("get", "/api/schema", "JSON Schema of events and settings.", JsonObject),
    Operation("get", "/api/openapi.json", "This document.", JsonObject),
    Operation("get", "/healthz", "Whether the database takes writes and the loop is on time.", Health, errors=(503,)),
    Operation("get", "/metrics", "Prometheus text format.", "text/plain"),
    *PLAN_OPERATIONS,
)
