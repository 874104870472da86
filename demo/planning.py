"""The commands before development: the project's context, the creation, discovery and specification of stories."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from demo.prepared import Prepared
from demo.prompt import PromptStory
from demo.scene import Scene
from demo.story import DemoStoryPlan, bullets, find_plan, render

HEADING = re.compile(r"^#{2,4} (?:Epic|Story) (\d+(?:\.\d+)?): (.+)$", re.MULTILINE)
GENERIC_TASKS = """
- [ ] Task 1: Do what the story asks (AC: #1)
  - [ ] Subtask 1.1: The smallest change that satisfies it
- [ ] Task 2: Show that it works (AC: #1)
"""


def project_context(scene: Scene) -> str:
    """Creates project-context.md, or writes it anew; either way from what is in the tree now."""
    stage, path = scene.stage, scene.prompt["context file"] or "project-context.md"
    looking = "Looking at what is there." if scene.prompt.base.startswith("create") else "Looking at what changed."
    stage.bash(
        "git ls-files 2>/dev/null | head -n 60",
        "List the project's files",
        scene.text(scene.start("setup", looking), looking),
    )
    known = scene.existing("README.md", "pyproject.toml", "package.json", *scene.epics_files)
    if known:
        stage.read(*known[:3], say=scene.text(scene.end("setup", "files listed"), scene.start("analyze", "reading")))
    stage.write(
        path,
        _context(scene),
        scene.text(scene.end("analyze", "rules found"), scene.start("write", path), "Writing it down."),
    )
    return scene.text(
        scene.end("write", "written"),
        f"`{path}` is up to date: what the project is, its rules, how to check it.",
        None,
        "[PROJECT-CONTEXT-WRITTEN: YES]",
    )


def _context(scene: Scene) -> str:
    name, check = scene.prompt["project"], scene.prompt["check"]
    python = sorted(file.stem for file in scene.stage.root.glob("perch/commands/[a-z]*.py"))
    lines = scene.content("README.md").splitlines()
    about = next(
        (line for line in lines if line and not line.startswith(("#", " ", "|"))), f"{name}, planned with BMAD."
    )
    rules = [
        "Follow the style of the file that is changed; one noun per module.",
        f"Before a story is done: `{check}`.",
    ]
    if python:
        rules += [
            "Standard library only, Python 3.11 or newer.",
            "A command is a module in `perch/commands/` with `register(commands)` and `run(notebook, args, out)`; "
            f"it is found by being there. Now: {', '.join(python)}.",
            "Errors that a user can fix are `PerchError`; `perch.cli` turns them into a message and exit code 2.",
            "Tests use `NotebookCase` from `tests/support.py`: its own notebook, perch run as users do.",
        ]
    date = datetime.now(UTC).date().isoformat()
    return (
        f"---\nproject_name: {name}\ndate: {date}\nsections_completed: [overview, rules, checks]\n---\n\n"
        f"# Project Context for AI Agents\n\n{about}\n\n## Rules\n\n{bullets(rules)}\n\n"
        f"## Where things are\n\n- Plan: `{scene.prompt['planning folder']}`\n- Stories: `{scene.prompt.artifacts}`\n"
    )


def sprint_planning(scene: Scene) -> str:
    """Writes the sprint status file from the headings of the epics; one that is there stays."""
    stage, path = scene.stage, scene.prompt["sprint status file"]
    stage.read(*scene.epics_files, say=scene.text(scene.start("setup", "epics"), "I read the epics."))
    lines = ["development_status:"]
    for number, title in HEADING.findall(scene.epics):
        slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
        lines.append(f"  {number.replace('.', '-')}-{slug}: backlog" if "." in number else f"  epic-{number}: backlog")
    opening = scene.text(scene.end("setup", "epics read"), scene.start("write", path), "I write the sprint.")
    scene.change(path, "\n".join(lines) + "\n", opening)
    return scene.text(scene.end("write", "written"), None, f"[SPRINT-STATUS-WRITTEN: {path}]")


def create_story(scene: Scene) -> str:
    """A story file for each story that has none; then one decision per story, in their order."""
    stage, keys = scene.stage, ", ".join(each.key for each in scene.prompt.stories)
    sources = scene.existing(*scene.epics_files, scene.prompt["context file"])
    opening = scene.text(
        scene.start("setup", keys), f"I write the story files for {keys}, from the epics and the code."
    )
    stage.read(*sources, say=opening)
    scene.say(scene.end("setup", "sources read"), scene.start("analyze", "what each story needs"))
    for story in scene.prompt.stories:
        _create(scene, story)
    scene.say(scene.end("write", "story files are there"), scene.start("validate", "criteria against tasks"))
    decisions = [_decision(scene, story) for story in scene.prompt.stories]
    return scene.text(
        scene.end("validate", "every criterion has a task"),
        *(f"{story.key}: {why}" for story, (_, why) in zip(scene.prompt.stories, decisions, strict=True)),
        None,
        *(f"[TECH-SPEC-DECISION: {decision}]" for decision, _ in decisions),
    )


def _create(scene: Scene, story: PromptStory) -> None:
    if scene.has(story.file):
        scene.stage.read(story.file, say=f"{story.key} has its story file; it is complete.")
        return
    prepared = scene.prepared(story)
    approach = prepared.approach if prepared else f"{story.key}: a small story, a small change."
    scene.say(scene.end("analyze", story.key), scene.start("generate", story.key), approach)
    text = _story_text(scene, story, prepared)
    scene.stage.write(story.file, text, scene.text(scene.end("generate", story.key), scene.start("write", story.key)))


def _story_text(scene: Scene, story: PromptStory, prepared: Prepared | None) -> str:
    plan = find_plan(scene.epics, story.number)
    title = plan.title or story.title
    statement = plan.statement or ("As a user,", f"I want {title.lower()},", "so that the work continues.")
    criteria = plan.criteria or (f"**Given** the project **When** the story is done **Then** {title.lower()} works",)
    epics = scene.epics_files[0] if scene.epics_files else "the epics"
    return render(
        story.number,
        DemoStoryPlan(title, statement, criteria),
        tasks=prepared.tasks if prepared else GENERIC_TASKS,
        notes=prepared.notes if prepared else ("Keep the change small.",),
        structure=prepared.structure if prepared else ("Nothing beyond the files of the story.",),
        references=[f"[Source: {epics}#Story {story.number}: {title}]"],
    )


def _decision(scene: Scene, story: PromptStory) -> tuple[str, str]:
    prepared = scene.prepared(story)
    if prepared is None or prepared.tech_spec is None:
        return "SKIP", "one module, no new format: the story says enough."
    return "REQUIRED", str(prepared.tech_spec["why"])


def discovery(scene: Scene) -> str:
    """Notes on the code that each story will touch."""
    stage = scene.stage
    stage.bash(
        "git ls-files 2>/dev/null | grep -v '^_bmad' | head -n 40",
        "List the code",
        scene.text(scene.start("setup", "what is there"), "I look for what these stories will touch."),
    )
    scene.say(scene.end("setup", "listed"), scene.start("explore", "the code that the stories touch"))
    for story in scene.prompt.stories:
        _discover(scene, story)
    return scene.text(
        scene.end("explore", "done"),
        scene.end("write", "notes written"),
        "The notes are with the stories.",
        None,
        "[STORY-DISCOVERY-COMPLETE: YES]",
    )


def _discover(scene: Scene, story: PromptStory) -> None:
    prepared = scene.prepared(story)
    touched = prepared.touched if prepared else []
    existing = scene.existing(*touched)
    if existing:
        scene.stage.read(*existing[:2])
    new = [path for path in touched if path not in existing]
    lines = [f"`{path}` is there and changes" for path in existing] + [f"`{path}` is new" for path in new]
    lines += list(prepared.notes) if prepared else ["No file of the project is touched twice by this story."]
    text = f"# Discovery for {story.key}\n\n{bullets(lines)}\n"
    scene.change(scene.prompt.beside_stories(f"discovery-{story.key}.md"), text, scene.start("write", story.key))


def tech_spec(scene: Scene) -> str:
    """A tech-spec for each story whose decision was REQUIRED; for each one where that is not known here."""
    prepared = {story.key: scene.prepared(story) for story in scene.prompt.stories}
    wanted = [story for story in scene.prompt.stories if (each := prepared[story.key]) and each.tech_spec]
    wanted = wanted or list(scene.prompt.stories)
    files = scene.existing(*(story.file for story in wanted), scene.prompt["context file"])
    opening = scene.text(
        scene.start("setup", ", ".join(story.key for story in wanted)), "I fix what must not be guessed."
    )
    scene.stage.read(*files, say=opening)
    scene.say(scene.end("setup", "stories read"), scene.start("discover", "interfaces and risks"))
    for story in wanted:
        path = scene.prompt.beside_stories(f"tech-spec-{story.key}.md")
        marks = scene.text(scene.end("discover", story.key), scene.start("write", path))
        scene.change(path, _spec_text(story, prepared[story.key]), marks)
    return scene.text(
        scene.end("write", "written"),
        scene.end("validate", "every criterion is covered"),
        None,
        "[TECH-SPEC-COMPLETE: YES]",
    )


def _spec_text(story: PromptStory, prepared: Prepared | None) -> str:
    spec = (prepared.tech_spec if prepared else None) or {
        "why": "The story asked for it.",
        "decisions": ["The smallest change that satisfies the criteria."],
        "interfaces": ["None that others use."],
        "risks": ["None known."],
    }
    title = f"# Tech-Spec for {story.key}\n\n{spec['why']}\n"
    parts = (("Decisions", "decisions"), ("Interfaces", "interfaces"), ("Risks", "risks"))
    return title + "".join(f"\n## {heading}\n\n{bullets(spec[name])}\n" for heading, name in parts)
