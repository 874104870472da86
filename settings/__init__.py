"""The settings: their values, ranges and sources."""

from settings.check import check
from settings.file import edited
from settings.guarded import guarded_values
from settings.load import ENVIRONMENT_PREFIX, FILE_NAME, SECRET_VARIABLES, Loaded, load, read_file, trust_all
from settings.model import (
    AGENT_KINDS,
    DEFAULT_AGENTS,
    LOOPBACK,
    AgentConfig,
    AgentNames,
    CommandConfig,
    PriceConfig,
    Settings,
    SettingsError,
    SettingValues,
    names_of,
)
from settings.setting import Setting
from settings.table import BY_NAME, READ_AT_START, SETTINGS
from settings.work_settings import BATCH_MAX

__all__ = [
    "AGENT_KINDS",
    "BATCH_MAX",
    "BY_NAME",
    "DEFAULT_AGENTS",
    "ENVIRONMENT_PREFIX",
    "FILE_NAME",
    "LOOPBACK",
    "READ_AT_START",
    "SECRET_VARIABLES",
    "SETTINGS",
    "AgentConfig",
    "AgentNames",
    "CommandConfig",
    "Loaded",
    "PriceConfig",
    "Setting",
    "SettingValues",
    "Settings",
    "SettingsError",
    "check",
    "edited",
    "guarded_values",
    "load",
    "names_of",
    "read_file",
    "trust_all",
]
