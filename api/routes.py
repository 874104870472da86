"""The routes of all subjects, as the application is built from them."""

from __future__ import annotations

from typing import Final

from api import (
    access,
    app_files,
    changes,
    deferred,
    export,
    gates,
    health,
    hints,
    history,
    links,
    messages,
    metrics,
    openapi,
    page,
    plan,
    preview,
    project,
    prompts,
    push,
    queue,
    run,
    schema,
    settings,
    skips,
    socket,
    transcripts,
    trust,
)

ROUTES: Final = [
    *(*page.ROUTES, *socket.ROUTES, *run.ROUTES, *queue.ROUTES, *deferred.ROUTES, *gates.ROUTES, *project.ROUTES),
    *(*hints.ROUTES, *skips.ROUTES, *plan.ROUTES, *preview.ROUTES, *prompts.ROUTES),
    *(*changes.ROUTES, *export.ROUTES),
    *(
        *history.ROUTES,
        *transcripts.ROUTES,
        *messages.ROUTES,
        *health.ROUTES,
        *schema.ROUTES,
        *settings.ROUTES,
        *trust.ROUTES,
        *access.ROUTES,
        *links.ROUTES,
        *push.ROUTES,
        *app_files.ROUTES,
    ),
    *(*metrics.ROUTES, *openapi.ROUTES),
]
