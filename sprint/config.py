"""The folders of a project according to its BMAD configuration.

Reads the config files of all versions that have a tracker. They are hints: in a third of real
projects they name a place that does not exist, so every value is checked before it is used.
"""

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from base.regular import read_or_empty
from sprint.document import Mapping, Scalar, decode, parse

# A config has a few kilobytes; more is not one.
MAX_CONFIG_BYTES = 256 * 1024

_YAML_FILES = (
    "bmad/core/config.yaml",
    "bmad/bmm/config.yaml",
    ".bmad/core/config.yaml",
    ".bmad/bmm/config.yaml",
    "_bmad/core/config.yaml",
    "_bmad/bmm/config.yaml",
)
# Layers, each above the one before it.
_TOML_FILES = (
    "_bmad/config.toml",
    "_bmad/config.user.toml",
    "_bmad/custom/config.toml",
    "_bmad/custom/config.user.toml",
)
ARTIFACT_KEYS = ("implementation_artifacts", "sprint_artifacts", "dev_ephemeral_location")
_ROOT = re.compile(r"\{+project[-_]root\}+[/\\]?")


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one project root, as text; later files win."""

    root: Path
    values: dict[str, str] = field(default_factory=dict)

    def path(self, name: str) -> Path | None:
        """A setting as a path, None if it is not set or holds a variable that is not known."""
        return expand(self.values.get(name, ""), self.root, self.values)


def read_config(root: Path) -> Config:
    """All config files below `root`; unreadable ones count as absent."""
    values: dict[str, str] = {}
    for name in _YAML_FILES:
        values.update(_yaml_values(root / name))
    for name in _TOML_FILES:
        values.update(_toml_values(root / name))
    return Config(root, {key: value for key, value in values.items() if value.strip()})


def expand(value: str, root: Path, values: dict[str, str]) -> Path | None:
    """A path as BMAD writes it: `{project-root}/docs`, `{output_folder}/x`, relative or absolute."""
    text = _ROOT.sub("", value.strip().strip("'\""), count=1)
    for name in ("output_folder", "bmad_folder", *ARTIFACT_KEYS):
        if f"{{{name}}}" in text and f"{{{name}}}" not in values.get(name, ""):
            text = text.replace(f"{{{name}}}", _ROOT.sub("", values.get(name, "")))
    if not text or "{" in text or "\0" in text:
        return None
    return root / text


def _read(path: Path) -> bytes:
    return read_or_empty(path, MAX_CONFIG_BYTES)


def _yaml_values(path: Path) -> dict[str, str]:
    root = parse(decode(_read(path))).root
    if not isinstance(root, Mapping):
        return {}
    return {key.text: value.text for key, value in root.pairs if isinstance(value, Scalar)}


def _toml_values(path: Path) -> dict[str, str]:
    try:
        data = tomllib.loads(_read(path).decode("utf-8", "replace"))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
    modules = data.get("modules")
    layers = [data.get("core"), modules.get("bmm") if isinstance(modules, dict) else None]
    return {
        key: value
        for layer in layers
        if isinstance(layer, dict)
        for key, value in layer.items()
        if isinstance(value, str)
    }
