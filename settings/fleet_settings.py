"""The settings of a runner that is seen by a fleet."""

from __future__ import annotations

from typing import Final

from settings.setting import Setting

FLEET_SETTINGS: Final = (
    Setting(
        "fleet",
        "address of the NATS server through which a fleet sees this runner",
        "broker",
        optional=True,
        editable=False,
        trust="always",
    ),
    Setting(
        "fleet_name",
        "name of this runner in the fleet; none: made of the project and the machine",
        "name",
        optional=True,
        editable=False,
        trust="always",
    ),
    Setting(
        "fleet_machine",
        "name of this machine in the fleet; none: its host name",
        "label",
        optional=True,
        editable=False,
        trust="always",
    ),
    Setting(
        "fleet_accounts",
        "names of accounts whose usage windows the machines of a fleet share, by agent",
        "mapping",
        editable=False,
        trust="always",
    ),
    Setting(
        "fleet_user",
        "user of the NATS server; none: the name in the fleet",
        "user",
        optional=True,
        editable=False,
        environment_only=True,
    ),
    Setting(
        "fleet_password",
        "password of the user of the NATS server",
        optional=True,
        editable=False,
        secret=True,
        environment_only=True,
    ),
    Setting(
        "fleet_creds",
        "credentials file of a user of the NATS server, with its JWT and the seed of its key, instead of a password",
        optional=True,
        editable=False,
        environment_only=True,
    ),
    Setting(
        "fleet_nkey",
        "file with the seed of the NKey of a user of the NATS server, instead of a password",
        optional=True,
        editable=False,
        environment_only=True,
    ),
)
