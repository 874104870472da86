"""What a project has customised of BMAD's unattended build: who commits what it builds.

Layers, later wins: `customize.toml` in the skill's folder, `_bmad/custom/<skill>.toml` of the team, and
`_bmad/custom/<skill>.user.toml` of the person. Versions without the key commit by themselves.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sprint.edit import Refused
from sprint.tickets.frontmatter import TreeError
from sprint.tickets.layers import merge_tables, read_table

DEFAULTS = "customize.toml"
CUSTOM = "_bmad/custom"


class BuildCommit(StrEnum):
    """What a build does with its work at its end."""

    AUTO = "auto"  # commits by itself
    STAGE = "stage"  # leaves it staged; the caller commits before the next build
    HANDOFF = "handoff"  # commits by a recipe of the project's


@dataclass(frozen=True, slots=True)
class BuildCustomization:
    """`recipe` are the instructions by which the project commits; "" unless `commit` is a handoff."""

    commit: BuildCommit = BuildCommit.AUTO
    recipe: str = ""


def read_customization(root: Path, skill: Path) -> BuildCustomization:
    """The customisation of the skill in a folder. Raises Refused with the file that cannot be followed."""
    names = (skill / DEFAULTS, root / CUSTOM / f"{skill.name}.toml", root / CUSTOM / f"{skill.name}.user.toml")
    values: dict[str, object] = {}
    for path in names:
        try:
            table = read_table(path).get("workflow")
        except TreeError as error:
            raise Refused(str(error)) from error
        values = merge_tables(values, table if isinstance(table, dict) else {})
    return _customization(values.get("commit", BuildCommit.AUTO.value), values.get("commit_handoff"), skill.name)


def _customization(commit: object, recipe: object, skill: str) -> BuildCustomization:
    if commit not in list(BuildCommit):
        known = ", ".join(BuildCommit)
        raise Refused(f"workflow.commit of {skill} is {commit!r}: known are {known}.")
    mode = BuildCommit(str(commit))
    if mode is not BuildCommit.HANDOFF:
        return BuildCustomization(mode)
    text = recipe.strip() if isinstance(recipe, str) else ""
    if not text:
        raise Refused(f"workflow.commit of {skill} is handoff, and workflow.commit_handoff says nothing.")
    return BuildCustomization(mode, text)
