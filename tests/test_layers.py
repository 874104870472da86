"""The layers: which room may import which. An import that the map does not have fails here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final

import pytest

from base.program import PROGRAM_DIR

LEAVES: Final = "workflow sprint agents git security settings notify forecast receipts"  # know nothing of each other
BELOW_THE_RUN: Final = f"events payloads db store runstate {LEAVES} base"
MAP: Final = {
    "__main__": "server",
    "server": f"api cli fleet orchestrator running websocket {BELOW_THE_RUN}",
    "fleet": f"api running websocket {BELOW_THE_RUN}",  # nothing but server and cli knows of it
    "api": f"orchestrator running websocket {BELOW_THE_RUN}",
    "cli": f"fleet orchestrator running demo {BELOW_THE_RUN}",  # demo: the --demo option lays its project out
    "orchestrator": f"running {BELOW_THE_RUN}",
    "running": BELOW_THE_RUN,
    "websocket": "events base",
    "runstate": "events payloads base",
    "events": "payloads base",
    "db": "store base",
    **dict.fromkeys((*LEAVES.split(), "store", "payloads"), "base"),
    "base": "",  # what leaves need in common, since they may not ask each other
    "demo": "",  # runs as a program of its own, in the place of an agent
    "packaging": "",  # run by the build, never by the program
}
IO: Final = {"asyncio", "io", "os", "pathlib", "shutil", "socket", "sqlite3", "subprocess", "tempfile", "threading"}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PROGRAM_DIR).with_suffix("").parts).removesuffix(".__init__")


OUTSIDE: Final = {"tests", "node_modules", "project"}  # demo/project belongs to the demo's reader
PATHS: Final = [
    path
    for path in (*PROGRAM_DIR.glob("*.py"), *PROGRAM_DIR.glob("[!.]*/**/*.py"))
    if not OUTSIDE.intersection(path.relative_to(PROGRAM_DIR).parts)
]
MODULES: Final = {module_name(path): path for path in PATHS}


def imports(name: str) -> Iterator[str]:
    """The names that a module imports, wherever in it: those of `from` with what is taken."""
    for node in ast.walk(ast.parse(MODULES[name].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def our_module(imported: str) -> str | None:
    """The module of ours that a name belongs to."""
    while imported and imported not in MODULES:
        imported = imported.rpartition(".")[0]
    return imported or None


GRAPH: Final = {name: {found for each in imports(name) if (found := our_module(each))} - {name} for name in MODULES}


def test_every_import_is_on_the_map() -> None:
    rooms = {(name.split(".")[0], other.split(".")[0]) for name, others in GRAPH.items() for other in others}
    allowed = {(room, other) for room, others in MAP.items() for other in others.split()}
    assert {edge for edge in rooms if edge[0] != edge[1]} - allowed == set()


def test_every_room_is_on_the_map() -> None:
    assert {name.split(".")[0] for name in MODULES} - MAP.keys() == set()


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert len(list(TopologicalSorter(GRAPH).static_order())) == len(MODULES)


EXTRAS: Final = {"mcp", "nats", "pywebpush", "py_vapid", "cryptography", "http_ece"}  # and what they bring along
WITH_EXTRAS: Final = {
    "cli.mcp_server",
    "fleet.stream.connection",
    "fleet.stream.keys",
    "fleet.stream.objects",
    "fleet.stream.problems",
    "notify.push",
}


@pytest.mark.parametrize("name", MODULES)
def test_extras_are_imported_in_one_place_each_and_only_when_used(name: str) -> None:
    tree = ast.parse(MODULES[name].read_text("utf-8"))
    used = {imported.split(".")[0] for imported in imports(name)} & EXTRAS
    assert bool(used) == (name in WITH_EXTRAS)
    at_once = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    roots = {alias.name.split(".")[0] for node in at_once if isinstance(node, ast.Import) for alias in node.names}
    roots |= {(node.module or "").split(".")[0] for node in at_once if isinstance(node, ast.ImportFrom)}
    assert roots & EXTRAS == set()


@pytest.mark.parametrize("name", [name for name in MODULES if name.split(".")[0] in ("workflow", "forecast")])
def test_decisions_do_no_io(name: str) -> None:
    assert {imported.split(".")[0] for imported in imports(name)} & IO == set()
    calls = [node.func for node in ast.walk(ast.parse(MODULES[name].read_text("utf-8"))) if isinstance(node, ast.Call)]
    assert not [call for call in calls if isinstance(call, ast.Name) and call.id in ("open", "print", "input")]
