"""One line for a tool call, whatever agent made it: "Edit src/app.py", "Bash: pytest -q".

The tables map each program's tool names to a common verb; the argument is the first known key that is there.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath

from agents.edits import edits_of
from agents.json_values import Json
from agents.records import Action, Edit, ToolCall
from agents.text import one_line

LABEL_CHARS = 40  # of an unknown tool's name

_ACTIONS: dict[str, tuple[Action, str]] = {
    "read": (Action.READ, "Read"),
    "readfile": (Action.READ, "Read"),
    "readmanyfiles": (Action.READ, "Read"),
    "listdirectory": (Action.READ, "List"),
    "list": (Action.READ, "List"),
    "ls": (Action.READ, "List"),
    "notebookread": (Action.READ, "Read"),
    "webfetch": (Action.READ, "Fetch"),
    "edit": (Action.EDIT, "Edit"),
    "multiedit": (Action.EDIT, "Edit"),
    "replace": (Action.EDIT, "Edit"),
    "patch": (Action.EDIT, "Edit"),
    "applypatch": (Action.EDIT, "Edit"),
    "notebookedit": (Action.EDIT, "Edit"),
    "write": (Action.EDIT, "Write"),
    "writefile": (Action.EDIT, "Write"),
    "bash": (Action.RUN, "Bash"),
    "shell": (Action.RUN, "Bash"),
    "runshellcommand": (Action.RUN, "Bash"),
    "commandexecution": (Action.RUN, "Bash"),
    "glob": (Action.SEARCH, "Find"),
    "grep": (Action.SEARCH, "Search"),
    "grepsearch": (Action.SEARCH, "Search"),
    "searchfilecontent": (Action.SEARCH, "Search"),
    "websearch": (Action.SEARCH, "Search the web"),
    "googlewebsearch": (Action.SEARCH, "Search the web"),
    "toolsearch": (Action.SEARCH, "Search tools"),
    "agent": (Action.DELEGATE, "Delegate"),
    "task": (Action.DELEGATE, "Delegate"),
    "todowrite": (Action.PLAN, "Plan"),
    "taskcreate": (Action.PLAN, "Plan"),
    "taskupdate": (Action.PLAN, "Plan"),
    "exitplanmode": (Action.PLAN, "Plan"),
}
_ARGUMENTS = (
    "command",
    "file_path",
    "filePath",
    "absolute_path",
    "notebook_path",
    "path",
    "dir_path",
    "pattern",
    "query",
    "url",
    "description",
    "subject",
    "skill",
    "prompt",
    "taskId",
)
_PATHS = frozenset(("file_path", "filePath", "absolute_path", "notebook_path", "path", "dir_path"))


def tool_call(id_: str, name: str, arguments: Json, cwd: str | None, subagent: str | None = None) -> ToolCall:
    """The record of a tool call. Paths below `cwd` are shown relative to it."""
    action, verb = _ACTIONS.get(_key(name), (Action.OTHER, one_line(name, LABEL_CHARS)))
    argument = _argument(arguments, cwd)
    glue = ": " if action is Action.RUN or action is Action.OTHER else " "
    summary = one_line(f"{verb}{glue}{argument}" if argument else verb)
    edits = seen_from(edits_of(arguments), cwd) if action is Action.EDIT else ()
    return ToolCall(id_, name, summary, action, subagent, edits=edits)


def seen_from(edits: tuple[Edit, ...], cwd: str | None) -> tuple[Edit, ...]:
    """The edits with their paths relative to `cwd` where they lie below it."""
    return tuple(replace(edit, path=relative(edit.path, cwd)) for edit in edits)


def edits_files(name: str) -> bool:
    """Whether the tool of this name changes files."""
    return _ACTIONS.get(_key(name), (Action.OTHER, ""))[0] is Action.EDIT


def _key(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _argument(arguments: Json, cwd: str | None) -> str:
    for key in _ARGUMENTS:
        value = arguments.get(key)
        # Codex passes a command as its argument list.
        if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
            value = " ".join(value)
        if isinstance(value, str) and value.strip():
            return relative(value, cwd) if key in _PATHS else value
    return ""


def relative(path: str, cwd: str | None) -> str:
    """`path` as seen from `cwd` where it lies below it, else unchanged."""
    if cwd and path.startswith(cwd):
        try:
            return str(PurePath(path).relative_to(cwd))
        except ValueError:
            return path
    return path
