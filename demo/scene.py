"""The context of one call of the agent: the prompt, the turn, the stage, and the announcements of tasks."""

from __future__ import annotations

from dataclasses import dataclass

from demo.files import read_text
from demo.prepared import Prepared, load
from demo.prompt import Prompt, PromptStory
from demo.rules import NEWEST, VERSIONS, Rules
from demo.script import Turn
from demo.stage import Stage
from demo.tools import ToolAnswer

OWN_CHECKS = "the project's own checks"


@dataclass(frozen=True, slots=True)
class Scene:
    stage: Stage
    prompt: Prompt
    turn: Turn
    rules: Rules = VERSIONS[NEWEST]

    def start(self, task: str, message: str) -> str:
        return self._mark(task, "start", message)

    def end(self, task: str, message: str) -> str:
        return self._mark(task, "end", message)

    def _mark(self, task: str, phase: str, message: str) -> str:
        """The line that announces a task; nothing where the prompt names other tasks."""
        known = [each.strip() for each in self.prompt["task ids"].split(",") if each.strip()]
        return f"::task {task} {phase} {message}" if not known or task in known else ""

    def say(self, *lines: str) -> None:
        text = self.text(*lines)
        if text:
            self.stage.say(text)

    def text(self, *lines: str | None) -> str:
        """Lines joined: empty ones are left out, None is a blank one."""
        return "\n".join(line or "" for line in lines if line != "")

    def prepared(self, story: PromptStory) -> Prepared | None:
        return load(story.key, self.stage.root)

    def has(self, path: str) -> bool:
        return self.stage.path(path).is_file()

    def content(self, path: str) -> str:
        return read_text(self.stage.path(path))

    def existing(self, *paths: str) -> list[str]:
        return [path for path in paths if path and self.has(path)]

    def change(self, path: str, text: str, say: str = "") -> None:
        """Writes a file where its text is not that already."""
        if self.content(path) != text:
            self.stage.write(path, text, say)
        elif say:
            self.stage.say(say)

    def check(self, say: str = "") -> ToolAnswer | None:
        """Runs the project's check for real; None where the project has none."""
        named = self.prompt["check"]
        own = "python3 -m unittest" if self.stage.path("tests").is_dir() else ""
        command = own if named in ("", OWN_CHECKS) else named
        if command:
            return self.stage.bash(command, "Run the tests", say)
        self.say(say)
        return None

    @property
    def epics(self) -> str:
        """The text of all the epics files of the planning folder."""
        folder = self.prompt["planning folder"]
        files = sorted(self.stage.path(folder).glob("*epic*.md")) if folder else []
        return "\n".join(read_text(file) for file in files)

    @property
    def epics_files(self) -> list[str]:
        folder = self.prompt["planning folder"]
        files = sorted(self.stage.path(folder).glob("*epic*.md")) if folder else []
        return [str(file.relative_to(self.stage.root)) for file in files]
