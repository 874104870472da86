"""The initiatives of a BMAD 7 project: those below its output folder, and the one that a user's configuration names."""

import os
from dataclasses import dataclass
from pathlib import Path

from base.regular import read_or_empty
from sprint import walk
from sprint.kindof import is_initiative
from sprint.markdown import MAX_BYTES, plain_text, split
from sprint.tickets.frontmatter import TreeError
from sprint.tickets.layers import TicketConfig, find_root, read_layers
from sprint.tickets.lists import TICKETS_FILE

# Folders below the output folder that are looked at.
MAX_FOLDERS = 500


@dataclass(frozen=True, slots=True)
class Initiative:
    """One initiative: its folder below the output folder, `/` between names, its title, its list of tickets."""

    name: str
    title: str
    tickets: Path


@dataclass(frozen=True, slots=True)
class Initiatives:
    """All of a project, by name. `active`: the name that the user's configuration has, "" for none."""

    every: tuple[Initiative, ...] = ()
    active: str = ""

    def named(self, name: str) -> Initiative | None:
        """The initiative of exactly this name."""
        return next((initiative for initiative in self.every if initiative.name == name), None)

    def of(self, tickets: Path) -> Initiative | None:
        """The initiative whose list of tickets this is."""
        return next((initiative for initiative in self.every if initiative.tickets == tickets), None)


def read_initiatives(start: Path) -> Initiatives:
    """The initiatives of the project at or above a folder; none where its configuration cannot be read."""
    root = find_root(start)
    try:
        config = None if root is None else read_layers(root)
    except TreeError:
        return Initiatives()
    if config is None:
        return Initiatives()
    active = "" if config.initiative is None else _name(config, config.initiative)
    # The active one may lie deeper than the others, since its name may hold a `/`.
    folders = dict.fromkeys([*_folders(config.output), *([config.initiative] if config.initiative else [])])
    found = [_initiative(config, folder) for folder in folders if is_initiative_folder(folder)]
    return Initiatives(tuple(sorted(found, key=lambda initiative: initiative.name)), active)


def is_initiative_folder(folder: Path) -> bool:
    """Whether a folder has the list of tickets of an initiative."""
    return walk.is_file(folder / TICKETS_FILE) and is_initiative(folder / TICKETS_FILE)


def _folders(output: Path) -> list[Path]:
    try:
        names = sorted(os.listdir(output))
    except OSError:
        return []
    return [output / name for name in names if not name.startswith(".")][:MAX_FOLDERS]


def _initiative(config: TicketConfig, folder: Path) -> Initiative:
    return Initiative(_name(config, folder), _title(folder / f"{folder.name}.md"), (folder / TICKETS_FILE).resolve())


def _name(config: TicketConfig, folder: Path) -> str:
    return folder.relative_to(config.output).as_posix() if folder.is_relative_to(config.output) else folder.as_posix()


def _title(path: Path) -> str:
    page = split(read_or_empty(path, MAX_BYTES))
    heading = next((item.title for item in page.headings if item.level == 1), "")
    return plain_text(page.front.get("title", "") or heading)
