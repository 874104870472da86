"""A receipt with its digest and its signature, as one line of JSON: in a git note, and as a file.

The canonical form of a receipt is JSON in UTF-8 with sorted keys, without blanks, without escapes that JSON does not
need, and a line end: what `jq -cS .receipt` prints. Digest and signature are over exactly these bytes.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

import msgspec

from receipts.model import FORMAT, Receipt

LINE_MAX: Final = 4 << 20  # bytes of one receipt; one of a thousand commands has about 400 kB


class Malformed(ValueError):
    """A text is no receipt of this format; the message says why."""


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`digest` is the SHA-256 of the receipt's canonical form; `signature` is that of `ssh-keygen`, or None."""

    digest: str
    receipt: Receipt
    signature: str | None

    @property
    def content(self) -> bytes:
        """The bytes that are hashed and signed."""
        return canonical(msgspec.to_builtins(self.receipt))


def seal(receipt: Receipt, signature: str | None = None) -> Envelope:
    """Return the envelope of a receipt."""
    content = canonical(msgspec.to_builtins(receipt))
    return Envelope(hashlib.sha256(content).hexdigest(), receipt, signature)


def canonical(value: Any) -> bytes:
    """Return the canonical form of a JSON value without fractions."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8") + b"\n"


def encode_line(envelope: Envelope) -> str:
    """Return the line of an envelope, without its line end."""
    return canonical(msgspec.to_builtins(envelope)).decode().rstrip("\n")


def read_line(line: str) -> Envelope:
    """Return the envelope in a line that has the canonical form. Raises `Malformed`."""
    envelope = read_text(line)
    if encode_line(envelope) != line:
        raise Malformed("it is not in the canonical form")
    return envelope


def read_text(text: str) -> Envelope:
    """Return the envelope in a text, such as a file that was formatted by a person. Raises `Malformed`."""
    if len(text) > LINE_MAX:
        raise Malformed(f"it is longer than {LINE_MAX} characters")
    try:
        # Strictly: a number is not taken for a text, nor a fraction for a whole number.
        envelope = msgspec.json.decode(text.encode(), type=Envelope)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise Malformed(f"it is no receipt: {error}") from None
    if envelope.receipt.format != FORMAT:
        raise Malformed(f"its format {envelope.receipt.format!r} is not {FORMAT}")
    return envelope
