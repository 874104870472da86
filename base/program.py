"""Where the program lies on the disk, and what its data folder in a project is called."""

from __future__ import annotations

from pathlib import Path
from typing import Final

PROGRAM_DIR: Final = Path(__file__).resolve().parent.parent
DATA_FOLDER: Final = ".sprint-runner"
