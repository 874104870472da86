"""A backup of the tracker at the start of each batch, in the data folder."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from base.files import atomic_write

KEPT: Final = 50  # newest backups; a tracker has some kB, the largest seen 900

log = logging.getLogger("sprint_runner.run")


def back_up(tracker: Path, folder: Path, batch_id: int) -> Path | None:
    """Copy the tracker and drop the oldest copies; None, and a line in the log, when the disk does not let us."""
    target = folder / f"batch-{batch_id:06d}-{tracker.name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(target, tracker.read_bytes())
        for old in sorted(folder.glob("batch-*"))[:-KEPT]:
            old.unlink()
    except OSError as error:
        log.warning("%s was not backed up: %s", tracker.name, error)
        return None
    return target
