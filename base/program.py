"""The folder of the program, and the name of its data folder in a project."""

from __future__ import annotations

from pathlib import Path
from typing import Final

PROGRAM_DIR: Final = Path(__file__).resolve().parent.parent
DATA_FOLDER: Final = ".sprint-runner"
