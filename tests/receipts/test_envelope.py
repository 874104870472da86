"""The canonical form of a receipt: one for one value, and what jq prints of it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess

import msgspec
import pytest

from receipts.envelope import Malformed, encode_line, read_line, read_text, seal
from tests.receipts.samples import receipt


def test_a_line_is_read_as_it_was_written() -> None:
    envelope = seal(receipt())
    assert read_line(encode_line(envelope)) == envelope
    assert "\n" not in encode_line(envelope)
    assert read_text(json.dumps(json.loads(encode_line(envelope)), indent=2)) == envelope


def test_another_form_of_the_same_receipt_is_no_line() -> None:
    line = encode_line(seal(receipt()))
    for other in (line + " ", line.replace('":', '": ', 1), line.replace("„", "\\u201e"), json.dumps(json.loads(line))):
        with pytest.raises(Malformed, match="canonical"):
            read_line(other)


@pytest.mark.parametrize(
    "text", ["", "{}", "null", "[" * 2000, '{"digest":1}', "x" * 100, '{"digest":"","receipt":{},"signature":null}']
)
def test_what_is_no_receipt_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        read_text(text)


def test_another_format_is_named() -> None:
    newer = seal(msgspec.structs.replace(receipt(), format="sprint-runner-receipt/2"))
    with pytest.raises(Malformed, match="receipt/2"):
        read_line(encode_line(newer))


def test_jq_and_sha256sum_give_the_digest() -> None:
    jq = shutil.which("jq")
    assert jq is not None, "jq is part of what docs/security.md names"
    envelope = seal(receipt())
    printed = subprocess.run(
        [jq, "-cS", ".receipt"], input=encode_line(envelope).encode(), capture_output=True, check=True
    )
    assert hashlib.sha256(printed.stdout).hexdigest() == envelope.digest
