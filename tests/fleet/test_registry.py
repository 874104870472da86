"""The registry: what a server writes about itself, and what is believed of it."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import msgspec
import pytest

import fleet.registry
from base.process_start import process_start
from fleet.registry import (
    Entry,
    LaunchOptions,
    Registry,
    branch_of,
    loopback_url,
    new_entry,
    project_key,
)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "state")


def entered(registry: Registry, folder: Path, **changes: object) -> Entry:
    folder.mkdir(exist_ok=True)
    entry = new_entry(folder, folder.name, "http://127.0.0.1:8080/", "e1", "secret")
    entry = msgspec.structs.replace(entry, **changes)
    registry.enter(entry, LaunchOptions(agent="demo"))
    return entry


def test_an_entry_is_for_its_owner_alone_and_gone_with_its_server(registry: Registry, tmp_path: Path) -> None:
    entry = entered(registry, tmp_path / "shop")
    assert registry.entries() == [entry]
    assert entry.is_running
    files = list((tmp_path / "state").rglob("*"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in files if path.is_file()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files if path.is_dir()} == {0o700}
    registry.leave(entry)
    assert registry.entries() == []
    (known,) = registry.known()
    assert (known.name, known.options.agent) == ("shop", "demo")
    assert b"secret" not in (tmp_path / "state" / "projects" / f"{entry.key}.json").read_bytes()


def test_a_killed_server_is_recognised_also_when_its_pid_is_taken_again(registry: Registry, tmp_path: Path) -> None:
    child = subprocess.Popen(["sleep", "60"])
    start = process_start(child.pid) or ""
    entry = entered(registry, tmp_path / "shop", pid=child.pid, process=start)
    assert entry.is_running
    child.kill()
    child.wait()
    assert not entry.is_running
    assert not msgspec.structs.replace(entry, pid=os.getpid()).is_running


def test_the_entry_of_the_next_server_is_not_removed_by_the_one_before(registry: Registry, tmp_path: Path) -> None:
    before = entered(registry, tmp_path / "shop", pid=1, process="another")
    after = entered(registry, tmp_path / "shop")
    registry.leave(before)
    assert registry.entries() == [after]


def test_projects_whose_folder_is_gone_are_forgotten_and_so_are_the_oldest(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet.registry, "KNOWN_MAX", 6)
    for number in range(7):
        entered(registry, tmp_path / f"p{number:03}", started_at=number)
    (tmp_path / "p005").rmdir()
    entered(registry, tmp_path / "new", started_at=1000)
    names = [project.name for project in registry.known()]
    assert names[0] == "new"
    assert len(names) == 6
    assert not {"p000", "p005"} & set(names)
    assert len(registry.known()) == 6


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"key": "another"}'])
def test_what_is_no_entry_is_passed_over(registry: Registry, tmp_path: Path, content: bytes) -> None:
    entry = entered(registry, tmp_path / "shop")
    (tmp_path / "state" / "runners" / "0.json").write_bytes(content)
    assert registry.entries() == [entry]


@pytest.mark.parametrize(
    ("url", "reached"),
    [
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/"),
        ("http://0.0.0.0:8080/", "http://127.0.0.1:8080/"),
        ("http://[::]:8080/", "http://[::1]:8080/"),
        ("http://[::1]:8080/", "http://[::1]:8080/"),
        ("http://127.0.0.1:8080/../x?y#z", "http://127.0.0.1:8080/"),
        ("http://127.0.0.1:8080@evil.example:80/", None),
        ("http://user@127.0.0.1:8080/", "http://127.0.0.1:8080/"),
        ("http://192.168.1.5:8080/", None),
        ("http://localhost:8080/", None),  # a name may be resolved to anything
        ("https://127.0.0.1:8080/", None),
        ("file:///etc/passwd", None),
        ("http://127.0.0.1:99999/", None),
        ("http://127.0.0.1/", None),
        ("nonsense", None),
    ],
)
def test_only_addresses_of_loopback_are_used(url: str, reached: str | None) -> None:
    assert loopback_url(url) == reached


def test_the_branch_is_read_without_git(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "-b", "feature/x", tmp_path / "a"], check=True)
    (tmp_path / "a" / "deep").mkdir()
    (tmp_path / "b").mkdir()
    assert branch_of(tmp_path / "a" / "deep") == "feature/x"
    assert branch_of(tmp_path / "b") is None
    (tmp_path / "b" / ".git").write_text(f"gitdir: {tmp_path / 'a' / '.git'}\n")
    assert branch_of(tmp_path / "b") == "feature/x"
    (tmp_path / "a" / ".git" / "HEAD").write_text("0" * 40)
    assert branch_of(tmp_path / "a") is None


def test_a_project_keeps_its_key(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert project_key(tmp_path) == project_key(tmp_path / "link")
