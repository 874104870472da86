"""The role of an unattended build: plan, code, tests and a local commit in one session, and a spec file that says so.

Never touches the tracker, as the skill it plays. May be killed at any instant and run again.
"""

from __future__ import annotations

import shlex

from demo import plans
from demo.coding import implement
from demo.prompt import PromptStory
from demo.record import FRESH, finished, is_dirty, keep_ledger, status_of
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

**Acceptance Criteria:**

- Given the project, when it is used, then it does what {number} asks

## Auto Run Result

Status: {status}
"""


def build_auto(scene: Scene) -> str:
    if plans.is_plan_call(scene):
        return plans.build(scene)
    story = scene.prompt.stories[0]
    path = scene.prompt.beside_stories(f"{scene.rules.record}{story.key}.md")
    scene.say(scene.start("setup", story.key), f"I build {story.number}, {story.title}.")
    if reason := _obstacle(scene, path):
        scene.change(path, _spec(story, "blocked") + f"Blocking condition: {reason}\n")
        return "I cannot continue; the spec says why."
    scene.change(path, _spec(story, "in-progress"), scene.text(scene.end("setup", "read"), scene.start("plan", path)))
    touched = [] if "no-change" in scene.turn else implement(scene, story, scene.prepared(story))
    answer = scene.check(scene.text(scene.end("build", "written"), scene.start("validate", "the check")))
    if "no-marker" in scene.turn or (answer is not None and not answer.ok):
        return "It is not finished."
    scene.change(path, finished(scene, _spec(story, scene.rules.ending), scene.rules))
    touched += keep_ledger(scene, story.key, scene.rules)
    files = " ".join(map(shlex.quote, (*touched, path)))
    message = shlex.quote(f"feat: {story.title}")
    scene.stage.bash(f"git add -- {files} && git commit -q -m {message} -- {files}", "Commit")
    return scene.text(scene.end("validate", "green"), f"{story.title} is built and committed.")


def _obstacle(scene: Scene, path: str) -> str:
    """Why the build does not begin; "" where it may, also where an earlier one was cut off."""
    if "blocked" in scene.turn:
        return scene.turn["blocked"] or "a person must decide"
    fresh = status_of(scene.content(path)) in FRESH
    return "dirty working tree" if fresh and is_dirty(scene) else ""


def _spec(story: PromptStory, status: str) -> str:
    return SPEC.format(title=story.title, number=story.number, status=status)
