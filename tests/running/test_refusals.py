"""Which refused permission ends a command, over the recordings of real programs and over single records."""

from __future__ import annotations

import pytest

from agents import Action, AgentSpec, Denied, Record, ToolCall, ToolResult
from running.refusals import ANY_FILE, RefusalWatch
from tests.agents.streams import read, recording

STORY = ("1-2-login",)


def spec(mode: str | None = None, *words: str) -> AgentSpec:
    return AgentSpec("one", "claude", ("claude", *words), permission_mode=mode)


def reason(watch: RefusalWatch, *records: Record) -> str | None:
    return next((said for record in records if (said := watch.take(record)) is not None), None)


def write(path: str, id_: str = "t") -> ToolCall:
    return ToolCall(id_, "Write", f"Write {path}", Action.EDIT)


def refused(tool: str = "Write", id_: str | None = "t", message: str = "not granted.") -> Denied:
    return Denied(tool, id_, message)


@pytest.mark.parametrize(
    ("kind", "case", "what"),
    [
        ("claude", "tools_denied_default", "write w.txt (Claude requested permissions to write to /project/w.txt"),
        ("claude", "tools_denied_plan", "write w.txt (Cannot write to /project/w.txt while in plan mode)"),
        ("claude", "prompts_none_2.1.332", "write a.txt (Permission to use Write has been denied"),
        ("codex", "tools_read_only", "change files (patch rejected: writing is blocked by read-only sandbox"),
        ("claude", "tools_denied_acceptEdits", None),
        ("claude", "tools_bypass", None),
        ("claude", "tools_unknown_tool", None),
    ],
)
def test_a_development_that_may_change_nothing_ends(kind: str, case: str, what: str | None) -> None:
    records, _ = read(recording(kind, case))
    said = reason(RefusalWatch(spec(), ANY_FILE), *records)
    assert said is None if what is None else f"it was not permitted to {what}" in (said or "")
    assert said is None or "`permission_mode`" in said


def test_a_command_ends_with_its_own_file() -> None:
    assert reason(RefusalWatch(spec("acceptEdits"), STORY), write("out/1-2-login.md"), refused()) == (
        "it was not permitted to write out/1-2-login.md (not granted), which is what the command is for: set its "
        "`permission_mode` to acceptEdits or bypassPermissions, or allow it in its own settings"
    )
    assert reason(RefusalWatch(spec(), STORY), write("docs/notes.md"), refused()) is None


def test_a_rule_about_one_file_does_not_end_a_development() -> None:
    for allowed in (spec("acceptEdits"), spec("bypassPermissions"), spec(None, "--dangerously-skip-permissions")):
        assert reason(RefusalWatch(allowed, ANY_FILE), write(".env"), refused()) is None
    assert reason(RefusalWatch(spec(None, "--speed", "max"), ANY_FILE), write(".env"), refused()) is not None


def test_who_has_written_already_may_go_on() -> None:
    done = (write("src/a.py"), ToolResult("t", True, ""))
    assert reason(RefusalWatch(spec(), ANY_FILE), *done, write("src/b.py", "u"), refused(id_="u")) is None
    failed = (write("src/a.py"), ToolResult("t", False, "not read yet"))
    assert reason(RefusalWatch(spec(), ANY_FILE), *failed, write("src/a.py", "u"), refused(id_="u")) is not None


def test_other_refusals_are_the_agents_to_get_over() -> None:
    watch = RefusalWatch(spec(), ANY_FILE)
    assert reason(watch, ToolCall("t", "Bash", "Bash: touch a", Action.RUN), refused("Bash")) is None
    assert reason(watch, write("a"), refused(message="")) is None  # reported at its end, when it may have found a way
    assert reason(RefusalWatch(spec(), ()), write("a"), refused()) is None
    assert reason(RefusalWatch(spec(), ()), refused("sandbox", None, "blocked by read-only sandbox")) is None


def test_a_tool_without_a_call_is_known_by_its_name() -> None:
    assert reason(RefusalWatch(spec(), ANY_FILE), refused("edit", None, "edit (src/app.py)")) is not None
    assert reason(RefusalWatch(spec(), STORY), refused("edit", None, "edit (src/app.py)")) is None
    assert reason(RefusalWatch(spec(), ANY_FILE), refused("bash", None, "bash (rm -rf x)")) is None
