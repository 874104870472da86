"""The parser of the prompt: the block at its head, and the list of stories.

The block is `# <command>` and then lines `- name: value`; a slash command may precede it. A prompt without a
block has no command.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

ROUND = re.compile(r"-(\d+)$")
HEADING = re.compile(r"#\s+([a-z][a-z0-9-]*)\s*$")
FIELD = re.compile(r"-\s+([A-Za-z][A-Za-z ]*?):\s*(.*?)\s*$")
STORY_LINE = re.compile(r"^\s*-\s+(\S+) — (.*) — (\S.*?)\s*$", re.MULTILINE)
NUMBER = re.compile(r"^(\d+[a-z]?)-(\d+[a-z]?)-(.+)$")


@dataclass(frozen=True, slots=True)
class PromptStory:
    key: str
    title: str
    file: str  # relative to the project

    @property
    def number(self) -> str:
        """`2.1` for `2-1-life-list`; the key itself where it has no number."""
        found = NUMBER.match(self.key)
        return f"{found[1]}.{found[2]}" if found else self.key


@dataclass(frozen=True, slots=True)
class Prompt:
    command: str  # as called, such as `code-review-2`; empty without a block
    fields: Mapping[str, str]
    stories: tuple[PromptStory, ...]
    text: str

    @property
    def base(self) -> str:
        """The command without its round."""
        return ROUND.sub("", self.command)

    @property
    def round(self) -> int:
        found = ROUND.search(self.command)
        given = self.fields.get("round", "")
        return int(found[1]) if found else int(given) if given.isdigit() else 1

    @property
    def artifacts(self) -> str:
        return self.fields.get("artifacts folder", "_bmad-output/implementation-artifacts")

    def beside_stories(self, name: str) -> str:
        return str(PurePosixPath(self.artifacts) / name)

    def __getitem__(self, name: str) -> str:
        """A field of the block; empty where it is not given."""
        return self.fields.get(name, "")


def parse(text: str) -> Prompt:
    command, fields = _block(text)
    return Prompt(command, fields, _stories(text, fields), text)


def _block(text: str) -> tuple[str, dict[str, str]]:
    lines = text.lstrip("\ufeff \n").split("\n")
    if lines[0].startswith("/"):  # the call of a command that the project has itself; the block follows it
        lines = "\n".join(lines[1:]).lstrip().split("\n")
    heading = HEADING.match(lines[0])
    if heading is None:
        return "", {}
    fields: dict[str, str] = {}
    for line in lines[1:]:
        found = FIELD.match(line)
        if found:
            fields[found[1].lower()] = found[2]
        elif line.strip() or fields:
            break
    return fields.get("command") or heading[1], fields


def _stories(text: str, fields: Mapping[str, str]) -> tuple[PromptStory, ...]:
    listed = {key: (title, file.strip("`")) for key, title, file in STORY_LINE.findall(text)}
    keys = [key.strip() for key in fields.get("stories", "").split(",") if key.strip()]
    folder = fields.get("artifacts folder", "")
    stories = []
    for key in keys:
        title, file = listed.get(key, ("", fields.get("story file", "") if len(keys) == 1 else ""))
        stories.append(PromptStory(key, title or _title(key), file or str(PurePosixPath(folder) / f"{key}.md")))
    return tuple(stories)


def _title(key: str) -> str:
    found = NUMBER.match(key)
    words = (found[3] if found else key).replace("-", " ").replace("_", " ")
    return words[:1].upper() + words[1:]
