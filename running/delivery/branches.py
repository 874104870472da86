"""The name of a delivery's branch, made from the setting's template and checked by git itself."""

from __future__ import annotations

import re
from typing import Final

from git.process import ask_git
from running.delivery.remote import SAFE_NAME
from running.workspace import Workspace

NAME_CHARS: Final = 80  # of a story's key in a branch's name
_UNFIT: Final = re.compile(r"[^A-Za-z0-9_.-]+")


class BadName(ValueError):
    """A name that is no branch's; the message says what to do."""


def subject_of(per: str, key: str, epic: str) -> str:
    """Return what a delivery is named after: a story, or its epic."""
    return key if per == "story" else f"epic-{epic}"


async def branch_name(workspace: Workspace, *, subject: str, key: str, epic: str, batch_id: int) -> str:
    """Return the branch of a delivery. Raises `BadName`."""
    settings = workspace.settings()
    values = {"name": subject, "key": key, "epic": epic, "batch": str(batch_id)}
    template = settings.deliver_branch
    wanted = ("name", "key", "epic") if settings.deliver_per == "epic" else ("name", "key")
    if not any(f"{{{field}}}" in template for field in wanted):
        raise BadName(f"deliver_branch {template!r} gives all the same branch: let it hold {{name}}")
    name = re.sub(r"\{(\w+)\}", lambda match: _plain(values.get(match[1], match[0])), template)
    checked = await ask_git(workspace.project.root, "check-ref-format", f"refs/heads/{name}")
    if checked is None or SAFE_NAME.fullmatch(name) is None:
        raise BadName(f"{name!r} is no branch's name that is understood everywhere: change deliver_branch")
    return name


def _plain(text: str) -> str:
    return _UNFIT.sub("-", text)[:NAME_CHARS].strip("-.") or "story"
