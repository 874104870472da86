"""The end of an unattended build: it commits, leaves its work staged, or follows the project's recipe for commits.

Which of them, the project's customisation of the skill says (`workflow.commit`), where it has one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from demo.scene import Scene

CUSTOM = ("_bmad/custom/bmad-build-auto.toml", "_bmad/custom/bmad-build-auto.user.toml")
COMMAND = re.compile(r"`([^`]+)`")  # of a recipe, whose first command is run


def hand_over(scene: Scene, paths: Iterable[str], message: str) -> str:
    """Do with the changed files what the project wants; returns what was done, in one word."""
    if "no-commit" in scene.turn:
        return "left as it is"
    named = " ".join(f"'{path}'" for path in paths)
    workflow = _workflow(scene)
    if workflow.get("commit") == "stage":
        scene.stage.bash(f"git add -- {named} && git write-tree", "Stage for the caller")
        return "staged"
    recipe = COMMAND.search(str(workflow.get("commit_handoff", "")))
    if workflow.get("commit") == "handoff" and recipe:
        scene.stage.bash(f"git add -- {named} && {recipe[1]}", "Follow the recipe")
        return "handed off"
    scene.stage.bash(f"git add -- {named} && git commit -q -m '{message}' -- {named}", "Commit")
    return "committed"


def _workflow(scene: Scene) -> dict[str, Any]:
    import tomllib  # here, because most calls can do without, and it is slow to import

    found: dict[str, Any] = {}
    for name in CUSTOM:
        text = scene.content(name)
        found |= tomllib.loads(text).get("workflow", {}) if text else {}
    return found
