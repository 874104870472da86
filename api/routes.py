"""The routes of all subjects, as the application is built from them."""

from __future__ import annotations

from typing import Final

from api import (
    branches,
    changes,
    cost,
    deferred,
    export,
    forecast,
    gates,
    health,
    hints,
    history,
    messages,
    metrics,
    openapi,
    page,
    plan,
    preview,
    project,
    prompts,
    queue,
    quota,
    run,
    schema,
    settings,
    skips,
    socket,
    takeovers,
    transcripts,
    trust,
)

ROUTES: Final = [
    *(
        *page.ROUTES,
        *socket.ROUTES,
        *run.ROUTES,
        *queue.ROUTES,
        *quota.ROUTES,
        *deferred.ROUTES,
        *gates.ROUTES,
        *project.ROUTES,
    ),
    *(
        *hints.ROUTES,
        *skips.ROUTES,
        *takeovers.ROUTES,
        *plan.ROUTES,
        *preview.ROUTES,
        *forecast.ROUTES,
        *cost.ROUTES,
        *prompts.ROUTES,
    ),
    *(*branches.ROUTES, *changes.ROUTES, *export.ROUTES),
    *(
        *history.ROUTES,
        *transcripts.ROUTES,
        *messages.ROUTES,
        *health.ROUTES,
        *schema.ROUTES,
        *settings.ROUTES,
        *trust.ROUTES,
    ),
    *(*metrics.ROUTES, *openapi.ROUTES),
]
