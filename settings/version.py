"""The version of the program; the build of the wheel reads it from this file."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
