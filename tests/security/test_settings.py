"""Which settings a page may change: none that says where files are, which programs run as agents, or whom to call."""

from __future__ import annotations

import pytest

from settings import SETTINGS, SettingsError, edited

FIXED = (
    *("host", "port", "token", "allowed_hosts", "cors_origin", "data_dir", "tracker", "agents"),
    *("remote", "pull_request_command", "pull_request_lookup_command", "checks_command", "merge_command"),
)


@pytest.mark.parametrize("name", FIXED)
def test_what_names_folders_programs_and_addresses_is_not_changed_from_the_page(name: str) -> None:
    values = {"port": 1, "allowed_hosts": [], "agents": {}, "token": "t" * 16}
    with pytest.raises(SettingsError, match="only be set in"):
        edited("", {name: values.get(name, "elsewhere")})


def test_every_secret_setting_is_fixed() -> None:
    assert [setting.name for setting in SETTINGS if setting.secret and setting.editable] == []
    assert {"token", "notify_secret"} <= {setting.name for setting in SETTINGS if setting.secret}
