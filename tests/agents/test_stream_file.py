"""The recording: what comes out of a pipe is in it at once, exactly, and with our lines between the agent's."""

from __future__ import annotations

import errno
import gzip
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents import stream_file
from agents.stream_file import StreamFile


class Pipe:
    """A pipe whose reading end does not block."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        os.set_blocking(self.reading, False)

    def put(self, data: bytes) -> None:
        assert os.write(self.writing, data) == len(data)

    def end(self) -> None:
        os.close(self.writing)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    os.close(pipe.reading)


@pytest.fixture(params=("spliced", "read"))
async def file(request: pytest.FixtureRequest, tmp_path: Path) -> StreamFile:
    """With the system's way from a pipe into a file, and without."""
    file = StreamFile(tmp_path / "s")
    file._splices = file._splices and request.param == "spliced"
    await file.start()
    return file


def recorded(folder: Path) -> bytes:
    return gzip.decompress((folder / "s.gz").read_bytes())


async def test_exact_bytes_private_and_compressed(tmp_path: Path, pipe: Pipe) -> None:
    path = tmp_path / "deep" / "er" / "1.ndjson"
    file = StreamFile(path)
    await file.start()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    chunks = [bytes([n % 256]) * 5000 for n in range(200)]
    for chunk in chunks:
        pipe.put(chunk)
        assert file.move(pipe.reading) == chunk
    await file.close()
    assert os.listdir(path.parent) == ["1.ndjson.gz"]
    archive = path.parent / "1.ndjson.gz"
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert gzip.decompress(archive.read_bytes()) == b"".join(chunks)
    assert file.error is None
    pipe.end()


async def test_what_is_returned_is_in_the_file(tmp_path: Path, file: StreamFile, pipe: Pipe) -> None:
    assert file.move(pipe.reading) is None
    pipe.put(b"early\nand a")
    assert file.move(pipe.reading) == b"early\nand a"
    assert (tmp_path / "s").read_bytes() == b"early\nand a"
    pipe.end()
    assert file.move(pipe.reading) == b""
    await file.close()
    assert recorded(tmp_path) == b"early\nand a"


async def test_our_lines_are_between_those_of_the_agent(tmp_path: Path, file: StreamFile, pipe: Pipe) -> None:
    """One that was sent is before its answer, and in no line's middle."""
    file.insert(b"ours 1\n")
    pipe.put(b"its answer 1\nhalf a")
    assert file.move(pipe.reading) == b"its answer 1\nhalf a"
    file.insert(b"ours 2\n")
    file.insert(b"ours 3\n")
    assert file.move(pipe.reading) is None
    pipe.put(b" line")
    assert file.move(pipe.reading) == b" line"
    pipe.put(b"\nits answer 2\n")
    assert file.move(pipe.reading) == b"\nits answer 2\n"
    file.insert(b"ours 4\n")
    assert file.move(pipe.reading) is None
    assert (tmp_path / "s").read_bytes().endswith(b"ours 4\n")
    pipe.put(b"no end")
    file.move(pipe.reading)
    file.insert(b"ours 5\n")
    pipe.end()
    await file.close()
    assert recorded(tmp_path).split(b"\n") == [
        *(b"ours 1", b"its answer 1", b"half a line", b"ours 2", b"ours 3", b"its answer 2", b"ours 4"),
        *(b"no end", b"ours 5", b""),
    ]


async def test_an_existing_file_is_replaced_and_made_private(tmp_path: Path, pipe: Pipe) -> None:
    path = tmp_path / "s"
    path.write_text("an earlier attempt")
    path.chmod(0o644)
    file = StreamFile(path)
    await file.start()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    pipe.put(b"new")
    file.move(pipe.reading)
    pipe.end()
    await file.close()
    assert recorded(tmp_path) == b"new"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
async def test_a_full_disk_ends_the_recording_and_loses_nothing_of_the_stream(
    tmp_path: Path, pipe: Pipe, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    file = StreamFile(tmp_path / "s")
    await file.start()
    pipe.put(b"first\n")
    file.move(pipe.reading)

    def fail(*_: object, **__: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "splice", fail)
    pipe.put(b"second\n")
    assert file.move(pipe.reading) == b"second\n"
    pipe.put(b"third\n")
    assert file.move(pipe.reading) == b"third\n"
    pipe.end()
    assert file.move(pipe.reading) == b""
    await file.close()
    assert file.error is not None
    assert file.error.errno == code
    assert (tmp_path / "s").read_bytes() == b"first\n"


async def test_a_device_that_is_full_is_reported(tmp_path: Path, file: StreamFile, pipe: Pipe) -> None:
    file._file = os.open("/dev/full", os.O_RDWR)
    for _ in range(100):
        pipe.put(b"x" * 10_000)
        assert file.move(pipe.reading) == b"x" * 10_000
    pipe.end()
    await file.close()
    assert file.error is not None


async def test_what_cannot_be_compressed_stays_plain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pipe: Pipe
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", fail)
    file = StreamFile(tmp_path / "s")
    await file.start()
    pipe.put(b"kept")
    file.move(pipe.reading)
    pipe.end()
    await file.close()
    assert file.error is not None
    assert os.listdir(tmp_path) == ["s"]
    assert (tmp_path / "s").read_bytes() == b"kept"


async def test_of_a_flood_the_beginning_and_the_end_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: StreamFile, pipe: Pipe
) -> None:
    monkeypatch.setattr(stream_file, "MAX_BYTES", 1000)
    file._tail._limit = 100
    pipe.put(b"a" * 600)
    file.move(pipe.reading)
    for _ in range(50):
        pipe.put(b"b" * 600)
        moved = 0
        while moved < 600:
            moved += len(file.move(pipe.reading) or b"")
    pipe.put(b"\nthe end\n")
    pipe.end()
    assert file.move(pipe.reading) == b"\nthe end\n"
    await file.close()
    kept = recorded(tmp_path)
    left_out = 600 + 50 * 600 + 9 - 1000 - 100
    assert kept.split(b"\n") == [
        b"a" * 600 + b"b" * 400,
        f"[{left_out:,} bytes of the stream are left out here]".encode(),
        b"b" * 91,
        b"the end",
        b"",
    ]


async def test_what_ends_just_above_the_bound_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: StreamFile, pipe: Pipe
) -> None:
    monkeypatch.setattr(stream_file, "MAX_BYTES", 1000)
    pipe.put(bytes(range(256)) * 8)
    pipe.end()
    while file.move(pipe.reading):
        pass
    await file.close()
    assert recorded(tmp_path) == bytes(range(256)) * 8


async def test_every_folder_that_is_made_is_private(tmp_path: Path) -> None:
    file = StreamFile(tmp_path / "streams" / "7" / "s")
    await file.start()
    await file.close()
    for folder in ("streams", "streams/7"):
        assert stat.S_IMODE((tmp_path / folder).stat().st_mode) == 0o700
