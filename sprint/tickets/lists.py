"""`tickets.toml`: the epics of an initiative and the entries of a folder, in build order, checked."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from base.regular import read_regular
from sprint.document import MAX_BYTES
from sprint.tickets.frontmatter import TreeError, is_true
from sprint.tickets.plain_toml import parse_plain

TICKETS_FILE = "tickets.toml"
TYPES = ("story", "spike", "bug")

Id = int | str

_ID = re.compile(r"[0-9A-Za-z]+")


@dataclass(frozen=True, slots=True)
class Declared:
    """A need that an epic declares: another epic of the list, and what of it."""

    epic: str
    needs: str


@dataclass(frozen=True, slots=True)
class ListedEpic:
    """An `[[epic]]`; `slug` is the name of its folder."""

    id: Id
    slug: str
    title: str
    after: tuple[Declared, ...] = ()
    unknown: str | None = None  # what its `after` names that no epic of the list is


class EntryTable(msgspec.Struct, frozen=True, gc=False):
    """An `[[entry]]`; `after` as written, to be resolved in its folder."""

    id: Id
    type: str
    title: str = ""
    description: str = ""
    verify: str = ""
    covers: tuple[Any, ...] = ()
    references: tuple[Any, ...] = ()
    notes: tuple[Any, ...] = ()
    after: tuple[Any, ...] = ()
    hitl: bool = False
    risk: str = ""
    estimate: Any = ""
    unknown: str = ""
    refine: bool = False
    plan_checkpoint: bool = False
    done_checkpoint: bool = False
    v6_key: str = ""


@dataclass(frozen=True, slots=True)
class TicketList:
    """A list as read; `has_epics` says whether the key is there at all, even if empty."""

    epics: tuple[ListedEpic, ...] = ()
    entries: tuple[EntryTable, ...] = ()
    next_id: int = 0
    has_epics: bool = False
    problems: tuple[str, ...] = field(default=())


def id_of(value: object) -> Id | None:
    """A value as an id, None if it is none: digits are the number, letters keep their case."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if not isinstance(value, str) or not _ID.fullmatch(value) or value.lower() in ("true", "false"):
        return None
    # `6`, `"6"` and `"06"` are one id.
    return int(value) if value.isdecimal() else value


def read_list(folder: Path) -> TicketList:
    """The list of a folder, empty where there is none. Raises TreeError."""
    path = folder / TICKETS_FILE
    where = f"{folder.name}/{TICKETS_FILE}"
    try:
        data = read_regular(path, MAX_BYTES)
    except FileNotFoundError:
        return TicketList()
    except OSError as error:
        if path.is_dir():  # like a folder without a list
            return TicketList()
        raise TreeError(f"{where} cannot be read: {error.strerror or error}") from error
    return parse_list(data, where)


def parse_list(data: bytes, where: str) -> TicketList:
    """The list in `data`. Raises TreeError, with `where` in the sentence."""
    try:
        # `tomllib` refuses a byte-order mark, which the tool accepts; it is recursive, so deep nesting raises too.
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
        root = parse_plain(text)
        root = tomllib.loads(text) if root is None else root
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TreeError(f"{where}: {error}") from error
    next_id = root.get("next_id", 0)
    if isinstance(next_id, bool) or not isinstance(next_id, int):
        raise TreeError(f"{where}: `next_id` must be a whole number")
    entries = tuple(_entry(table, where) for table in _tables(root, "entry", where))
    _unique((entry.id for entry in entries), "entries", where)
    # Not `bool(epics)`: the key alone, even empty, makes the folder an initiative.
    return TicketList(_epics(root, where), entries, next_id, "epic" in root)


def _tables(root: dict[str, Any], name: str, where: str) -> list[dict[str, Any]]:
    found = root.get(name, [])
    if not isinstance(found, list) or not all(isinstance(table, dict) for table in found):
        kind = "one per epic" if name == "epic" else "one per ticket"
        raise TreeError(f"{where}: write `[[{name}]]` tables, {kind}")
    return found


def _unique(ids: Iterable[Id], noun: str, where: str) -> None:
    seen: set[Id] = set()
    for ident in ids:
        if ident in seen:
            raise TreeError(f"{where}: two {noun} with id {ident}")
        seen.add(ident)


def _id(table: dict[str, Any], noun: str, where: str) -> Id:
    ident = id_of(table.get("id"))
    if ident is None:
        raise TreeError(f"{where}: every {noun} needs an `id`: a number, or letters and digits")
    return ident


def _list(table: dict[str, Any], name: str, where: str) -> tuple[Any, ...]:
    value = table.get(name, [])
    if not isinstance(value, list):
        raise TreeError(f"{where}: `{name}` must be a list")
    return tuple(value)


def _entry(table: dict[str, Any], where: str) -> EntryTable:
    ident = _id(table, "entry", where)
    kind = table.get("type")
    if kind not in TYPES:
        raise TreeError(f"{where}: entry {ident} type {kind!r} is not one of {', '.join(TYPES)}")
    return EntryTable(
        id=ident,
        type=kind,
        # A title such as `2048` is a number in TOML; the tool turns it into text.
        title=str(table.get("title", "")),
        description=str(table.get("description", "")),
        verify=str(table.get("verify", "")),
        covers=_list(table, "covers", where),
        references=_list(table, "references", where),
        notes=_list(table, "notes", where),
        after=_list(table, "after", where),
        hitl=is_true(table.get("hitl")),
        risk=str(table.get("risk", "")),
        estimate=table.get("estimate", ""),
        unknown=str(table.get("unknown", "")),
        # A bug is always refined with a person before it is built.
        refine=kind == "bug" or is_true(table.get("refine")),
        plan_checkpoint=is_true(table.get("plan_checkpoint")),
        done_checkpoint=is_true(table.get("done_checkpoint")),
        v6_key=str(table.get("v6_key", "")),
    )


def _epics(root: dict[str, Any], where: str) -> tuple[ListedEpic, ...]:
    tables = _tables(root, "epic", where)
    slugs: dict[Id, str] = {}
    for table in tables:
        ident = _id(table, "epic", where)
        slug = table.get("slug")
        if not isinstance(slug, str) or not slug:
            raise TreeError(f"{where}: epic {ident} needs a `slug`")
        if ident in slugs:
            raise TreeError(f"{where}: two epics with id {ident}")
        if slug in slugs.values():
            raise TreeError(f"{where}: two epics with slug {slug!r}")
        # Not used, only checked: the tool refuses the tree where it is no list.
        _list(table, "covers", where)
        slugs[ident] = slug
    return tuple(_epic(table, slugs, where) for table in tables)


def _epic(table: dict[str, Any], slugs: dict[Id, str], where: str) -> ListedEpic:
    ident = _id(table, "epic", where)
    declared: list[Declared] = []
    unknown = None
    for item in _list(table, "after", where):
        named = item.get("epic") if isinstance(item, dict) else None
        if isinstance(named, bool) or not isinstance(named, int | str):
            raise TreeError(f'{where}: an epic\'s `after` takes tables: [{{ epic = <id or slug>, needs = "..." }}]')
        key = id_of(named)
        # The slug first: one such as `7` could be an id too.
        slug = named if named in slugs.values() else slugs.get(key) if key is not None else None
        if slug is None:
            unknown = unknown or f"{where}: {slugs[ident]} is after {named!r}, which is no epic listed"
        else:
            declared.append(Declared(str(slug), str(item.get("needs", ""))))
    return ListedEpic(ident, slugs[ident], str(table.get("title", "")), tuple(declared), unknown)
