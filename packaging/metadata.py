"""The wheel's dependencies: those of `requirements.txt`, which is the one list of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class RequirementsHook(MetadataHookInterface):
    """Fills in `dependencies`, which `pyproject.toml` declares as dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        lines = (Path(self.root) / "requirements.txt").read_text("utf-8").splitlines()
        requirements = (line.partition("#")[0].strip() for line in lines)
        metadata["dependencies"] = [requirement for requirement in requirements if requirement]
