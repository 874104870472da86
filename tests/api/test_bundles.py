"""Modules joined into bundles: they do what they did as modules, and what is not understood is refused."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from api.bundles import ModuleError, bundles
from api.source_map import source_map, vlq

PAGE = {
    "shell/app.js": """import { first, second as other } from "../kit/names.js";
import {
  Counter,
} from "./counter.js";

const name = "app";
export async function open() {
  const { view } = await import("../board/board.js");
  const { text } = await import("../kit/text.js");
  return [name, first, other(), new Counter().next(), view(), text];
}
console.log(JSON.stringify(await0()));
function await0() { return "ready"; }
open().then((all) => console.log(JSON.stringify(all)));
""",
    "kit/names.js": """export const first = "first";
const name = "names";
export function second() { return name; }
""",
    "kit/text.js": """import "./side.js";
export const text = globalThis.side;
""",
    "kit/side.js": "globalThis.side = 1;\n",
    "shell/counter.js": """export class Counter {
#count = 0;
next() { return ++this.#count; }
}
""",
    "board/board.js": """import { text } from "../kit/text.js";
import { first } from "../kit/names.js";
export const view = () => `${text} ${first}`;
""",
}


OTHERS = {
    "b.js": "export const b = 1;\n",
    "circle.js": 'import "./round.js";\n',
    "round.js": 'import "./circle.js";\n',
}


def run(made: Mapping[str, str], folder: Path) -> list[object]:
    """What the first bundle writes when it runs."""
    for name, text in made.items():
        (folder / name).write_text(text)
    (folder / "package.json").write_text('{"type": "module"}')
    ended = subprocess.run(["node", "page.js"], cwd=folder, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_bundles_do_what_the_modules_do(tmp_path: Path) -> None:
    made = {name: bundle.text for name, bundle in bundles(PAGE, "shell/app.js").items()}
    assert sorted(made) == ["board.js", "page.js", "shared.js"]  # both that load on use need kit/text.js
    assert run(made, tmp_path) == ["ready", ["app", "first", "names", 1, "1 first", 1]]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('import all from "./b.js";\n', "form"),
        ('import * as all from "./b.js";\n', "form"),
        ("const x = 1;\nexport { x };\n", "form"),
        ("export let x = 1;\n", "form"),
        ("export default 1;\n", "form"),
        ("export const { x } = globalThis;\n", "form"),
        ('export * from "./b.js";\n', "form"),
        ("import(globalThis.name);\n", "form"),
        ("const here = import.meta.url;\n", "form"),
        ('import { b } from "elsewhere";\n', "relative"),
        ('import { b } from "./c.js";\n', "there is no"),
        ('import { c } from "./b.js";\n', "does not export c"),
        ('import "./circle.js";\n', "a circle of imports: a.js → circle.js → round.js → circle.js"),
    ],
)
def test_what_is_not_understood_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ModuleError, match=reason):
        bundles({"a.js": text, **OTHERS}, "a.js")


@pytest.mark.parametrize(("number", "text"), [(0, "A"), (1, "C"), (-1, "D"), (15, "e"), (16, "gB"), (-123, "3H")])
def test_numbers_of_source_maps(number: int, text: str) -> None:
    assert vlq(number) == text


def test_a_source_map_leads_each_line_to_its_module() -> None:
    made = json.loads(source_map([None, ("a.js", 0), ("a.js", 2), ("b.js", 0), None]))
    assert made["sources"] == ["/static/a.js", "/static/b.js"]
    assert made["mappings"] == ";AAAA;AAEA;ACFA;"
