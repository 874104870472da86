"""Files that the program reads and writes through us (`fs/*`): text, inside the work tree, through no link out of it.

A path is resolved first, then walked from the tree's folder down without following any link, so that one that is put
there meanwhile leads nowhere. Git's own folder is not written. A file is written whole or not at all.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from agents import json_values
from agents.acp.connection import Failure
from agents.acp.protocol import INVALID_PARAMS, NOT_FOUND
from agents.json_values import Json

MAX_BYTES: Final = 16 * 1024 * 1024  # of one file; larger ones are no source text
FILE_MODE: Final = 0o666  # less the process's mask, as a program would create it
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class WorkTree:
    """The folder of one call. All methods block on the disk and raise `Failure`."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))

    def read(self, params: Json) -> Json:
        """The text of a file, or `limit` of its lines from `line` on."""
        with self._folder(params, create=False) as (folder, name):
            text = _text(folder, name)
        line, limit = json_values.as_int(params.get("line")), params.get("limit")
        if line > 1 or limit is not None:
            lines = text.splitlines(keepends=True)[max(0, line - 1) :]
            text = "".join(lines if limit is None else lines[: json_values.as_int(limit)])
        return {"content": text}

    def write(self, params: Json) -> Json:
        """Create or replace a file."""
        content = params.get("content")
        if not isinstance(content, str):
            raise Failure("content must be a text", INVALID_PARAMS)
        data = content.encode("utf-8", "replace")
        if len(data) > MAX_BYTES:
            raise Failure(f"a file may have {MAX_BYTES} bytes")
        with self._folder(params, create=True) as (folder, name):
            _replace(folder, name, data)
        return {}

    def inside(self, path: Any) -> Path:
        """The real path, which lies in the tree. Raises `Failure`."""
        if not isinstance(path, str) or not path or "\0" in path:
            raise Failure("path must be a path", INVALID_PARAMS)
        real = Path(os.path.realpath(self.root / path))
        if not real.is_relative_to(self.root):
            raise Failure(f"{path} lies outside of the work tree", INVALID_PARAMS)
        return real

    @contextmanager
    def _folder(self, params: Json, *, create: bool) -> Iterator[tuple[int, str]]:
        """The open folder of a path, and the name in it."""
        real = self.inside(params.get("path"))
        parts = real.relative_to(self.root).parts
        if not parts:
            raise Failure("the path names a folder", INVALID_PARAMS)
        if create and ".git" in parts:
            raise Failure("git's own files are not written", INVALID_PARAMS)
        descriptor = -1
        try:
            descriptor = os.open(self.root, _FOLDER)
            for part in parts[:-1]:
                below = _below(descriptor, part, create)
                os.close(descriptor)
                descriptor = below
            yield descriptor, parts[-1]
        except OSError as error:
            code = NOT_FOUND if isinstance(error, FileNotFoundError) else INVALID_PARAMS
            raise Failure(f"{params.get('path')}: {error.strerror or error}", code) from None
        finally:
            if descriptor >= 0:
                os.close(descriptor)


def _below(folder: int, name: str, create: bool) -> int:
    """The folder of this name in an open one."""
    if create:
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=folder)
    return os.open(name, _FOLDER, dir_fd=folder)


def _text(folder: int, name: str) -> str:
    with open(os.open(name, _READ, dir_fd=folder), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise Failure(f"{name} is not a file", INVALID_PARAMS)
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Failure(f"{name} is larger than {MAX_BYTES} bytes")
    return data.decode("utf-8", "replace")


def _replace(folder: int, name: str, data: bytes) -> None:
    """Through a file beside it, with the mode of the one that is replaced."""
    mode = _mode(folder, name)
    beside = f".{secrets.token_hex(8)}.tmp"
    descriptor = os.open(beside, _CREATE, FILE_MODE, dir_fd=folder)
    try:
        with open(descriptor, "wb") as file:
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            file.write(data)
        os.replace(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(beside, dir_fd=folder)
        raise


def _mode(folder: int, name: str) -> int | None:
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise Failure(f"{name} is not a file", INVALID_PARAMS)
    return stat.S_IMODE(status.st_mode)
