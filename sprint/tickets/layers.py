"""What a BMAD 7 installation says about its tickets: output folder, active initiative, store.

Unlike the settings of older versions, a layer that is there and does not parse stops everything:
what it would have said may be what keeps a run away from another person's initiative.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from base.regular import read_regular
from sprint.tickets.frontmatter import TreeError

LAYERS = ("_bmad/config.toml", "_bmad/custom/config.toml", "_bmad/custom/config.user.toml")
USER_LAYER = LAYERS[-1]
STORE_FILE = "_bmad/custom/ticketing-store-config.toml"
REPO = "repo"
MAX_LAYER_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class TicketConfig:
    """Paths are absolute. `initiative` is None where none is set; `store` is `repo` or a tracker's name."""

    root: Path
    output: Path
    initiative: Path | None
    store: str


def find_root(start: Path) -> Path | None:
    """The nearest folder at or above `start` that holds a folder `_bmad`."""
    return next((folder for folder in (start, *start.parents) if (folder / "_bmad").is_dir()), None)


def read_layers(root: Path) -> TicketConfig:
    """The settings of a project root. Raises TreeError for a layer that does not parse."""
    merged: dict[str, Any] = {}
    for name in LAYERS:
        merged = merge_tables(merged, read_table(root / name))
    core = merged.get("core")
    core = core if isinstance(core, dict) else {}
    output = _output(root, core.get("output_folder"))
    active = core.get("active_initiative")
    initiative = output / active.strip() if isinstance(active, str) and active.strip() else None
    return TicketConfig(root, output, initiative, read_store(root))


def read_store(root: Path) -> str:
    """Where the tickets are kept. Raises TreeError."""
    tickets = read_table(root / STORE_FILE).get("tickets")
    store = tickets.get("store") if isinstance(tickets, dict) else None
    return store if isinstance(store, str) and store else REPO


def _output(root: Path, value: object) -> Path:
    text = value if isinstance(value, str) else ""
    # BMAD's installer writes this placeholder literally into the file.
    return root / text.replace("{project-root}", str(root)) if text else root


def read_table(path: Path) -> dict[str, Any]:
    """A TOML file; {} where there is none. Raises TreeError."""
    try:
        data = read_regular(path, MAX_LAYER_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise TreeError(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        return tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TreeError(f"failed to parse {path}: {error}") from error


def merge_tables(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Tables merge, other values replace."""
    result = dict(base)
    for key, value in over.items():
        known = result.get(key)
        both = isinstance(known, dict) and isinstance(value, dict)
        result[key] = merge_tables(known, value) if both and isinstance(known, dict) else value
    return result
