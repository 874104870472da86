"""A project's own prompts: copies of ours that the project has changed, `.sprint-runner-prompts/<command>.md`.

Promises: a batch keeps the prompts that it began with, so that nothing that an agent writes there changes the commands
that follow; a file that cannot be filled in is never used; a change is made only to what its author has seen.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from base.files import atomic_write
from running.prompt import PLACEHOLDERS, TEMPLATE_MAX, PromptError, read_template, unknown_placeholders
from security.controls import acts
from workflow import CommandKind, Preset
from workflow.presets import KINDS

FOLDER: Final = ".sprint-runner-prompts"  # of the project
KEPT: Final = "prompts"  # folder of the data folder, with what was put aside
GUARDED: Final = "prompts"  # the name under which prompts are trusted
FILES_MAX: Final = 2000  # entries of the folder that are looked at
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")


class PromptChanged(RuntimeError):
    """The prompt is not what the author of a change has seen."""


class PromptRefused(ValueError):
    """A text that cannot be a prompt; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class OwnPrompt:
    """A project's own copy. `digest` is the hash of its text."""

    name: str
    text: str
    digest: str


def path_of(name: str) -> str:
    """Return the path of the own copy of a command's prompt, relative to the project."""
    return f"{FOLDER}/{name}.md"


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_own(root: Path, name: str) -> OwnPrompt | None:
    """Return the own copy of a prompt; None without one. Raises `PromptError`."""
    path = root / path_of(name)
    if not path.is_file():
        return None
    # The folder comes with the project: it must not send other files of the operator to an agent.
    if not path.resolve().is_relative_to(root.resolve()):
        raise PromptError(f"{path_of(name)}: lies outside the project")
    text = read_template(path)
    return OwnPrompt(name, text, digest_of(text))


def own_prompts(root: Path) -> list[OwnPrompt]:
    """Return the own copies of built-in commands that can be read. Blocks on the disk."""
    found = []
    for name in file_names(root):
        command = name.removesuffix(".md")
        try:
            one = read_own(root, command) if name.endswith(".md") else None
        except PromptError:
            continue
        found += [] if one is None else [one]
    return found


def file_names(root: Path) -> list[str]:
    """Return what lies in the folder of own prompts."""
    try:
        with os.scandir(root / FOLDER) as entries:
            return sorted(entry.name for _, entry in zip(range(FILES_MAX), entries, strict=False))
    except OSError:
        return []


def check_own(root: Path, preset: Preset) -> str | None:
    """Return why the own prompts cannot be used: one is of no command, or cannot be filled in; None if they can."""
    known = {*KINDS, *(kind.name for kind in preset.commands)}
    for name in file_names(root):
        path, command = f"{FOLDER}/{name}", name.removesuffix(".md")
        if not name.endswith(".md") or command not in known:
            return f"{path}: there is no such command; known are {', '.join(sorted(known))}"
        try:
            found = read_own(root, command)
        except PromptError as error:
            return str(error)
        unknown = [] if found is None else unknown_placeholders(found.text)
        if unknown:
            return f"{path}: there is no placeholder {unknown[0]!r}"
    return None


def pin(preset: Preset, root: Path) -> Preset:
    """Return the preset with the own prompts as they are now; a preset's own text comes before them."""
    if preset.pinned:
        return preset
    pinned = {}
    for one in own_prompts(root):
        kind = next((kind for kind in preset.commands if kind.name == one.name), None) or KINDS.get(one.name)
        if kind is not None and kind.text is None:
            pinned[one.name] = replace(kind, text=one.text, origin=path_of(one.name))
    others = tuple(kind for kind in preset.commands if kind.name not in pinned)
    return replace(preset, commands=(*others, *pinned.values()), pinned=True)


# -- trust ---------------------------------------------------------------------------------------------------------


def guarded_prompts(root: Path, values: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the prompts of a folder as values that are used only when trusted; each as its size and hash.

    `values` are the folder's settings, whose own workflows name files of prompts. Blocks on the disk.
    """
    found = {one.name: _print(one.text) for one in own_prompts(root)}
    for path in _named_files(values.get("workflows")):
        try:
            found[path] = _print(read_template(root / path))
        except (PromptError, ValueError):  # a start refuses it; ValueError: a NUL in the path
            continue
    return {GUARDED: found} if found else {}


def _print(text: str) -> str:
    return f"{len(text.encode('utf-8', 'surrogatepass'))} bytes, sha256 {digest_of(text)}"


def _named_files(value: Any) -> Iterator[str]:
    """Yield the files of prompts that workflows of the user's own name, wherever they stand."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "prompt" and isinstance(item, str):
                yield item
            else:
                yield from _named_files(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named_files(item)


# -- changes -------------------------------------------------------------------------------------------------------


def checked(text: str) -> str:
    """Return a text with ordinary line ends. Raises `PromptRefused` for what cannot be a prompt."""
    text = text.replace("\r\n", "\n")
    if not text.strip():
        raise PromptRefused("is empty: take the built-in prompt instead")
    if len(text.encode("utf-8", "surrogatepass")) > TEMPLATE_MAX:
        raise PromptRefused(f"must be at most {TEMPLATE_MAX // 1024} KiB")
    if acts(text) or any("\ud800" <= char <= "\udfff" for char in text):
        raise PromptRefused("contains control codes; take them out")
    unknown = unknown_placeholders(text)
    if unknown:
        names = ", ".join(f"{{{{{name}}}}}" for name in unknown)
        what = "is no placeholder" if len(unknown) == 1 else "are no placeholders"
        raise PromptRefused(f"{names} {what}; known are {', '.join(sorted(PLACEHOLDERS))}")
    return text


def write_own(root: Path, name: str, text: str, expected: str | None) -> None:
    """Write the own copy of a prompt; `expected` is the hash of the one that is there, None for none.

    Raises `PromptChanged`, `PromptRefused` and OSError.
    """
    _compare(root, name, expected)
    folder = root / FOLDER
    folder.mkdir(exist_ok=True)
    if folder.resolve() != root.resolve() / FOLDER:
        raise PromptRefused(f"{FOLDER} leads out of the project: make it a folder of the project")
    atomic_write(root / path_of(name), text.encode())


def put_back(root: Path, data_dir: Path, name: str, expected: str | None, now: float) -> Path | None:
    """Remove the own copy, after it was kept in the data folder; return where it is kept, None where there was none.

    Raises `PromptChanged` and OSError.
    """
    found = _compare(root, name, expected)
    if found is None:
        return None
    kept = data_dir / KEPT / f"{name}-{int(now * 1000)}.md"
    kept.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(kept, found.text.encode("utf-8", "surrogatepass"))
    (root / path_of(name)).unlink()
    return kept


def _compare(root: Path, name: str, expected: str | None) -> OwnPrompt | None:
    if _NAME.fullmatch(name) is None:
        raise PromptRefused(f"{name!r} is no name of a command")
    found = read_own(root, name)
    if (None if found is None else found.digest) != expected:
        raise PromptChanged(f"{path_of(name)} has changed since it was read: read it again, then change it")
    return found


def own_kinds(preset: Preset) -> list[CommandKind]:
    """Return the commands whose prompt is a preset's own text."""
    return [kind for kind in preset.commands if kind.text is not None and kind.origin is None]
