"""Files and terminals are offered inside the work tree, through no link out of it, and end with the call."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest

from agents import OutcomeKind
from agents.acp import files, terminals
from agents.acp.connection import Failure
from agents.acp.files import WorkTree
from tests.agents.acp.conftest import AcpBench
from tests.agents.children import ended


@pytest.fixture
def tree(tmp_path: Path) -> WorkTree:
    root = tmp_path / "tree"
    (root / "src").mkdir(parents=True)
    (root / "src/a.py").write_text("one\ntwo\nthree\n")
    (tmp_path / "secret").write_text("secret")
    (root / "out").symlink_to(tmp_path)
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "inner").symlink_to("src/a.py")
    return WorkTree(root)


def test_a_file_is_read_whole_or_by_lines(tree: WorkTree) -> None:
    path = str(tree.root / "src/a.py")
    assert tree.read({"path": path}) == {"content": "one\ntwo\nthree\n"}
    assert tree.read({"path": path, "line": 2}) == {"content": "two\nthree\n"}
    assert tree.read({"path": path, "line": 2, "limit": 1}) == {"content": "two\n"}
    assert tree.read({"path": path, "limit": 0}) == {"content": ""}
    assert tree.read({"path": "inner"}) == {"content": "one\ntwo\nthree\n"}


OUTSIDE = ["/etc/passwd", "../secret", "out/secret", "link", "src/../../secret", "", "a\0b"]


@pytest.mark.parametrize("path", [*OUTSIDE, ".", "src", "missing", None, 3])
def test_what_cannot_be_read(tree: WorkTree, path: object) -> None:
    with pytest.raises(Failure):
        tree.read({"path": path})


@pytest.mark.parametrize("path", [*OUTSIDE, ".", "src", ".git/hooks/post-commit", "src/.git/x", "src/a.py/b"])
def test_what_cannot_be_written(tree: WorkTree, path: str) -> None:
    with pytest.raises(Failure):
        tree.write({"path": path, "content": "x"})
    assert (tree.root.parent / "secret").read_text() == "secret"
    assert sorted(os.listdir(tree.root.parent)) == ["secret", "tree"]
    assert not (tree.root / ".git").exists()


def test_a_file_is_created_with_its_folders_or_replaced_with_its_mode(tree: WorkTree) -> None:
    tree.write({"path": str(tree.root / "new/deep/b.py"), "content": "ü"})
    assert (tree.root / "new/deep/b.py").read_text() == "ü"
    script = tree.root / "run.sh"
    script.write_text("old")
    script.chmod(0o755)
    tree.write({"path": str(script), "content": "new"})
    assert (script.read_text(), stat.S_IMODE(script.stat().st_mode)) == ("new", 0o755)
    tree.write({"path": "inner", "content": "changed"})
    assert (tree.root / "inner").is_symlink()
    assert (tree.root / "src/a.py").read_text() == "changed"
    assert not list(tree.root.rglob("*.tmp"))


def test_only_files_of_some_size(tree: WorkTree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 10)
    os.mkfifo(tree.root / "pipe")
    for path in ("src/a.py", "pipe"):
        with pytest.raises(Failure):
            tree.read({"path": path})
    for path, content in (("big", "x" * 11), ("x", None), ("pipe", "x")):
        with pytest.raises(Failure):
            tree.write({"path": path, "content": content})


def test_a_link_that_is_put_there_meanwhile_leads_nowhere(tree: WorkTree, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path is resolved, and then the folder becomes a link."""
    inside = tree.inside

    def swapped(path: object) -> Path:
        real = inside(path)
        (tree.root / "src/a.py").unlink()
        (tree.root / "src").rmdir()
        (tree.root / "src").symlink_to(tree.root.parent)
        return real

    monkeypatch.setattr(tree, "inside", swapped)
    with pytest.raises(Failure):
        tree.write({"path": "src/a.py", "content": "x"})
    assert sorted(os.listdir(tree.root.parent)) == ["secret", "tree"]


async def test_files_over_the_protocol(acp: AcpBench) -> None:
    outcome = await acp.run(
        """
        m = prompted()
        here = os.path.abspath("a.txt")
        written = ask("fs/write_text_file", path=here, content="alpha")
        read = ask("fs/read_text_file", path=here)
        outside = ask("fs/read_text_file", path="/etc/passwd")
        text(f"{written['result']} {read['result']} {outside['error']['message']}")
        result(m, stopReason="end_turn")
        """
    )
    assert outcome.text == "{} {'content': 'alpha'} /etc/passwd lies outside of the work tree"


async def test_nothing_is_changed_in_plan_mode(acp: AcpBench) -> None:
    acp.settings = {"permission_mode": "plan"}
    outcome = await acp.run(
        """
        hello = hear()
        offered = hello["params"]["clientCapabilities"]
        assert offered == {"fs": {"readTextFile": True, "writeTextFile": False}, "terminal": False}, offered
        result(hello, protocolVersion=1); opened(); m = hear()
        written = ask("fs/write_text_file", path=os.path.abspath("a"), content="x")
        started = ask("terminal/create", command="touch b")
        text(f"{written['error']['code']} {started['error']['code']}")
        result(m, stopReason="end_turn")
        """
    )
    assert (outcome.kind, outcome.text) == (OutcomeKind.SUCCESS, "-32601 -32601")
    assert os.listdir(acp.folder / "tree") == []


async def test_a_terminal_runs_in_the_work_tree(acp: AcpBench) -> None:
    outcome = await acp.run(
        """
        m = prompted()
        def run(**params):
            started = ask("terminal/create", **params)
            if "error" in started:
                return started["error"]["message"]
            id = started["result"]["terminalId"]
            ended = ask("terminal/wait_for_exit", terminalId=id)["result"]
            output = ask("terminal/output", terminalId=id)["result"]
            assert output["exitStatus"] == ended
            ask("terminal/release", terminalId=id)
            gone = ask("terminal/output", terminalId=id)["error"]["message"]
            return [ended["exitCode"], output["output"], output["truncated"], gone]
        os.mkdir("sub")
        found = [
            run(command="echo out; echo err >&2; exit 3"),
            run(command="sh", args=["-c", "pwd; echo $MINE"], cwd=os.path.abspath("sub"),
                env=[{"name": "MINE", "value": "x"}]),
            run(command="printf", args=["äöü%.0s"] + ["1"] * 100, outputByteLimit=9),
            run(command="true", cwd="/"),
            run(command="no-such-program", args=["x"]),
            run(command=""),
        ]
        open("heard", "w").write("".join(json.dumps(one) + "\\n" for one in found))
        result(m, stopReason="end_turn")
        """
    )
    assert outcome.kind is OutcomeKind.SUCCESS, outcome.reason
    gone = "there is no such terminal"
    shell, own, cut, outside, missing, empty = acp.heard()
    assert shell == [3, "out\nerr\n", False, gone]
    assert own == [0, f"{acp.folder / 'tree' / 'sub'}\nx\n", False, gone]
    assert cut[1:3] == ["öüäöü"[-4:], True]
    assert outside == "/ lies outside of the work tree"
    assert str(missing).startswith("no-such-program cannot be started")
    assert empty == "command must name a program"


async def test_a_killed_terminal_says_by_what(acp: AcpBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminals, "KILL_S", 0.3)
    outcome = await acp.run(
        """
        m = prompted()
        stubborn = ask("terminal/create", command="trap '' TERM; echo up; while :; do sleep 1; done")["result"]
        while "up" not in ask("terminal/output", **stubborn)["result"]["output"]:
            time.sleep(0.02)
        ask("terminal/kill", **stubborn)
        text(str(ask("terminal/wait_for_exit", **stubborn)["result"]))
        result(m, stopReason="end_turn")
        """
    )
    assert outcome.text == "{'exitCode': None, 'signal': 'SIGKILL'}"


async def test_terminals_end_with_the_call(acp: AcpBench) -> None:
    process = await acp.start(
        """
        m = prompted()
        for command in ("sleep 600", "setsid sleep 600 & setsid sleep 600", "trap '' TERM; sleep 600"):
            ask("terminal/create", command=command)
        time.sleep(0.2); open("heard", "w").write("1")
        time.sleep(600)
        """
    )
    async with asyncio.timeout(60):
        while not (acp.folder / "tree/heard").exists():
            await asyncio.sleep(0.02)
    assert len(acp.living()) > 4
    process.stop()
    assert (await ended(process)).kind is OutcomeKind.STOPPED
    assert acp.living() == []


async def test_terminals_are_bounded(acp: AcpBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminals, "MAX_TERMINALS", 1)
    outcome = await acp.run(
        """
        m = prompted()
        ask("terminal/create", command="sleep 600")
        text(ask("terminal/create", command="sleep 600")["error"]["message"])
        result(m, stopReason="end_turn")
        """
    )
    assert outcome.text == "1 terminals are open: release one"
