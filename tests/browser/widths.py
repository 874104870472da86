"""The widths at which a walk through the page is done: a phone's in `make test`, a desktop's too in `make widths`."""

from __future__ import annotations

from typing import Final

import pytest

PHONE: Final = 360
DESKTOP: Final = 1280

both_widths = pytest.mark.parametrize("width", [pytest.param(DESKTOP, marks=pytest.mark.worlds), PHONE])
