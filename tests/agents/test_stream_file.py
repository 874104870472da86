from __future__ import annotations

import asyncio
import gzip
import os
import stat
from pathlib import Path

import pytest

from agents import stream_file
from agents.stream_file import StreamFile


async def test_exact_bytes_private_and_compressed(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "1.ndjson"
    file = StreamFile(path)
    await file.start()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    chunks = [bytes([n % 256]) * 5000 for n in range(200)]
    for chunk in chunks:
        file.write(chunk)
        await asyncio.sleep(0)
    await file.close()
    assert os.listdir(path.parent) == ["1.ndjson.gz"]
    archive = path.parent / "1.ndjson.gz"
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert gzip.decompress(archive.read_bytes()) == b"".join(chunks)
    assert file.error is None


async def test_it_can_be_read_while_it_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_file, "FLUSH_S", 0.01)
    file = StreamFile(tmp_path / "s")
    await file.start()
    file.write(b"early\n")
    async with asyncio.timeout(60):
        while (tmp_path / "s").read_bytes() != b"early\n":
            await asyncio.sleep(0.005)
    await file.close()


async def test_an_existing_file_is_replaced_and_made_private(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("an earlier attempt")
    path.chmod(0o644)
    file = StreamFile(path)
    await file.start()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    file.write(b"new")
    await file.close()
    assert gzip.decompress((tmp_path / "s.gz").read_bytes()) == b"new"


async def test_a_slow_disk_makes_the_reader_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_file, "MAX_PENDING_BYTES", 100)
    monkeypatch.setattr(stream_file, "FLUSH_S", 0.01)
    file = StreamFile(tmp_path / "s")
    await file.start()
    file.write(b"x" * 101)
    assert file.congested
    await asyncio.wait_for(file.room(), 60)
    assert not file.congested
    await file.close()


async def test_a_full_disk_is_reported_and_ends_no_call(tmp_path: Path) -> None:
    file = StreamFile(tmp_path / "s")
    file._open = lambda: setattr(file, "_file", os.open("/dev/full", os.O_WRONLY))  # type: ignore[method-assign]
    await file.start()
    for _ in range(100):
        file.write(b"x" * 10_000)
        await asyncio.sleep(0)
    await file.close()
    assert file.error is not None
    assert not file.congested


async def test_what_cannot_be_compressed_stays_plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", fail)
    file = StreamFile(tmp_path / "s")
    await file.start()
    file.write(b"kept")
    await file.close()
    assert file.error is not None
    assert os.listdir(tmp_path) == ["s"]
    assert (tmp_path / "s").read_bytes() == b"kept"


async def test_of_a_flood_the_beginning_and_the_end_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_file, "MAX_BYTES", 1000)
    monkeypatch.setattr(stream_file, "TAIL_BYTES", 100)
    file = StreamFile(tmp_path / "s")
    await file.start()
    file.write(b"a" * 600)
    for _ in range(50):
        file.write(b"b" * 600)
        await asyncio.sleep(0)
    file.write(b"\nthe end\n")
    await file.close()
    kept = gzip.decompress((tmp_path / "s.gz").read_bytes())
    left_out = 600 + 50 * 600 + 9 - 1000 - 100
    assert kept.split(b"\n") == [
        b"a" * 600 + b"b" * 400,
        f"[{left_out:,} bytes of the stream are left out here]".encode(),
        b"b" * 91,
        b"the end",
        b"",
    ]


async def test_what_ends_just_above_the_bound_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_file, "MAX_BYTES", 1000)
    file = StreamFile(tmp_path / "s")
    await file.start()
    file.write(bytes(range(256)) * 8)
    await file.close()
    assert gzip.decompress((tmp_path / "s.gz").read_bytes()) == bytes(range(256)) * 8


async def test_every_folder_that_is_made_is_private(tmp_path: Path) -> None:
    file = StreamFile(tmp_path / "streams" / "7" / "s")
    await file.start()
    await file.close()
    for folder in ("streams", "streams/7"):
        assert stat.S_IMODE((tmp_path / folder).stat().st_mode) == 0o700
