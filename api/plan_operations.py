"""The routes of the plan, its stories and their prompts, with their parameters and responses."""

from __future__ import annotations

from typing import Final

from api.board_views import BoardViews
from api.bodies import (
    BoardViewBody,
    DeliveryBody,
    EmptyBody,
    HintBody,
    InitiativeBody,
    PlanningBody,
    PromptBody,
    RetryBody,
    RevertBody,
    SkipBody,
    StatusBody,
    TicketBody,
    TrackerBody,
)
from api.changes import Artifact
from api.cost import CostExplanation
from api.deferred import Findings, TicketMade
from api.deliveries import Deliveries, DeliveryView
from api.description import TEXT, Operation
from api.dossier import Dossier
from api.hints import HintStored, Retried, StoryReverted
from api.plan import InitiativesView, PlanInUse, ProposalView
from api.project import EpicClosed, StatusChanged
from api.prompts import Prompts, PromptSaved
from api.receipts import StoryReceipt
from api.run import BatchStarted
from api.skips import BroughtBack, StorySkipped
from api.takeovers import StoryHandedBack, StoryTakenOver
from git.history import FileChange, TreeChange
from running.preview_views import RunPreview, UpcomingSteps
from runstate.forecast_view import ForecastView
from sprint import Overview
from sprint.views import SprintProblems

PLAN_OPERATIONS: Final = (
    Operation("get", "/api/board/views", "The named views of the Board, which all browsers share.", BoardViews),
    Operation(
        "put",
        "/api/board/views",
        "Store one view of the Board by its name, or remove it; the others stay.",
        BoardViews,
        body=BoardViewBody,
        errors=(409, 503),
    ),
    Operation(
        "get",
        "/api/preview",
        "What would be sent next, or for the stories named, with each call; nothing is started.",
        RunPreview,
        query={"stories": TEXT, "command": TEXT, "agent": TEXT, "gates": TEXT, "batch_size": TEXT},
    ),
    Operation(
        "get",
        "/api/run/steps",
        "The commands of what runs that have no result yet, and those of what comes after it.",
        UpcomingSteps,
    ),
    Operation(
        "get",
        "/api/forecast",
        "What is left of the batch, or what would be started, will cost and take: ranges of 80 %.",
        ForecastView,
        query={"stories": TEXT, "batch_size": TEXT, "agent": TEXT, "start_at": TEXT},
        errors=(409,),
    ),
    Operation("get", "/api/stories/{key}/cost", "What the money of a story went for.", CostExplanation, errors=(404,)),
    Operation("get", "/api/batches/{id}/cost", "What the money of a batch went for.", CostExplanation, errors=(404,)),
    Operation("get", "/api/cost", "What the money of a day went for.", CostExplanation, query={"day": TEXT}),
    Operation("get", "/api/deferred", "What builds have put off.", Findings),
    Operation(
        "post",
        "/api/deferred/{id}",
        "Make a ticket of a finding.",
        TicketMade,
        body=TicketBody,
        errors=(404, 409, 422),
    ),
    Operation("get", "/api/deliveries", "Where finished work was delivered, and its checks.", Deliveries),
    Operation(
        "post",
        "/api/deliveries/{id}",
        "Try a delivery again, or give it up.",
        DeliveryView,
        202,
        body=DeliveryBody,
        errors=(404, 409, 503),
    ),
    Operation("get", "/api/sprint", "Epics and stories.", Overview),
    Operation("get", "/api/sprint/problems", "Problems of the plan.", SprintProblems),
    Operation(
        "post",
        "/api/epics/{id}/close",
        "Close an epic that is finished.",
        EpicClosed,
        body=EmptyBody,
        errors=(409, 422),
    ),
    Operation("get", "/api/plan/proposal", "The tracker that could be made of the epics.", ProposalView, errors=(409,)),
    Operation(
        "post",
        "/api/plan/tracker",
        "Write the tracker that was shown.",
        PlanInUse,
        body=TrackerBody,
        errors=(409, 422),
    ),
    Operation(
        "post",
        "/api/plan/run",
        "Run the project's own sprint planning through an agent.",
        BatchStarted,
        202,
        body=PlanningBody,
        errors=(409, 503),
    ),
    Operation("get", "/api/plan/initiatives", "The initiatives of a BMAD 7 project.", InitiativesView),
    Operation(
        "put",
        "/api/plan/initiative",
        "Choose the initiative.",
        PlanInUse,
        body=InitiativeBody,
        errors=(404, 409, 503),
    ),
    Operation("get", "/api/stories/{key}", "A story's dossier.", Dossier, errors=(404,)),
    Operation(
        "put",
        "/api/stories/{key}/status",
        "Set a status manually.",
        StatusChanged,
        body=StatusBody,
        errors=(404, 409, 422),
    ),
    Operation(
        "post",
        "/api/stories/{key}/hint",
        "Give the story's next command a hint.",
        HintStored,
        202,
        body=HintBody,
        errors=(404,),
    ),
    Operation(
        "post",
        "/api/stories/{key}/retry",
        "Try a blocked story again, with a hint if one is given.",
        Retried,
        202,
        body=RetryBody,
        errors=(404, 409, 422),
    ),
    Operation(
        "post",
        "/api/stories/{key}/skip",
        "Put a story aside, with a reason.",
        StorySkipped,
        202,
        body=SkipBody,
        errors=(404, 409),
    ),
    Operation(
        "post",
        "/api/stories/{key}/unskip",
        "Bring a skipped story back.",
        BroughtBack,
        202,
        body=EmptyBody,
        errors=(404, 409),
    ),
    Operation(
        "post",
        "/api/stories/{key}/take-over",
        "Take a story over, to work on it by hand.",
        StoryTakenOver,
        202,
        body=EmptyBody,
        errors=(404, 409, 503),
    ),
    Operation(
        "post",
        "/api/stories/{key}/hand-back",
        "Hand a story back; what was changed by hand is reviewed next.",
        StoryHandedBack,
        202,
        body=EmptyBody,
        errors=(404, 409, 503),
    ),
    Operation(
        "post",
        "/api/stories/{key}/revert",
        "Revert the story's newest commit by another one, and set the story back.",
        StoryReverted,
        body=RevertBody,
        errors=(404, 409, 422),
    ),
    Operation(
        "get",
        "/api/stories/{key}/changes/{name}",
        "The diff of a commit or of the current work; with `path` of one file.",
        (TreeChange, FileChange),
        query={"path": TEXT},
        errors=(404,),
    ),
    Operation(
        "get", "/api/stories/{key}/artifact", "A file of the story.", Artifact, query={"name": TEXT}, errors=(404,)
    ),
    Operation("get", "/api/stories/{key}/export", "The dossier as one file.", "text/html", errors=(404,)),
    Operation(
        "get",
        "/api/stories/{key}/receipt",
        "The receipt of the story's commit, checked; with `download=1` the file that any clone can check.",
        StoryReceipt,
        query={"download": {"enum": ["1"]}},
        errors=(404, 409),
    ),
    Operation("get", "/api/prompts", "The prompts: ours, and the project's own copies.", Prompts),
    Operation(
        "put",
        "/api/prompts/{name}",
        "Change the project's copy of a prompt, or take ours again.",
        PromptSaved,
        body=PromptBody,
        errors=(404, 409, 503),
    ),
)
