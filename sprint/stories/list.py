"""`stories.yaml`: a list of {id, title, …} in execution order; statuses in `stories/<id>-*.md` beside it."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from base.regular import read_or_empty
from sprint import walk
from sprint.document import MAX_BYTES, Mapping, Sequence, Source, decode, parse
from sprint.keys import Grammar
from sprint.model import Conditions, PlanKind, Problem, Shape, Sprint, StoryEntry
from sprint.status import Kind, Status
from sprint.story import read_story
from sprint.storystatus import file_status

SPEC_FILE = "SPEC.md"
STORIES_FOLDER = "stories"

_ID = re.compile(r"[0-9A-Za-z.-]+")


def read_story_list(path: Path) -> Sprint:
    """The plan of a stories.yaml. Never raises for what is on the disk."""
    source = decode(read_or_empty(path, MAX_BYTES))
    document = parse(source)
    items = [item for item in _items(document.root) if isinstance(item, Mapping)]
    problems = [document.problem] if document.problem else []
    problems += _problems(path, source, items)
    files = story_files_of(path.parent)
    stories = tuple(_stories(source, items, files))
    for story in stories:
        if len(story.paths) > 1:
            problems.append(Problem(story.line, f"Several files belong to the story {story.key}; leave one."))
    # Of the stories, not of the file's bytes: the statuses are in other files.
    state = hashlib.sha256(repr(stories).encode("utf-8", "replace")).hexdigest()
    return Sprint(
        stories=stories,
        problems=tuple(problems),
        shape=Shape.SPECS,
        sha256=state,
        writable=not document.problem,
        broken=not stories or document.problem is not None,
        kind=PlanKind.STORIES,
    )


def _items(root: object) -> list[object]:
    return list(root.items) if isinstance(root, Sequence) else []


def _problems(path: Path, source: Source, items: list[Mapping]) -> Iterator[Problem]:
    if not walk.is_file(path.parent / SPEC_FILE):
        yield Problem(None, f"There is no {SPEC_FILE} beside {path.name}; the first build of a story needs it.")
    idents = [item.text("id") for item in items]
    for item, ident in zip(items, idents, strict=True):
        line = source.line(item.start)
        if not _ID.fullmatch(ident):
            yield Problem(line, f"The id {ident!r} may hold letters, digits and dashes only.")
        if item.text("status"):
            yield Problem(line, f"The story {ident} has a status in the list; that in its own file counts.")
        if any(other.startswith(f"{ident}-") for other in idents):
            yield Problem(line, f"The id {ident} is the beginning of another one; a file could belong to both.")
    for ident, count in Counter(idents).items():
        if count > 1:
            yield Problem(None, f"The id {ident} occurs {count} times; none of them is run.")


def story_files_of(folder: Path) -> list[Path]:
    """The Markdown files in which the statuses are."""
    found = walk.files(folder / STORIES_FOLDER, 0)
    return [Path(entry.path) for entry in found if entry.name.endswith(".md") and entry.is_file()]


def _stories(source: Source, items: list[Mapping], files: list[Path]) -> Iterator[StoryEntry]:
    grammar = Grammar(())
    idents = [item.text("id") for item in items]
    for position, item in enumerate(items):
        ident = item.text("id")
        key = grammar.classify(ident.replace(".", "-"))
        epic, number = (key.epic, key.number) if key.kind is Kind.STORY else ("", ident)
        paths = _own(ident, idents, files)
        raw = read_story(paths[0]).raw_status if len(paths) == 1 else ""
        yield StoryEntry(
            key=ident,
            epic=epic,
            status=_status(paths, raw),
            raw_status=raw,
            line=source.line(item.start),
            position=position,
            title=item.text("title"),
            editable=len(paths) < 2 and idents.count(ident) == 1 and _ID.fullmatch(ident) is not None,
            number=number,
            paths=tuple(map(str, paths)),
            description=item.text("description"),
            conditions=_conditions(item),
        )


def _own(ident: str, idents: list[str], files: list[Path]) -> list[Path]:
    """The files of an id, but not those of a longer one that begins with it."""
    longer = [other for other in idents if other.startswith(f"{ident}-")]
    own = [file for file in files if _belongs(file, ident)]
    return [file for file in own if not any(_belongs(file, other) for other in longer)]


def _belongs(file: Path, ident: str) -> bool:
    return file.stem == ident or file.stem.startswith(f"{ident}-")


def _status(paths: list[Path], raw: str) -> Status:
    """No file is a story that has not begun; two are an error, and none of them counts."""
    if len(paths) > 1:
        return Status.UNKNOWN
    # `draft` is a spec whose planning was not finished: the next build continues to plan it.
    return Status.BACKLOG if raw.strip().lower() in ("", "draft") else file_status(raw)


def _conditions(item: Mapping) -> Conditions:
    return Conditions(
        ref=item.text("id"),
        # `spec_checkpoint` until BMAD 6.12, `plan_checkpoint` in the previews of 7.
        plan_checkpoint=_flag(item.text("spec_checkpoint", "plan_checkpoint")),
        done_checkpoint=_flag(item.text("done_checkpoint")),
        prompt=item.text("invoke_dev_with"),
    )


def _flag(text: str) -> bool:
    return text.lower() == "true"
