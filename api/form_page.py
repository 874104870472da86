"""The small pages that are opened by a link or a QR code, outside of the page: some sentences and at most one button.

They have no script: opening one changes nothing, so that a scanner of mail may, and the button is a form.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from base.html import Child, Html, el

STYLE: Final = """
:root { color-scheme: light dark; }
body { margin: 0; min-height: 100dvh; display: grid; align-content: end; justify-content: center;
  background: light-dark(#f4f3ef, #14161a); color: light-dark(#1b1d20, #e8e9eb);
  font: 1.06rem/1.5 system-ui, sans-serif; }
main { width: min(34rem, 100vw); padding: 1.2rem 1.2rem 2.2rem; box-sizing: border-box; overflow-wrap: anywhere; }
@media (min-width: 48rem) { body { align-content: center; } }
h1 { font-size: 1.3rem; line-height: 1.3; }
p { white-space: pre-line; }
label { display: block; font-weight: 600; margin: 1rem 0 .3rem; }
input { width: 100%; min-height: 48px; box-sizing: border-box; padding: 0 .8rem; font: inherit; border-radius: 8px;
  border: 1px solid light-dark(#85827a, #7c838d); background: light-dark(#fff, #0e1013); color: inherit; }
button, a.button { display: block; width: 100%; min-height: 52px; margin-top: 1.4rem; box-sizing: border-box;
  padding: .8rem; border: 0; border-radius: 10px; background: #00545f; color: #fff; font: inherit; font-weight: 600;
  text-align: center; text-decoration: none; }
button:focus-visible, a.button:focus-visible { outline: 3px solid #d8862a; outline-offset: 2px; }
"""
_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    # With `no-referrer`, browsers send a form with `Origin: null`, which is refused as foreign.
    "Referrer-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of text above the button."""

    name: str
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Link:
    """A way to another page of this server."""

    words: str
    path: str


def form_page(
    title: str,
    *sentences: str,
    button: str | None = None,
    field: Field | None = None,
    link: Link | None = None,
    status: int = 200,
) -> web.Response:
    """Return a page with sentences, and with a form that is sent to its own address where it has a button."""
    parts: list[Child] = [el("h1", title), *(el("p", sentence) for sentence in sentences)]
    if button is not None:
        inputs = [] if field is None else _field(field)
        parts.append(el("form", *inputs, el("button", button, type="submit"), method="post"))
    if link is not None:
        parts.append(el("a", link.words, href=link.path, **{"class": "button"}))
    return web.Response(body=_document(title, parts), status=status, content_type="text/html", headers=HEADERS)


def _field(field: Field) -> list[Child]:
    entry = el("input", id="field", name=field.name, value=field.value, maxlength="60", autocomplete="off")
    return [el("label", field.label, **{"for": "field"}), Html(entry.text.removesuffix("</input>"))]


def _document(title: str, parts: list[Child]) -> bytes:
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("title", f"{title} · Sprint Runner"),
        Html(f"<style>{STYLE}</style>"),
    )
    root = el("html", head, el("body", el("main", *parts)), lang="en")
    return f"<!doctype html>\n{root.text}\n".encode("utf-8", "replace")
