"""A ticket tree: the folders of an initiative in build order, its epics, and what each ticket waits for."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from base.regular import read_regular
from sprint.tickets.folder import Folder, Ticket, read_folder
from sprint.tickets.frontmatter import Scalar, TreeError, decoded, parse_front
from sprint.tickets.leaves import MAX_FILE_BYTES, Leaves
from sprint.tickets.lists import TICKETS_FILE, Declared, Id, ListedEpic, read_list

EPIC_STATUSES = ("in-progress", "done", "dropped")
_CONTAINERS = ("epic", "initiative")


@dataclass(frozen=True, slots=True, eq=False)
class Epic:
    """An epic's folder with what its own file says; `gate` as written there. `id` is None for an unlisted one."""

    folder: Folder
    id: Id | None
    title: str
    status: str = ""
    gate: tuple[Scalar, ...] = ()
    declared: tuple[Declared, ...] = ()
    tracker_id: str = ""

    @property
    def slug(self) -> str:
        return self.folder.name


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """An initiative with its epics, or a folder of tickets alone (`epics` is None then)."""

    path: Path
    epics: tuple[Epic, ...] | None
    own: Folder
    listed: tuple[ListedEpic, ...] = ()
    notes: tuple[str, ...] = ()
    by_slug: dict[str, Epic] = field(default_factory=dict)

    @property
    def folders(self) -> list[Folder]:
        """In build order; the initiative's own tickets come last."""
        return [*(epic.folder for epic in self.epics or ()), self.own]

    @property
    def tickets(self) -> list[Ticket]:
        return [ticket for folder in self.folders for ticket in folder.tickets]

    @property
    def problems(self) -> list[str]:
        return [problem for folder in self.folders for problem in folder.problems]

    def epic(self, slug: str) -> Epic | None:
        return self.by_slug.get(slug)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a command looks at: a whole tree, or one epic of it.

    `by_file`: the backlog beside an initiative, whose tickets are called by their files: an id could name one there.
    """

    tree: Tree
    only: Epic | None = None
    by_file: bool = False

    @property
    def path(self) -> Path:
        return self.only.folder.path if self.only else self.tree.path

    @property
    def folders(self) -> list[Folder]:
        return [self.only.folder] if self.only else self.tree.folders

    @property
    def tickets(self) -> list[Ticket]:
        return [ticket for folder in self.folders for ticket in folder.tickets]

    @property
    def flat(self) -> bool:
        """Whether there is one folder only, so that a bare id is enough to name a ticket."""
        return self.only is not None or self.tree.epics is None


def read_scope(path: Path, leaves: Leaves) -> Scope:
    """The tree of a folder; of an epic's folder the whole initiative with that epic chosen. Raises TreeError."""
    tree = read_tree(path, leaves)
    if tree.epics is None and path.name.startswith("epic-") and _counts(path):
        # Needs may name tickets of other epics: the whole initiative is read also where one epic is shown.
        whole = read_tree(path.parent, leaves, own_tickets=False)
        return Scope(whole, whole.epic(path.name)) if whole.epics else Scope(tree)
    return Scope(tree)


def read_tree(path: Path, leaves: Leaves, *, own_tickets: bool = True) -> Tree:
    """The tree that begins at a folder. Raises TreeError.

    own_tickets: also the initiative's own, beside those of its epics; an epic of it is read without them.
    """
    own = read_folder(path, leaves) if own_tickets else Folder(path, leaves.read_list(path), (), ())
    folders = {folder.name: folder for folder in _epic_folders(path)}
    # `epic = []` makes an initiative too, one whose epics are still to be written.
    if not folders and not own.list.has_epics:
        return Tree(path, None, own)
    order = [epic.slug for epic in own.list.epics if epic.slug in folders]
    # Epics that the list does not name are built last, by name.
    order += [name for name in folders if name not in order]
    listed = {epic.slug: epic for epic in own.list.epics}
    notes: list[str] = []
    epics = tuple(_epic(read_folder(folders[name], leaves), listed.get(name), notes) for name in order)
    notes += [
        f"{path.name}/{TICKETS_FILE}: there is no folder of tickets for the epic {epic.slug!r}"
        for epic in own.list.epics
        if epic.slug not in folders
    ]
    return Tree(path, epics, own, own.list.epics, tuple(notes), {epic.slug: epic for epic in epics})


def _epic_folders(path: Path) -> Iterator[Path]:
    try:
        # The tool has this prefix literally: a listed folder with another name is no epic.
        found = sorted(child for child in path.glob("epic-*") if child.is_dir())
    except OSError:
        return
    yield from (child for child in found if _counts(child))


def _counts(folder: Path) -> bool:
    """Whether a folder `epic-…` is an epic: it holds its own file or a list."""
    return (folder / f"{folder.name}.md").exists() or (folder / TICKETS_FILE).exists()


@dataclass(frozen=True, slots=True)
class _Head:
    status: str = ""
    gate: tuple[Scalar, ...] = ()
    title: str = ""
    tracker_id: str = ""


def _epic(folder: Folder, listed: ListedEpic | None, notes: list[str]) -> Epic:
    head = _head(folder.path, notes)
    ident = listed.id if listed else None
    title = (listed.title if listed else "") or head.title
    after = listed.after if listed else ()
    return Epic(folder, ident, title, head.status, head.gate, after, head.tracker_id)


def _head(folder: Path, notes: list[str]) -> _Head:
    """What an epic's own file says. One that is missing gates nothing, and is noted."""
    where = f"{folder.name}/{folder.name}.md"
    try:
        text = decoded(read_regular(folder / f"{folder.name}.md", MAX_FILE_BYTES))
    except FileNotFoundError:
        notes.append(f"{where} is missing; the epic has no status, and the project's own tool refuses the tree.")
        return _Head()
    except (OSError, UnicodeDecodeError) as error:
        raise TreeError(f"{where} cannot be read: {error}") from error
    # Epic and leaf files are read strictly, plans leniently, since builds write block lists into plans.
    front = parse_front(text, strict=True)
    if front is None or not front.closed or front.text("type") not in _CONTAINERS:
        raise TreeError(f"{where} needs frontmatter with `type: epic`")
    status = front.text("status")
    if status and status not in EPIC_STATUSES:
        raise TreeError(f"{where}: status {status!r} is not one of {', '.join(EPIC_STATUSES)}")
    return _Head(status, tuple(front.items("after")), front.text("title"), front.text("tracker_id"))


def epics_of(path: Path) -> tuple[ListedEpic, ...]:
    """The epics that an initiative lists. Raises TreeError."""
    return read_list(path).epics
