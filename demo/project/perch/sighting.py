"""A sighting: one species, on one day, at one place."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True)
class Sighting:
    number: int
    species: str
    day: date
    count: int = 1
    place: str = ""

    def __str__(self) -> str:
        where = f", {self.place}" if self.place else ""
        return f"#{self.number}  {self.day}  {self.count} x {self.species}{where}"

    def to_record(self) -> dict[str, Any]:
        return {**asdict(self), "day": self.day.isoformat()}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Sighting:
        return cls(**{**record, "day": date.fromisoformat(record["day"])})
