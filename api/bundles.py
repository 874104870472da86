"""The modules of the page, joined into few files: one for what is shown first, one for each view that loads on use.

A module becomes a function that runs once and returns what it exports, in the order in which browsers run modules.
What `import(…)` names is a bundle of its own, with all that it alone needs; what several need is in `shared.js`.
The joiner reads the style of this page's modules only: static imports of names at the top, exports of declarations.
Anything else raises `ModuleError` at the start of the server, so that no page runs what was misread.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from api.source_map import source_map

FIRST: Final = "page.js"
SHARED: Final = "shared.js"

IMPORT: Final = re.compile(r'^import (?:\{([^}]*)\} from )?"([^"]+)";$', re.MULTILINE)
EXPORT: Final = re.compile(
    r"^export (?=(?:async function\*?|function\*?|class|const) ([A-Za-z_$][\w$]*))", re.MULTILINE
)
LAZY: Final = re.compile(r'\bimport\("([^"]+)"\)')
# What remains of these after the replacements is written in a form that is not read here.
UNREAD: Final = re.compile(r"^(?:import|export)\b.*|\bimport\(|\bimport\.meta\b", re.MULTILINE)
NAME: Final = re.compile(r"([A-Za-z_$][\w$]*)(?: as ([A-Za-z_$][\w$]*))?")


class ModuleError(Exception):
    """A module cannot be joined: its form is not read, or its imports do not fit."""


@dataclass(frozen=True, slots=True)
class Module:
    """A module without its comments: `imports` are the names from each other module, `lazy` what it loads on use."""

    name: str
    text: str
    imports: tuple[tuple[str, tuple[str, ...]], ...]
    lazy: tuple[str, ...]
    exports: tuple[str, ...]

    @property
    def variable(self) -> str:
        """The name of its exports in a bundle."""
        return "$" + re.sub(r"\W", "_", self.name.removesuffix(".js"))


@dataclass(frozen=True, slots=True)
class Bundle:
    text: str
    map: str  # of its lines to those of the modules


def bundles(texts: Mapping[str, str], entry: str) -> dict[str, Bundle]:
    """Return the bundles by file name: of the modules that `entry` needs, of the others, of what several need."""
    modules = {name: _parsed(name, text) for name, text in texts.items()}
    _check(modules, entry)
    place = _places(modules, entry)
    files: dict[str, list[Module]] = {}
    for name in _ordered(modules, [entry, *_lazy_names(modules)]):
        files.setdefault(place[name], []).append(modules[name])
    return {file: _joined(file, own, modules, place) for file, own in files.items()}


def reached(texts: Mapping[str, str], entry: str) -> dict[str, str]:
    """Return the modules that a page needs, now or on use: others have pages of their own."""
    found, left = {}, [entry]
    while left:
        name = left.pop()
        if name not in found and name in texts:
            found[name] = texts[name]
            paths = [path for _, path in IMPORT.findall(texts[name])] + LAZY.findall(texts[name])
            left += [_path(name, path) for path in paths]
    return found


def _parsed(name: str, text: str) -> Module:
    """Return a module of which the comments and the indentation are removed already."""
    imports = tuple((_path(name, path), _names(name, words or "")) for words, path in IMPORT.findall(text))
    lazy = tuple(_path(name, path) for path in LAZY.findall(text))
    rest = EXPORT.sub("", LAZY.sub("", IMPORT.sub("", text)))
    if wrong := UNREAD.search(rest):
        raise ModuleError(f"{name}: the form of {wrong[0]!r} is not read")
    return Module(name, text, imports, lazy, tuple(EXPORT.findall(text)))


def _path(importer: str, path: str) -> str:
    if not path.startswith("."):
        raise ModuleError(f"{importer}: {path!r} is not a path relative to the module")
    return posixpath.normpath(posixpath.join(posixpath.dirname(importer), path))


def _names(importer: str, words: str) -> tuple[str, ...]:
    """Return the names of an import as a destructuring writes them: `name`, or `name: other`."""
    found = [NAME.fullmatch(" ".join(word.split())) for word in words.split(",") if word.strip()]
    if None in found:
        raise ModuleError(f"{importer}: the names {words!r} are not read")
    return tuple(f"{match[1]}: {match[2]}" if match[2] else match[1] for match in found if match)


def _check(modules: Mapping[str, Module], entry: str) -> None:
    """Raise where a module or a name is missing, or two modules have one name in a bundle."""
    for module in (modules[entry], *modules.values()):
        for path in [*(path for path, _ in module.imports), *module.lazy]:
            if path not in modules:
                raise ModuleError(f"{module.name}: there is no {path}")
        for path, names in module.imports:
            missing = {name.partition(":")[0] for name in names} - set(modules[path].exports)
            if missing:
                raise ModuleError(f"{module.name}: {path} does not export {', '.join(sorted(missing))}")
    if len({module.variable for module in modules.values()}) < len(modules):
        raise ModuleError("two modules have names that differ only in punctuation")


def _lazy_names(modules: Mapping[str, Module]) -> list[str]:
    """Return the modules that are loaded on use."""
    return sorted({name for module in modules.values() for name in module.lazy})


def _places(modules: Mapping[str, Module], entry: str) -> dict[str, str]:
    """Return the file of each module."""
    first = set(_ordered(modules, [entry]))
    needs = {name: set(_ordered(modules, [name])) - first for name in _lazy_names(modules)}
    place = dict.fromkeys(first, FIRST)
    for name, needed in needs.items():
        own = posixpath.basename(name)
        for other in needed:
            place[other] = SHARED if any(other in rest for lazy, rest in needs.items() if lazy != name) else own
    files = [posixpath.basename(name) for name in needs]
    if len({FIRST, SHARED, *files}) < len(files) + 2:
        raise ModuleError("two modules that load on use have one file name")
    return place


def _ordered(modules: Mapping[str, Module], names: Iterable[str]) -> list[str]:
    """Return these modules and all that they need, each after what it needs."""
    done: dict[str, bool] = {}  # False while its imports are visited

    def visit(name: str, importers: tuple[str, ...]) -> None:
        if done.get(name) is False:
            raise ModuleError(f"a circle of imports: {' → '.join([*importers, name])}")
        if name in done:
            return
        done[name] = False
        for path, _ in modules[name].imports:
            visit(path, (*importers, name))
        del done[name]  # it is inserted again, behind what it needs
        done[name] = True

    for name in names:
        visit(name, ())
    return list(done)


def _joined(file: str, own: list[Module], modules: Mapping[str, Module], place: Mapping[str, str]) -> Bundle:
    """Return one bundle, without the empty lines that its modules had."""
    lines: list[tuple[str, tuple[str, int] | None]] = [(line, None) for line in _imports(file, own, modules, place)]
    for module in own:
        # Other modules see only what is returned, so nothing of theirs has the same name.
        names = [
            f"const {{ {', '.join(names)} }} = {modules[path].variable};" for path, names in module.imports if names
        ]
        lines.append((f"export const {module.variable} = (() => {{ {' '.join(names)}", None))
        lines += [(line, (module.name, number)) for number, line in enumerate(_body(module, modules, place)) if line]
        lines.append((f"return {{ {', '.join(module.exports)} }}; }})();", None))
    lines.append((f"//# sourceMappingURL={file}.map", None))
    return Bundle("\n".join(line for line, _ in lines) + "\n", source_map(at for _, at in lines))


def _imports(file: str, own: list[Module], modules: Mapping[str, Module], place: Mapping[str, str]) -> Iterator[str]:
    """Yield the imports of a bundle from others: each needs only those that are loaded before it."""
    needed = {path for module in own for path, _ in module.imports if place[path] != file}
    for other in sorted({place[path] for path in needed}):
        variables = sorted(modules[path].variable for path in needed if place[path] == other)
        yield f'import {{ {", ".join(variables)} }} from "./{other}";'


def _body(module: Module, modules: Mapping[str, Module], place: Mapping[str, str]) -> list[str]:
    """Return the lines of a module as they are in a function."""

    def load(match: re.Match[str]) -> str:
        path = _path(module.name, match[1])
        return f'import("./{place[path]}").then((bundle) => bundle.{modules[path].variable})'

    text = IMPORT.sub(lambda found: "\n" * found[0].count("\n"), module.text)
    return LAZY.sub(load, EXPORT.sub("", text)).split("\n")
