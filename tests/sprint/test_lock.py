"""The advisory lock."""

import multiprocessing
import stat
import threading
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from sprint.lock import LockTimeout, lock_path, locked


def _hold(path: Path, pipe: Connection) -> None:
    with locked(path):
        pipe.send("held")
        pipe.recv()


def test_another_process_keeps_us_out(tmp_path: Path) -> None:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_hold, args=(tmp_path, theirs))
    process.start()
    try:
        assert ours.recv() == "held"
        with pytest.raises(LockTimeout), locked(tmp_path, wait_s=0.05):
            pass
        ours.send("go")
        with locked(tmp_path):
            pass
    finally:
        process.join(10)


def test_another_thread_waits_its_turn(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(20):
            with locked(tmp_path):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1


def test_the_sidecar_is_private_and_not_in_the_project(tmp_path: Path) -> None:
    with locked(tmp_path / "sprint-status.yaml"):
        sidecar = lock_path(tmp_path / "sprint-status.yaml")
        assert sidecar.exists()
        assert stat.S_IMODE(sidecar.parent.stat().st_mode) == 0o700
    assert list(tmp_path.iterdir()) == []
