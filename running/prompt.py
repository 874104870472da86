"""The prompt of a command: a Markdown template with its placeholders filled in.

Where it comes from, first of: the preset's own text, among them the project's own prompts as the batch began with them;
where the project's own command performs it, `prompts/own/<command>.md`, which calls that; `prompts/<command>.md`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import sprint
from base.regular import read_regular
from running.spec import CommandSpec
from running.story import StoryRun
from running.workspace import Workspace
from workflow import CommandKind, kind_of
from workflow.presets import PLANNING

CONTEXT_FILE: Final = "project-context.md"  # in the output folder, where a project has none
TEMPLATE_MAX: Final = 256 * 1024  # bytes of a template
PLACEHOLDERS: Final = frozenset(
    (
        *("command", "round", "project_name", "tracker", "artifacts_dir", "planning_dir", "context_file", "epic"),
        *("story_keys", "story_key", "stories", "story_file", "verify", "previous_findings", "commit_message"),
        *("tasks", "call", "subject", "directives"),
    )
)

_PLACEHOLDER: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")

_DIRECTIVES: Final = re.compile(r"\{\{\s*directives\s*\}\}")
_FINDINGS: Final = re.compile(r"\{\{\s*previous_findings\s*\}\}")


class PromptError(RuntimeError):
    """A template that is missing or names an unknown placeholder; the message names the file."""


def render(folder: Path, command: str, values: Mapping[str, str]) -> str:
    """The prompt of a command such as `code-review-2`; raises `PromptError`. Values are put in as they are, once."""
    path = folder / f"{kind_of(command)}.md"
    return fill(_template(path), str(path), values)


def fill(template: str, source: str, values: Mapping[str, str]) -> str:
    """A template with its values; raises `PromptError`, which names the source."""

    def value(match: re.Match[str]) -> str:
        try:
            return values[match[1]]
        except KeyError:
            raise PromptError(f"{source}: there is no placeholder {match[1]!r}") from None

    return _PLACEHOLDER.sub(value, template)


def unknown_placeholders(template: str) -> list[str]:
    """Return the placeholders of a template that have no value."""
    return sorted({match[1] for match in _PLACEHOLDER.finditer(template)} - PLACEHOLDERS)


def read_template(path: Path) -> str:
    """A template of the project or of ours; raises `PromptError`."""
    try:
        raw = read_regular(path, TEMPLATE_MAX + 1)
    except OSError as error:
        raise PromptError(f"{path}: cannot be read: {error.strerror}") from None
    if len(raw) > TEMPLATE_MAX:
        raise PromptError(f"{path}: is larger than {TEMPLATE_MAX} bytes")
    return raw.decode("utf-8", "replace").removeprefix("\ufeff")


_template = cache(read_template)  # of ours: they do not change while the server runs


def prompt_of(workspace: Workspace, spec: CommandSpec, kind: CommandKind, call: str | None) -> str:
    """The whole prompt. Blocks on the disk: run it in a thread. Raises `PromptError`."""
    template, source = _source(workspace, kind, call)
    text = fill(template, source, _values(workspace, spec, kind, call))
    if spec.findings != "none" and _FINDINGS.search(template) is None:
        text = f"{text.rstrip()}\n\n## What came before this call\n\n{spec.findings}\n"
    directives = spec.values.get("directives")
    if directives and _DIRECTIVES.search(template) is None:
        text = f"{text.rstrip()}\n\n{directives}\n"
    return text


def template_source(workspace: Workspace, kind: CommandKind, call: str | None) -> str:
    """Return where the prompt of a command comes from, as messages name it. Blocks on the disk."""
    return _source(workspace, kind, call)[1]


def template_text(workspace: Workspace, kind: CommandKind, call: str | None) -> str:
    """Return the prompt of a command with its placeholders. Blocks on the disk; raises `PromptError`."""
    return _source(workspace, kind, call)[0]


def _source(workspace: Workspace, kind: CommandKind, call: str | None) -> tuple[str, str]:
    """The template, and a name for it in messages."""
    if kind.text is not None:
        return kind.text, kind.origin or f"the prompt of {kind.name} in the preset"
    return built_in(workspace, kind.name, call)


def built_in(workspace: Workspace, name: str, call: str | None) -> tuple[str, str]:
    """Return our template for a command, and its path for messages. Blocks on the disk; raises `PromptError`."""
    own = workspace.prompts / "own" / f"{name}.md"
    alike = "build-auto" if name == PLANNING else name
    by_plan = workspace.prompts / "own" / f"{alike}-{workspace.project.kind}.md"
    own = by_plan if by_plan.is_file() else own
    path = own if call is not None and own.is_file() else workspace.prompts / f"{name}.md"
    return _template(path), path.relative_to(workspace.prompts.parent).as_posix()


def _values(workspace: Workspace, spec: CommandSpec, kind: CommandKind, call: str | None) -> dict[str, str]:
    project = workspace.project
    files = {story.key: _file_of(workspace, story) for story in spec.stories}
    return {
        "command": spec.command,
        "round": spec.command.rpartition("-")[2] if spec.command != kind_of(spec.command) else "1",
        "project_name": project.name,
        "tracker": workspace.relative(project.tracker),
        "artifacts_dir": workspace.relative(project.artifacts),
        "planning_dir": workspace.relative(project.planning or project.artifacts),
        "context_file": workspace.relative(sprint.context_file(project) or project.output / CONTEXT_FILE),
        "epic": spec.stories[0].epic if spec.stories else "none",
        "story_keys": ", ".join(files) or "none",
        "story_key": spec.story_key or "none",
        "stories": _listed(spec.stories, files),
        "story_file": files.get(spec.story_key, "none"),
        "verify": workspace.settings().verify or "the project's own checks",
        "previous_findings": spec.findings,
        "commit_message": "none",
        "tasks": ", ".join(kind.tasks),
        "call": call or "",
        "subject": spec.story_key,
        "directives": "",
        **spec.values,
    }


def _listed(stories: Iterable[StoryRun], files: Mapping[str, str]) -> str:
    return "\n".join(f"- {story.key} — {story.title} — {files[story.key]}" for story in stories)


def _file_of(workspace: Workspace, story: StoryRun) -> str:
    """The story's file as it is called in this project; the usual name where there is none yet."""
    found = sprint.story_files(workspace.project, story.key)
    path = found[0] if found else sprint.new_story_path(workspace.project, story.key)
    return workspace.relative(path or workspace.project.artifacts / f"{_new_name(workspace.project, story)}.md")


def _new_name(project: sprint.Project, story: StoryRun) -> str:
    """What the file of a story is called that the plan has no place for; BMAD 4 puts the title behind the number."""
    title = re.sub(r"[\W_]+", "-", story.title.lower()).strip("-")
    named = project.kind is sprint.PlanKind.V4 and title and story.title != story.key
    return f"{story.key}.{title}" if named else story.key
