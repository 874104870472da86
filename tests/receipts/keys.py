"""SSH keys for signatures, each with the allowed signers file that names it."""

from __future__ import annotations

import subprocess
from pathlib import Path


def make_key(folder: Path, name: str, passphrase: str = "") -> tuple[Path, Path]:
    """Make a key; its file, and a file by which its signatures count."""
    key, allowed = folder / name, folder / f"{name}.allowed"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", name, "-f", str(key)], check=True)
    public = key.with_name(f"{name}.pub").read_text().split()
    allowed.write_text(f"{name}@example.org {public[0]} {public[1]}\n")
    return key, allowed
