"""The notebook: a file of one JSON object a line, in the order in which the sightings were written down."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from perch.errors import PerchError
from perch.sighting import Sighting


class Notebook:
    def __init__(self, path: Path) -> None:
        self.path = path

    def sightings(self) -> list[Sighting]:
        """All sightings, oldest entry first. A notebook that is not there yet is an empty one."""
        if not self.path.exists():
            return []
        return list(self._parse(self.path.read_text(encoding="utf-8").splitlines()))

    def _parse(self, lines: Iterable[str]) -> Iterable[Sighting]:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                yield Sighting.from_record(json.loads(line))
            except (ValueError, TypeError, KeyError):
                raise PerchError(f"{self.path}, line {number}: this is not a sighting") from None

    def add(self, species: str, day: date, count: int = 1, place: str = "") -> Sighting:
        """Writes a sighting at the end and gives it the next free number."""
        if count < 1:
            raise PerchError("a sighting has at least one bird")
        number = max((each.number for each in self.sightings()), default=0) + 1
        sighting = Sighting(number, species.strip(), day, count, place.strip())
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(sighting.to_record(), ensure_ascii=False) + "\n")
        return sighting
