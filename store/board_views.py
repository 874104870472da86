"""The named views of the Board, shared by all browsers: one value among the facts about the database."""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from store.meta import get_meta, set_meta

KEY: Final = "board_views"
VIEWS_MOST: Final = 50  # the list stays one that is read at a glance


class TooManyViews(ValueError):
    """There is no place for another view."""


class BoardView(msgspec.Struct, frozen=True):
    """A named view: `query` has filter, order and layout as the page's address has them."""

    name: str
    query: str


def get_board_views(connection: sqlite3.Connection) -> list[BoardView]:
    """Return all views in the order in which they were made."""
    stored = get_meta(connection, KEY)
    return [] if stored is None else msgspec.json.decode(stored, type=list[BoardView])


def put_board_view(connection: sqlite3.Connection, /, name: str, query: str | None) -> list[BoardView]:
    """Store the view of this name in place of an earlier one; without a query remove it. Return all.

    Raises `TooManyViews`.
    """
    views = {view.name: view for view in get_board_views(connection)}
    if query is None:
        views.pop(name, None)
    else:
        views[name] = BoardView(name, query)
    if len(views) > VIEWS_MOST:
        raise TooManyViews(f"there are {VIEWS_MOST} views already: remove one first")
    set_meta(connection, KEY, msgspec.json.encode(list(views.values())).decode())
    return list(views.values())
