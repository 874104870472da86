"""A runner of this machine that is also at the broker: two ways to one server, of which the pages see one.

Two ways are twins if machine, folder and database (epoch) are the same: a copied database elsewhere is another runner.
Promises: of twins exactly one is shown, the local one unless only the other one can be reached.
"""

from __future__ import annotations

from typing import Final

from fleet.local import LOCAL
from fleet.model import Contact, Fleet
from fleet.source import RunnerId

# How much later the other way must have been heard: of a server that was killed both are lost, the local one at once.
GIVES_WAY_MS: Final = 3000


def preferred(fleet: Fleet) -> dict[RunnerId, RunnerId]:
    """Return for each runner the one that is shown for it, itself or its twin."""
    contacts = {id: contact for id in fleet.ids() if (contact := fleet.contact(id)) is not None}
    shown = {id: id for id in contacts}
    ways: dict[tuple[str, str, str], list[RunnerId]] = {}
    for id, contact in contacts.items():
        info = contact.info
        if info.epoch and info.host:
            ways.setdefault((info.host, info.folder, info.epoch), []).append(id)
    for twins in ways.values():
        local = next((id for id in twins if id.source == LOCAL), None)
        other = next((id for id in twins if id.source != LOCAL), None)
        if local is not None and other is not None:
            shown[local] = shown[other] = other if _gives_way(contacts[local], contacts[other]) else local
    return shown


def _gives_way(local: Contact, other: Contact) -> bool:
    return local.lost is not None and other.lost is None and other.heard_at > local.heard_at + GIVES_WAY_MS
