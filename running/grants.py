"""Grants of access as they are kept: a row first, then in force; out of force first, then the row."""

from __future__ import annotations

from db import Database
from security.grants import Grant, GrantKind, Grants, Role, digest_of
from store.grants import GrantRow, add_grant, get_grants, note_seen, remove_grant
from store.writer import DatabaseUnavailable


async def load_grants(database: Database, grants: Grants) -> None:
    """Put the stored grants in force, and store from now on when each is used."""
    rows = {row.id: row for row in await database.read(get_grants)}
    grants.load(map(_grant, rows.values()), lambda id: rows[id].seen_at)

    def note(grant_id: int, at: int) -> None:
        # Without it the list is older than it could be, which is no reason to refuse the request.
        database.write(note_seen, grant_id, at).add_done_callback(lambda done: done.cancelled() or done.exception())

    grants.on_seen = note


async def keep_grant(
    database: Database, grants: Grants, kind: GrantKind, role: Role, name: str, secret: str
) -> GrantRow:
    """Store a grant and put it in force. Raises `DatabaseUnavailable`."""
    row = await database.write(add_grant, kind.value, role.value, name, digest_of(secret))
    grants.add(_grant(row))
    return row


async def revoke_grant(database: Database, grants: Grants, grant_id: int) -> bool:
    """End a grant at once; return whether there was one. Raises `DatabaseUnavailable` when that could not be stored."""
    was_in_force = grants.remove(grant_id)
    try:
        return await database.write(remove_grant, grant_id) or was_in_force
    except DatabaseUnavailable as error:
        message = f"it is revoked until the server ends, which could not be stored: revoke it again then ({error})"
        raise DatabaseUnavailable(message) from None


def _grant(row: GrantRow) -> Grant:
    return Grant(row.id, GrantKind(row.kind), Role(row.role), row.name, row.digest, row.made_at)
