"""What a session lets one choose: its mode and its model, in the three ways that programs offer them.

Options of the session (`configOptions`, by category) come first; `modes` and `models` are of programs from before them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from agents import json_values
from agents.acp.protocol import SET_MODE, SET_MODEL, SET_OPTION
from agents.json_values import Json

MODE: Final = "mode"
MODEL: Final = "model"
_WRAPPED: Final = re.compile(
    r"^\$runtime\|[^|]*\|(.+?)(?:\([^()]*\))?$"
)  # Qwen's name for a model from its environment
SHOWN: Final = 12  # of the values on offer, in a sentence
# Our words for permissions, and how programs call the mode that means it; the first that is offered counts.
MODES: Final = {
    "bypassPermissions": ("bypassPermissions", "yolo", "agent-full-access", "full-access", "bypass", "autopilot"),
    "acceptEdits": ("acceptEdits", "auto-edit", "auto_edit", "autoEdit", "accept-edits", "agent", "auto"),
    "plan": ("plan", "read-only", "readonly", "architect"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose: the request that sets it, the name of its parameter, the values on offer."""

    method: str
    parameter: str
    values: tuple[str, ...]
    current: str | None
    option: str | None = None  # the id of the option that is set

    def params(self, session: str, value: str) -> Json:
        if self.option is not None:
            return {"sessionId": session, "configId": self.option, "value": value}
        return {"sessionId": session, self.parameter: value}

    def offered(self) -> str:
        """The values in words, for a sentence."""
        more = f", … ({len(self.values)} in all)" if len(self.values) > SHOWN else ""
        return ", ".join(self.values[:SHOWN]) + more


def choice_of(session: Json, category: str) -> Choice | None:
    """What a session offers to choose as its mode or its model; None where it offers nothing."""
    for option in json_values.as_objects(session.get("configOptions")):
        id_ = json_values.as_text(option.get("configId")) or json_values.as_text(option.get("id"))
        if id_ is not None and category in (option.get("category"), id_) and option.get("type", "select") == "select":
            current = json_values.as_text(option.get("currentValue"))
            return Choice(SET_OPTION, "value", tuple(_values(option)), current, id_)
    if category == MODE:
        return _older(session, "modes", "availableModes", "id", "currentModeId", SET_MODE, "modeId")
    return _older(session, "models", "availableModels", "modelId", "currentModelId", SET_MODEL, "modelId")


def current_model(session: Json) -> str | None:
    """The model that a session names as its own."""
    choice = choice_of(session, MODEL)
    if choice is None or choice.current is None:
        return None
    wrapped = _WRAPPED.match(choice.current)
    return wrapped[1] if wrapped else choice.current


def mode_for(word: str, choice: Choice | None) -> str | None:
    """The mode that means a permission mode of the settings, None where no such is offered."""
    if choice is None:
        return None
    return next((mode for mode in MODES.get(word, (word,)) if mode in choice.values), None)


def model_for(name: str, choice: Choice) -> str | None:
    """The offered model of this name: whole, or without what programs write around it (provider, effort)."""
    if name in choice.values:
        return name
    alike = [value for value in choice.values if value.rsplit("/", 1)[-1] == name or value.split("[", 1)[0] == name]
    return choice.current if choice.current in alike else alike[0] if alike else None


def _older(
    session: Json, key: str, list_key: str, id_key: str, current_key: str, method: str, parameter: str
) -> Choice | None:
    state = json_values.as_object(session.get(key))
    values = [json_values.as_text(entry.get(id_key)) for entry in json_values.as_objects(state.get(list_key))]
    offered = tuple(value for value in values if value is not None)
    return Choice(method, parameter, offered, json_values.as_text(state.get(current_key))) if offered else None


def _values(option: Json) -> list[str]:
    """The values of an option, which may be in groups."""
    found = []
    for entry in json_values.as_objects(option.get("options")):
        if (value := json_values.as_text(entry.get("value"))) is not None:
            found.append(value)
        else:
            found += _values(entry)
    return found
