"""The role of an unattended build: plan, code, tests and a local commit in one session, and a spec file that says so.

Never touches the tracker, as the skill it plays. May be killed at any instant and run again.
"""

from __future__ import annotations

import shlex

from demo import plans
from demo.coding import implement
from demo.prompt import PromptStory
from demo.scene import Scene

SPEC = """---
title: {title}
type: feature
created: today
status: {status}
---

<intent-contract>

## Intent

{title}, as {number} asks.

</intent-contract>

## Tasks & Acceptance

**Execution:**

- {title}

## Auto Run Result

Status: {status}
"""


def build_auto(scene: Scene) -> str:
    if plans.is_plan_call(scene):
        return plans.build(scene)
    story = scene.prompt.stories[0]
    path = scene.prompt.beside_stories(f"spec-{story.key}.md")
    scene.say(scene.start("setup", story.key), f"I build {story.number}, {story.title}.")
    if "blocked" in scene.turn:
        reason = scene.turn["blocked"] or "a person must decide"
        scene.change(path, _spec(story, "blocked") + f"Blocking condition: {reason}\n")
        return "I cannot continue; the spec says why."
    scene.change(path, _spec(story, "in-progress"), scene.text(scene.end("setup", "read"), scene.start("plan", path)))
    touched = [] if "no-change" in scene.turn else implement(scene, story, scene.prepared(story))
    answer = scene.check(scene.text(scene.end("build", "written"), scene.start("validate", "the check")))
    if "no-marker" in scene.turn or (answer is not None and not answer.ok):
        return "It is not finished."
    scene.change(path, _spec(story, "done"))
    files = " ".join(map(shlex.quote, (*touched, path)))
    message = shlex.quote(f"feat: {story.title}")
    scene.stage.bash(f"git add -- {files} && git commit -q -m {message} -- {files}", "Commit")
    return scene.text(scene.end("validate", "green"), f"{story.title} is built and committed.")


def _spec(story: PromptStory, status: str) -> str:
    return SPEC.format(title=story.title, number=story.number, status=status)
