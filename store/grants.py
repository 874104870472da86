"""The tables of access: the grants of the operator, the devices that get push messages, and the links that are used."""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from store.rows import insert, many, now_ms, one

KEPT_MS: Final = 7 * 24 * 3600 * 1000  # of a link's use: the link itself works for a shorter time


class LinkUsed(LookupError):
    """The link was used before: it works once."""


class GrantRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `grants`; times in ms since the epoch, `digest` the SHA-256 of the secret, which is kept nowhere."""

    id: int
    kind: str
    role: str
    name: str
    digest: str
    made_at: int
    seen_at: int | None


class SubscriptionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `push_subscriptions`: where a browser gets its push messages, and the keys that they are encrypted for.

    `grant_id` is the device's, None for a browser with the operator's token; `origin` is that of its page.
    """

    id: int
    grant_id: int | None
    name: str
    endpoint: str
    p256dh: str
    auth: str
    origin: str
    made_at: int


def add_grant(connection: sqlite3.Connection, /, kind: str, role: str, name: str, digest: str) -> GrantRow:
    row = GrantRow(id=0, kind=kind, role=role, name=name, digest=digest, made_at=now_ms(), seen_at=None)
    values = {name: value for name, value in msgspec.structs.asdict(row).items() if name != "id"}
    return msgspec.structs.replace(row, id=insert(connection, "grants", GrantRow, values))


def remove_grant(connection: sqlite3.Connection, /, grant_id: int) -> bool:
    """Remove a grant and its push messages; return whether there was one."""
    connection.execute("DELETE FROM push_subscriptions WHERE grant_id = ?", (grant_id,))
    return connection.execute("DELETE FROM grants WHERE id = ?", (grant_id,)).rowcount > 0


def note_seen(connection: sqlite3.Connection, /, grant_id: int, at: int) -> None:
    connection.execute("UPDATE grants SET seen_at = ? WHERE id = ?", (at, grant_id))


def get_grants(connection: sqlite3.Connection) -> list[GrantRow]:
    return many(connection, GrantRow, "SELECT * FROM grants ORDER BY id")


def add_subscription(
    connection: sqlite3.Connection,
    /,
    grant_id: int | None,
    name: str,
    endpoint: str,
    keys: tuple[str, str],
    origin: str,
) -> int:
    """Add where a device gets its messages, in the place of an earlier one with the same address; return the id."""
    connection.execute("DELETE FROM push_subscriptions WHERE endpoint = ?", (endpoint,))
    values = {"grant_id": grant_id, "name": name, "endpoint": endpoint, "p256dh": keys[0], "auth": keys[1]}
    return insert(connection, "push_subscriptions", SubscriptionRow, {**values, "origin": origin, "made_at": now_ms()})


def remove_subscription(connection: sqlite3.Connection, /, subscription_id: int) -> bool:
    """Remove a subscription; return whether there was one."""
    return connection.execute("DELETE FROM push_subscriptions WHERE id = ?", (subscription_id,)).rowcount > 0


def get_subscriptions(connection: sqlite3.Connection) -> list[SubscriptionRow]:
    return many(connection, SubscriptionRow, "SELECT * FROM push_subscriptions ORDER BY id")


def get_subscription(connection: sqlite3.Connection, subscription_id: int) -> SubscriptionRow | None:
    sql = "SELECT * FROM push_subscriptions WHERE id = ?"
    return one(connection, SubscriptionRow, sql, (subscription_id,))


def use_link(connection: sqlite3.Connection, /, digest: str) -> None:
    """Store that a link is used; raises `LinkUsed` when it was before, which also rolls back what it is for."""
    connection.execute("DELETE FROM used_links WHERE at < ?", (now_ms() - KEPT_MS,))
    sql = "INSERT INTO used_links VALUES (?, ?) ON CONFLICT (digest) DO NOTHING"
    if connection.execute(sql, (digest, now_ms())).rowcount == 0:
        raise LinkUsed("the link was used before")


def is_link_used(connection: sqlite3.Connection, digest: str) -> bool:
    return connection.execute("SELECT 1 FROM used_links WHERE digest = ?", (digest,)).fetchone() is not None
