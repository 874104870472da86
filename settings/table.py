"""The table of all settings, in the order in which they are listed."""

from __future__ import annotations

from typing import Final

from settings.access_settings import ACCESS_SETTINGS
from settings.delivery_settings import DELIVERY_SETTINGS
from settings.fleet_settings import FLEET_SETTINGS
from settings.limit_settings import LIMIT_SETTINGS
from settings.server_settings import SERVER_SETTINGS
from settings.work_settings import WORK_SETTINGS

SETTINGS: Final = (
    *ACCESS_SETTINGS,
    *WORK_SETTINGS,
    *DELIVERY_SETTINGS,
    *LIMIT_SETTINGS,
    *SERVER_SETTINGS,
    *FLEET_SETTINGS,
)
BY_NAME: Final = {setting.name: setting for setting in SETTINGS}
# Settings that the server reads once, at its start; all others that need trust are used as soon as they are trusted.
READ_AT_START: Final = frozenset(
    {*(setting.name for setting in (*ACCESS_SETTINGS, *FLEET_SETTINGS)), "tracker", "initiative"}
)
