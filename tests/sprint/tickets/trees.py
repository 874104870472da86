"""Random ticket trees: mostly sound, sometimes broken, with every spelling that the grammar of tickets knows."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

TYPES = ("story", "story", "story", "spike", "bug")
STATUSES = ("draft", "ready-for-dev", "in-progress", "in-review", "built", "done", "blocked", "dropped")
ODD_STATUSES = ("", "'built' # note", "built # note", "Done", '"done"')
STATES = ("backlog", "in-progress", "review", "done", "dropped")
TITLES = (
    "One thing",
    "Two things",
    "Über größe!",
    "One thing",
    "x" * 70,
    "!!!",
    'Say "yes"',
    "a: b   # c",
    "Log-in #2",
)
REFS = ("1.1", "2.1", "1", "6a", "One", "one thing", "story-one-thing", "STORY-ONE-THING.md", "#7", "9.9", " 1.2 ", "x")
CONFIG_UTILS = """\
import tomllib


class ConfigError(ValueError):
    pass


def _merged(base, over):
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    return {**base, **{key: _merged(base.get(key), value) for key, value in over.items()}}


def load_central_config(root):
    merged = {}
    for name in ("config.toml", "custom/config.toml", "custom/config.user.toml"):
        path = root / "_bmad" / name
        if path.is_file():
            try:
                merged = _merged(merged, tomllib.loads(path.read_bytes().decode("utf-8")))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise ConfigError(str(error)) from error
    return merged
"""


@dataclass
class RandomTree:
    """Files by their paths, and the folders of its epics."""

    files: dict[str, str]
    epics: list[str] = field(default_factory=list)

    def write(self, root: Path) -> Path:
        for name, text in self.files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(text.encode("utf-8", "surrogatepass"))
        return root


def random_tree(dice: random.Random) -> RandomTree:
    """A project with an active initiative, with or without epics, backlog and another store."""
    tree = RandomTree({"_bmad/config.toml": '[core]\noutput_folder = "{project-root}/out"\n'})
    tree.files["_bmad/custom/config.user.toml"] = '[core]\nactive_initiative = "initiative-x"\n'
    tree.files["_bmad/scripts/config_utils.py"] = CONFIG_UTILS
    if dice.random() < 0.08:
        store = dice.choice(("github", "GitHub", "repo", ""))
        tree.files["_bmad/custom/ticketing-store-config.toml"] = f'[tickets]\nstore = "{store}"\n'
    top = "out/initiative-x"
    count = dice.choice((0, 0, 1, 2, 2, 3))
    ids = dice.sample(("1", "2", "3", '"4b"', '"07"'), count)
    tree.epics = [f"epic-{name}" for name in ("a", "b", "c")[:count]]
    listed = [_epic(dice, ids, tree.epics, number) for number in range(count) if dice.random() < 0.9]
    loose = [] if count and dice.random() < 0.8 else _entries(dice, ids)
    dice.shuffle(listed)
    tree.files[f"{top}/tickets.toml"] = _list(dice, listed + [_table(entry) for entry in loose])
    _leaves(dice, tree, top, loose)
    for number, epic in enumerate(tree.epics):
        _write_epic(dice, tree, f"{top}/{epic}", ids, number)
    if dice.random() < 0.3:
        _leaves(
            dice, tree, "out/backlog", [{"id": str(n), "title": dice.choice(TITLES)} for n in range(dice.randint(1, 3))]
        )
    return tree


def _epic(dice: random.Random, ids: list[str], slugs: list[str], number: int) -> str:
    after = ""
    if number and dice.random() < 0.4:
        target = dice.choice((ids[0], f'"{slugs[0]}"', '"epic-nowhere"' if dice.random() < 0.1 else ids[0]))
        after = f'after = [{{ epic = {target}, needs = "its table" }}]\n'
    return f'[[epic]]\nid = {ids[number]}\nslug = "{slugs[number]}"\ntitle = "{slugs[number].title()}"\n{after}'


def _list(dice: random.Random, tables: list[str]) -> str:
    head = f"next_id = {dice.randint(0, 30)}\n" if dice.random() < 0.2 else ""
    odd = dice.choice(('other = "x"\n', "", "")) if dice.random() < 0.2 else ""
    text = head + odd + "\n".join(tables)
    return f"\ufeff{text}" if dice.random() < 0.05 else text


def _write_epic(dice: random.Random, tree: RandomTree, folder: str, ids: list[str], number: int) -> None:
    name = folder.rpartition("/")[2]
    status = f"status: {dice.choice(('in-progress', 'done', 'done', 'dropped'))}\n" if dice.random() < 0.4 else ""
    gate = f"after: [{dice.choice((tree.epics[0], '1.1', 'E-1', '41'))}]\n" if number and dice.random() < 0.3 else ""
    tracker = f"tracker_id: {dice.choice(('E-1', '#7', '41'))}\n" if dice.random() < 0.08 else ""
    kind = "epic" if dice.random() < 0.99 else dice.choice(("story", "Epic", "initiative"))
    # Always there: without it the program refuses the tree, which we read with a note instead.
    tree.files[f"{folder}/{name}.md"] = f"---\ntype: {kind}\n{status}{gate}{tracker}---\n# {name}\n"
    entries = _entries(dice, ids)
    tree.files[f"{folder}/tickets.toml"] = _list(dice, [_table(entry) for entry in entries])
    _leaves(dice, tree, folder, entries)


def _entries(dice: random.Random, epics: list[str]) -> list[dict[str, str]]:
    ids = dice.sample(("1", "2", "3", "4", '"6a"', '"6A"', '"07"', "12"), dice.randint(0, 6))
    made: list[dict[str, str]] = []
    for ident in ids:
        entry = {"id": ident, "type": dice.choice(TYPES), "title": dice.choice(TITLES)}
        entry |= {key: dice.choice(values) for key, values in _FIELDS.items() if dice.random() < 0.12}
        if made and dice.random() < 0.45:
            entry["after"] = _after(dice, [other["id"] for other in made], epics)
        made.append(entry)
    return made


_FIELDS = {
    "hitl": ("true", '"TRUE"', "1", "false"),
    "refine": ("true", "false"),
    "risk": ('"low"', '"high"', '"odd"'),
    "unknown": ('"which colour?"', '""'),
    "plan_checkpoint": ("true",),
    "done_checkpoint": ("true",),
    "description": ('"As a person."',),
    "verify": ('"make test"',),
    "covers": ('["R1", "R2"]', "[3]"),
    "references": ('["a.md"]',),
    "notes": ('["n"]',),
    "estimate": ("3", '"L"', "1.5"),
    "v6_key": ('"1-1-old"',),
}


def _after(dice: random.Random, earlier: list[str], epics: list[str]) -> str:
    named = [ident for ident in earlier if not ident.strip('"').isdigit() or ident.isdigit()]
    items = dice.sample(named, min(len(named), dice.randint(1, 2)))
    if epics and dice.random() < 0.3:
        items.append(dice.choice((f'"{epics[0].strip(chr(34))}.1"', '"epic-a"', "1.2")))
    if dice.random() < 0.05:
        items.append(dice.choice(("99", '"story-nowhere"', '"1"', '"epic-zz"', '"SH-12"', '"E-1"', '"story-file-0"')))
    return f"[{', '.join(items)}]"


def _table(entry: dict[str, str]) -> str:
    title = entry["title"].replace("\\", "\\\\").replace('"', '\\"')
    lines = [f"{key} = {value}" for key, value in entry.items() if key not in ("type", "title")]
    return "\n".join(("[[entry]]", *lines, f'type = "{entry["type"]}"', f'title = "{title}"')) + "\n"


def _leaves(dice: random.Random, tree: RandomTree, folder: str, entries: list[dict[str, str]]) -> None:
    """Leaf files and plans of some of the entries, and some that belong to none."""
    for number, entry in enumerate(entries):
        if folder.endswith("backlog") or dice.random() < 0.2:
            tree.files[f"{folder}/story-file-{number}.md"] = _leaf(dice, entry["id"].strip('"'), entries)
        if dice.random() < 0.45:
            tree.files[f"{folder}/{dice.choice(('story', 'x'))}-{number}-plan.md"] = _plan(dice, entry["id"])
    if dice.random() < 0.12:
        tree.files[f"{folder}/bug-stray.md"] = _leaf(dice, "", entries)
        tree.files[f"{folder}/bug-stray-plan.md"] = _plan(dice, "bug-stray")
    if dice.random() < 0.06:
        tree.files[f"{folder}/lost-plan.md"] = _plan(dice, "77")
    if dice.random() < 0.03 and entries:
        tree.files[f"{folder}/second-plan.md"] = _plan(dice, entries[0]["id"])


def _leaf(dice: random.Random, ident: str, entries: list[dict[str, str]]) -> str:
    lines = [f"type: {dice.choice(TYPES)}", f"title: {dice.choice(('One thing', 'Two things', ''))}"]
    lines += [f"id: {ident}"] if ident else []
    options = {
        "after": f"[{', '.join(entry['id'] for entry in entries[:1])}]"
        if entries and ident != entries[0]["id"].strip('"')
        else "[]",
        "hitl": dice.choice(("true", "false")),
        "refined": dice.choice(("true", "false")),
        "status": dice.choice(STATUSES),
        "assignee": dice.choice(("mo", '"Mo: x"', '""')),
        "tracker_status": dice.choice(STATES),
        "tracker_id": dice.choice(("'#7'", "SH-12", "41")),
        "covers": "[R1, R2]",
        "risk": "high",
    }
    lines += [f"{key}: {value}" for key, value in options.items() if dice.random() < 0.22]
    body = "\n# T\n\nUnknown: which one?\n" if dice.random() < 0.15 else "\n# T\n<!-- Unknown: no -->\n"
    return _ends(dice, "---\n" + "\n".join(lines) + "\n---\n" + body)


def _plan(dice: random.Random, ident: str) -> str:
    status = dice.choice(ODD_STATUSES) if dice.random() < 0.1 else dice.choice(STATUSES)
    lines = ["title: 'T'", f"ticket: {ident}", f"status: {status}", "type: feature"]
    options = {"assignee": "mo", "blocked_at": "2026-09-01", "blocked_reason": '"no key"', "route": "full   # a note"}
    lines += [f"{key}: {value}" for key, value in options.items() if dice.random() < 0.15]
    lines += ["deferred:", "  - summary: x", "- y"] if dice.random() < 0.15 else []
    return _ends(dice, "---\n" + "\n".join(lines) + "\n---\n\n## Intent\n\nstatus: not this one\n")


def _ends(dice: random.Random, text: str) -> str:
    chance = dice.random()
    if chance < 0.06:
        return text.replace("\n", "\r\n")
    return f"\ufeff{text}" if chance < 0.1 else text
