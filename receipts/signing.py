"""Signatures of receipts by `ssh-keygen -Y`, as git makes those of commits, in a namespace of their own.

Bounded in time and output. No program asks for a passphrase: a key that needs one is in an agent.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from receipts.envelope import Envelope
from receipts.judgement import NO_SIGNATURE, SignatureFacts

NAMESPACE: Final = "sprint-runner-receipt"  # a signature of a commit or a file is none of a receipt
TIMEOUT_S: Final = 20.0  # a key on a token may wait for a touch
MESSAGE_MAX: Final = 500  # characters of what the program prints
_FINGERPRINT: Final = re.compile(r"\b(SHA256:[A-Za-z0-9+/]{43})")


class SigningFailed(RuntimeError):
    """A receipt cannot be signed; the message says why and what to do."""


async def fingerprint_of(key: Path) -> str:
    """Return the fingerprint of a key, public or private. Raises `SigningFailed`."""
    code, out, errors = await _run(("-l", "-f", str(key)), b"")
    found = _FINGERPRINT.search(out)
    if code or found is None:
        raise SigningFailed(f"{key} is no key that ssh-keygen can read: {errors or out}")
    return found[1]


async def sign(content: bytes, key: Path) -> str:
    """Return the signature of a receipt's canonical form. Raises `SigningFailed`."""
    code, out, errors = await _run(("-Y", "sign", "-q", "-f", str(key), "-n", NAMESPACE), content)
    if code or "BEGIN SSH SIGNATURE" not in out:
        raise SigningFailed(
            f"ssh-keygen cannot sign with {key}: {errors or out}. A key with a passphrase must be in ssh-agent"
        )
    return out


async def check_signature(envelope: Envelope, allowed: Path | None) -> SignatureFacts:
    """Return what a receipt's signature says; `allowed` is an allowed signers file, as ssh-keygen reads it."""
    if envelope.signature is None:
        return NO_SIGNATURE
    with tempfile.TemporaryDirectory(prefix="sprint-runner-") as folder:
        path = Path(folder) / "signature"
        path.write_text(envelope.signature, "utf-8")
        try:
            return await _check(envelope.content, path, allowed)
        except SigningFailed as error:
            return SignatureFacts(unchecked=str(error))


async def _check(content: bytes, signature: Path, allowed: Path | None) -> SignatureFacts:
    code, out, errors = await _run(("-Y", "check-novalidate", "-n", NAMESPACE, "-s", str(signature)), content)
    found = _FINGERPRINT.search(out)
    if code or found is None:
        return SignatureFacts(problem=errors or out or "ssh-keygen refuses it")
    if allowed is None:
        return SignatureFacts(key=found[1])
    code, out, _ = await _run(("-Y", "find-principals", "-s", str(signature), "-f", str(allowed)), b"")
    for name in out.splitlines() if not code else ():
        named = ("-Y", "verify", "-f", str(allowed), "-I", name, "-n", NAMESPACE, "-s", str(signature))
        if (await _run(named, content))[0] == 0:
            return SignatureFacts(key=found[1], signer=name)
    return SignatureFacts(key=found[1])


async def _run(arguments: Sequence[str], content: bytes) -> tuple[int, str, str]:
    """Run ssh-keygen; return its exit code and what it printed. Raises `SigningFailed` where it cannot be started."""
    try:
        process = await asyncio.create_subprocess_exec(
            "ssh-keygen",
            *arguments,
            env={**os.environ, "LC_ALL": "C", "SSH_ASKPASS_REQUIRE": "never"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # without a terminal, where it would ask for a passphrase
        )
    except OSError as error:
        raise SigningFailed(f"ssh-keygen cannot be started ({error.strerror}): install OpenSSH") from None
    try:
        async with asyncio.timeout(TIMEOUT_S):
            out, errors = await process.communicate(content)
    except TimeoutError:
        raise SigningFailed(f"ssh-keygen did not end within {TIMEOUT_S:.0f} s") from None
    finally:
        with suppress(ProcessLookupError):  # the usual case: it has ended
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    return process.returncode or 0, out.decode(errors="replace"), errors.decode(errors="replace").strip()[:MESSAGE_MAX]
