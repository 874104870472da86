"""The schemas of trackers seen in the field, read into one list of raw entries in file order.

flat       development_status: {1-1-login: done}
nested     development_status: {1-1-login: {status: done, …}}; may be mixed with flat
grouped    development_status: {epics: {epic-1: {stories: {1-1-login: …}}}}
sprints    sprints: [{stories: [{story_id, status, epic}]}], or sprint_1: {stories: […]}
epics      epics: [{id, status, stories: […]}], or the same as maps
stories    stories: [{id, status}], or a list per epic
"""

import re
from collections.abc import Iterator

import msgspec

from sprint.document import Mapping, Node, Scalar, Sequence
from sprint.keys import epic_id
from sprint.model import Shape
from sprint.status import Kind

BLOCK = "development_status"

_ID = ("story_id", "id", "key", "epic_id", "number")
# Agents write the keys, sometimes in the project's own language.
_STATUS = ("status", "state", "estado")
_TITLE = ("title", "name")
_EPIC = ("epic", "epic_id")
_SPRINT_KEY = re.compile(r"sprint[-_]?\d+$", re.IGNORECASE)


class Raw(msgspec.Struct, frozen=True, gc=False):
    """A key and its value as written. `at` is the key's index in the text, `token` what an edit replaces."""

    key: str
    status: str
    at: int
    token: Scalar | None = None
    kind: Kind | None = None  # where the schema says it; otherwise the key does
    epic: str = ""
    title: str = ""


class Table(msgspec.Struct, frozen=True):
    """The result of reading a schema."""

    shape: Shape
    raws: list[Raw]


def read_shape(root: Node | None) -> Table:
    """The entries of a parsed tracker; shape `none` if its schema is not known."""
    if not isinstance(root, Mapping):
        return Table(Shape.NONE, [])
    block = root.get(BLOCK)
    # Some files keep an empty `development_status` above the list that is used.
    if isinstance(block, Mapping) and block.pairs:
        return _status_block(root, block)
    for shape, reader in _OTHER_SCHEMAS:
        if raws := list(reader(root)):
            return Table(shape, raws)
    return Table(Shape.FLAT if root.get(BLOCK) is not None else Shape.NONE, [])


def _status_block(root: Mapping, block: Mapping) -> Table:
    if any(_is_group(key.text, value) for key, value in block.pairs):
        return Table(Shape.GROUPED, list(_grouped(block)))
    raws = [_entry(key, value) for key, value in block.pairs]
    nested = any(isinstance(value, Mapping) for _, value in block.pairs)
    return Table(Shape.NESTED if nested else Shape.FLAT, [*raws, *_epic_status(root, raws)])


def _entry(key: Scalar, value: Node) -> Raw:
    if isinstance(value, Scalar):
        # An anchor or alias on the key may be used elsewhere in the file, so its value is not edited.
        return Raw(key.text, value.text, key.start, value if key.bare else None)
    if isinstance(value, Sequence):
        return Raw(key.text, "", key.start)
    token = value.get("status")
    if not isinstance(token, Scalar):
        return Raw(key.text, "", key.start, title=value.text(*_TITLE))
    # Of two, YAML readers take the last one and people edit the first.
    unique = sum(name.text == "status" for name, _ in value.pairs) == 1
    return Raw(key.text, token.text, key.start, token if unique else None, title=value.text(*_TITLE))


def _epic_status(root: Mapping, raws: list[Raw]) -> Iterator[Raw]:
    """Epics kept in a map of their own beside the stories; never written."""
    beside = root.get("epic_status")
    if isinstance(beside, Mapping):
        known = {raw.key for raw in raws}
        for key, value in beside.pairs:
            if isinstance(value, Scalar) and key.text not in known:
                yield Raw(key.text, value.text, key.start)


def _is_group(key: str, value: Node) -> bool:
    if isinstance(value, Mapping) and _collection(value.get("stories")):
        return True
    return key in ("epics", "stories") and _collection(value)


def _collection(node: Node | None) -> bool:
    return isinstance(node, Mapping | Sequence)


def _grouped(block: Mapping) -> Iterator[Raw]:
    for key, value in block.pairs:
        if key.text == "epics" and _collection(value):
            yield from _epics(value)
        elif key.text == "stories" and _collection(value):
            yield from _stories(value, "")
        elif _is_group(key.text, value):
            yield from _epic(key.text, key.start, value)
        else:
            yield _entry(key, value)


def _epics(node: Node) -> Iterator[Raw]:
    if isinstance(node, Mapping):
        for key, value in node.pairs:
            yield from _epic(key.text, key.start, value)
    elif isinstance(node, Sequence):
        for item in node.items:
            if isinstance(item, Mapping):
                yield from _epic(item.text(*_ID) or item.text(*_TITLE), item.start, item)


def _epic(key: str, at: int, value: Node) -> Iterator[Raw]:
    """An epic and the stories inside it."""
    ident = _epic_hint(key)
    if isinstance(value, Mapping):
        yield Raw(key, value.text(*_STATUS), at, None, Kind.EPIC, ident, value.text(*_TITLE))
        inner = value.get("stories")
        if inner is not None:
            yield from _stories(inner, ident)
    else:
        yield Raw(key, value.text if isinstance(value, Scalar) else "", at, None, Kind.EPIC, ident)


def _stories(node: Node, epic: str) -> Iterator[Raw]:
    """Stories as a map by key, as a list, or as a map of lists by epic."""
    if isinstance(node, Sequence):
        for item in node.items:
            if raw := _listed(item, epic):
                yield raw
    elif isinstance(node, Mapping):
        for key, value in node.pairs:
            if isinstance(value, Sequence):
                yield from _stories(value, _epic_hint(key.text))
            else:
                yield _mapped(key, value, epic)


def _mapped(key: Scalar, value: Node, epic: str) -> Raw:
    if isinstance(value, Mapping):
        hint = _epic_hint(value.text(*_EPIC)) or epic
        return Raw(key.text, value.text(*_STATUS), key.start, None, Kind.STORY, hint, value.text(*_TITLE))
    return Raw(key.text, value.text if isinstance(value, Scalar) else "", key.start, None, Kind.STORY, epic)


def _listed(item: Node, epic: str) -> Raw | None:
    if isinstance(item, Scalar):
        return Raw(item.text, "", item.start, None, Kind.STORY, epic)
    if not isinstance(item, Mapping) or not (key := item.text("story_id", "id", "key") or item.text(*_TITLE)):
        return None
    hint = _epic_hint(item.text(*_EPIC)) or epic
    return Raw(key, item.text(*_STATUS), item.start, None, Kind.STORY, hint, item.text(*_TITLE))


def _epic_hint(text: str) -> str:
    """`EPIC-001`, `epic_1`, `FE-EPIC-000` and `1` as an epic's id."""
    return epic_id(text.replace("_", "-")) or text


def _read_sprints(root: Mapping) -> Iterator[Raw]:
    listed = root.get("sprints")
    items = listed.items if isinstance(listed, Sequence) else []
    if isinstance(listed, Mapping):
        items = [value for _, value in listed.pairs]
    items = [*items, *(value for key, value in root.pairs if _SPRINT_KEY.match(key.text))]
    for count, item in enumerate(items, 1):
        if isinstance(item, Mapping) and (stories := item.get("stories")) is not None:
            yield from _stories(stories, f"sprint-{item.text('sprint_number', 'number', 'id') or count}")


def _read_epics(root: Mapping) -> Iterator[Raw]:
    epics = root.get("epics")
    if epics is not None:
        yield from _epics(epics)
        yield from _read_stories(root)


def _read_stories(root: Mapping) -> Iterator[Raw]:
    stories = root.get("stories")
    if stories is not None:
        yield from _stories(stories, "")


_OTHER_SCHEMAS = (
    (Shape.SPRINTS, _read_sprints),
    (Shape.EPICS, _read_epics),
    (Shape.STORIES, _read_stories),
)
