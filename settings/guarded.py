"""The values of a settings file that are used only when trusted, and the settings that depend on them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from settings.model import WORKFLOWS, SettingValues
from settings.table import BY_NAME


def guarded_values(values: Mapping[str, Any], root: Path | None) -> SettingValues:
    """Return the values that start programs, open the network or name a place outside of `root`."""
    known = {name: value for name, value in values.items() if name in BY_NAME and value is not None}
    return {name: value for name, value in known.items() if _is_guarded(name, value, root)}


def _is_guarded(name: str, value: Any, root: Path | None) -> bool:
    match BY_NAME[name].trust:
        case "always":
            return True
        case "outside":
            return root is None or not _is_inside(root, str(value))
        case _:
            return False


def _is_inside(root: Path, path: str) -> bool:
    try:
        return (root / Path(path).expanduser()).resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError):  # a loop of links, the home of an unknown user, a NUL
        return False


def _names(agent: Any) -> list[Any]:
    return agent if isinstance(agent, list) else [agent]


def with_dependents(untrusted: Collection[str], values: Mapping[str, Any], agents: Collection[str]) -> frozenset[str]:
    """Return `untrusted` and the settings that would name something missing without them; `agents` are the built-in."""
    left_out = set(untrusted)
    if "agents" in left_out and not {*_names(values.get("agent"))} <= {*agents}:
        left_out.add("agent")
    if "workflows" in left_out and values.get("workflow") not in WORKFLOWS:
        left_out.add("workflow")
    if left_out & {"agents", "workflows"}:
        left_out.add("commands")
    # With the host and without its token, everyone on the network would be let in.
    if "token" in left_out:
        left_out.update(("host", "reader_token"))
    return frozenset(left_out & values.keys())
