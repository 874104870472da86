"""The golden cases: a tree in a JSON file, commands, and what the official program answered to them."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OWN = Path(__file__).parent / "cases"
CORPUS = Path(__file__).parents[3] / "../shared/corpus/tickets"
# Commands of the official program that this one has no use for.
UNUSED = frozenset({"pull", "mirror", "list"})


@dataclass(frozen=True)
class GoldenRun:
    """One command and its answer; `after` holds the texts of changed files, None for other commands."""

    argv: list[str]
    cwd: str
    exit: int
    stdout: Any
    error: str
    after: dict[str, str] | None

    @property
    def command(self) -> str:
        return self.argv[0] if self.argv else ""


@dataclass(frozen=True)
class Case:
    """A tree and its runs."""

    name: str
    tree: dict[str, bytes]
    folders: list[str]
    merge_script: bool
    runs: list[GoldenRun]

    def write(self, root: Path) -> Path:
        """The tree in an empty folder."""
        for name, data in self.tree.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        for name in self.folders:
            (root / name).mkdir(parents=True, exist_ok=True)
        return root


def cases() -> Iterator[Case]:
    """Those of the project, and the corpus where it is at hand."""
    for folder in (OWN, CORPUS / "cases"):
        for path in sorted(folder.glob("*.json")):
            yield _case(path.stem, json.loads(path.read_text(encoding="utf-8")))
    for path in sorted((CORPUS / "projects").glob("*.expect.json")):
        name = path.name.removesuffix(".expect.json")
        folder = path.parent / name
        tree = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        yield Case(f"project {name}", tree, [], True, _runs(json.loads(path.read_text(encoding="utf-8"))))


def _case(name: str, data: dict[str, Any]) -> Case:
    tree = {path: text.encode() for path, text in data["files"].items()}
    tree |= {path: base64.b64decode(text) for path, text in data.get("files_b64", {}).items()}
    return Case(name, tree, data.get("dirs", []), data.get("config_utils", True), _runs(data))


def _runs(data: dict[str, Any]) -> list[GoldenRun]:
    return [
        GoldenRun(run["argv"], run.get("cwd", ""), run["exit"], run["stdout"], run.get("error") or "", run.get("after"))
        for run in data["runs"]
    ]


def filled(value: Any, root: Path, today: str) -> Any:
    """An answer with the folder and the date of this run in it."""
    text = json.dumps(value, ensure_ascii=False)
    quoted = json.dumps(str(root), ensure_ascii=False)[1:-1]
    return json.loads(text.replace("{root}", quoted).replace("{today}", today))
