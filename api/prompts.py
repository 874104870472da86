"""The routes of the prompts: ours and the project's own copies, a change of one, and the way back to ours."""

from __future__ import annotations

import asyncio
import difflib
from typing import Final, Literal

import msgspec
from aiohttp import web

from api.bodies import PromptBody
from api.http import SERVICES, ApiError, Services, json_response, read_body
from payloads import PromptChange, or_unset
from running import own_prompts
from running.own_prompts import OwnPrompt, PromptChanged, PromptRefused, path_of, put_back, read_own, write_own
from running.preflight import NotNow
from running.preset_choice import choose_preset
from running.prompt import PLACEHOLDERS, TEMPLATE_MAX, PromptError, built_in, unknown_placeholders
from running.workspace import emit_durable
from security.trust import Unlistable
from workflow import CLASSIC, Preset
from workflow.presets import KINDS

CONTEXT_LINES: Final = 3  # lines around a change
KEEPS: Final = "An open batch keeps the prompts that it began with; the next batch uses this one."


class PromptView(msgspec.Struct, frozen=True, kw_only=True):
    """The prompt of one command. `built_in` is ours, in the file `built_in_file`; `own` the project's copy, null for
    none, with its `digest`; `diff` are the lines in which the copy differs.

    `used`: whether the preset has the command now. `trusted`: whether the copy is used. `locked` is why it cannot be
    changed here, `problem` why the copy cannot be used.
    """

    command: str
    built_in: str
    built_in_file: str
    file: str
    own: str | None
    digest: str | None
    diff: list[str]
    used: bool
    trusted: bool
    locked: str | None
    problem: str | None


class Prompts(msgspec.Struct, frozen=True, kw_only=True):
    """All prompts, those of the preset first; `placeholders` that are filled in, and the largest size in bytes."""

    prompts: list[PromptView]
    workflow: str
    placeholders: list[str]
    size_max: int
    note: str


class PromptSaved(msgspec.Struct, frozen=True):
    """The prompt after a change; `kept` is where the removed copy is kept, null where none was removed."""

    prompt: PromptView
    note: str
    kept: str | None


async def get_prompts(request: web.Request) -> web.Response:
    """Respond with every prompt: our text, the project's copy, and in what they differ."""
    services = request.app[SERVICES]
    preset = await _preset(services)
    views = await asyncio.to_thread(_views, services, preset)
    return json_response(
        Prompts(
            prompts=views,
            workflow=preset.title,
            placeholders=sorted(PLACEHOLDERS),
            size_max=TEMPLATE_MAX,
            note=KEEPS,
        )
    )


async def put_prompt(request: web.Request) -> web.Response:
    """Write the project's copy of a prompt, which is trusted then, or remove it; 409 when it is another one by now."""
    body = await read_body(request, PromptBody)
    services, name = request.app[SERVICES], request.match_info["name"]
    preset = await _preset(services)
    if name not in KINDS:
        raise ApiError(404, "not_found", f"there is no prompt {name!r}; known are {', '.join(sorted(KINDS))}")
    async with services.live.changing:
        try:
            kept = await asyncio.to_thread(_change, services, name, body)
        except PromptChanged as error:
            raise ApiError(409, "changed", str(error)) from None
        except PromptRefused as error:
            raise ApiError(400, "bad_request", f"text: {error}") from None
        except (PromptError, Unlistable) as error:
            raise ApiError(409, "prompt", str(error)) from None
        except OSError as error:
            raise ApiError(503, "disk", f"{path_of(name)} cannot be written: {error.strerror or error}") from None
    await _report(name, body, kept)
    view = await asyncio.to_thread(_view, services, preset, name)
    return json_response(PromptSaved(view, KEEPS, kept))


async def _report(name: str, body: PromptBody, kept: str | None) -> None:
    message = None if kept is None else f"the project's copy is kept at {kept}"
    source: Literal["own", "built-in"] = "built-in" if body.text is None else "own"
    await emit_durable(PromptChange(command=name, source=source, message=or_unset(message)))


async def _preset(services: Services) -> Preset:
    """The preset of the next batch, which says which of our prompts is used; classic where none can be chosen."""
    workspace = services.workspace
    try:
        return await choose_preset(workspace, workspace.settings().first_agent, fresh=False)
    except NotNow:
        return CLASSIC


def _change(services: Services, name: str, body: PromptBody) -> str | None:
    workspace = services.workspace
    root, kept = workspace.project.root, None
    if body.text is not None:
        write_own(root, name, own_prompts.checked(body.text), body.expected)
    else:
        path = put_back(root, workspace.data_dir, name, body.expected, workspace.clock())
        kept = None if path is None else workspace.relative(path)
    # After the file: what is trusted is what lies there.
    services.trust.trust_beside(services.live.loaded.guarded, f"{own_prompts.GUARDED}.{name}")
    return kept


def _views(services: Services, preset: Preset) -> list[PromptView]:
    phases = [command for phase in preset.phases for command in phase.commands]
    names = dict.fromkeys([*(name for name in phases if name in KINDS), *KINDS])
    return [
        *(_view(services, preset, name) for name in names),
        *(_of_preset(kind.name, kind.text or "", preset) for kind in own_prompts.own_kinds(preset)),
    ]


def _view(services: Services, preset: Preset, name: str) -> PromptView:
    workspace, own, problem = services.workspace, None, None
    agent = workspace.agents[workspace.settings().first_agent]
    text, source = built_in(workspace, name, preset.call(name, agent.kind))
    try:
        own = read_own(workspace.project.root, name)
        unknown = [] if own is None else unknown_placeholders(own.text)
        problem = f"there is no placeholder {', '.join(unknown)}" if unknown else None
    except PromptError as error:
        problem = str(error)
    replaced = [kind.name for kind in own_prompts.own_kinds(preset)]
    locked = f"The workflow {preset.title} has a text of its own for it." if name in replaced else None
    if own is not None and workspace.masker.text(own.text) != own.text:
        # Responses are masked: what is shown must not be saved over the text itself.
        locked = f"It holds what looks like a secret, which is not shown: change {path_of(name)} yourself."
    return PromptView(
        command=name,
        built_in=text,
        built_in_file=source,
        file=path_of(name),
        own=None if own is None else own.text,
        digest=None if own is None else own.digest,
        diff=[] if own is None else _diff(text, own.text),
        used=name in {command for phase in preset.phases for command in phase.commands},
        trusted=own is None or _is_trusted(services, own),
        locked=locked,
        problem=problem,
    )


def _of_preset(name: str, text: str, preset: Preset) -> PromptView:
    return PromptView(
        command=name,
        built_in=text,
        built_in_file=f"workflow {preset.title}",
        file="",
        own=None,
        digest=None,
        diff=[],
        used=True,
        trusted=True,
        locked=f"It belongs to the workflow {preset.title}: change it in sprint-runner.yaml.",
        problem=None,
    )


def _is_trusted(services: Services, own: OwnPrompt) -> bool:
    try:
        waiting = services.trust.differences(services.live.loaded.guarded)
    except Unlistable:
        return False
    return f"{own_prompts.GUARDED}.{own.name}" not in {difference.name for difference in waiting}


def _diff(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=CONTEXT_LINES)
    return list(lines)[2:]  # the first two are file names


ROUTES: Final = [
    web.get("/api/prompts", get_prompts),
    web.put("/api/prompts/{name}", put_prompt),
]
