"""Which options a program has, by its own help: real programs' texts, and small programs that answer in odd ways."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from agents import AgentSpec
from agents.claude_options import OPTIONAL, PROMPTS
from agents.codex_quota import APP_SERVER
from agents.options import OptionsByHelp, listed
from tests.agents.streams import RECORDINGS

HELP = RECORDINGS / "help"
COUNTS = """
import sys
assert sys.argv[1:] == ["--help"] and sys.stdin.read() == ""
open({count!r}, "a").write("x")
print({text!r})
"""
TEXT = "Usage: fake\n\n  --json-schema <schema>   A form. See --input-format.\n  -x, --max-budget-usd <n>\n"


def program(folder: Path, script: str, *words: str, kind: str = "claude") -> AgentSpec:
    path = folder / "agent.py"
    path.write_text(script)
    return AgentSpec("fake", kind, (sys.executable, str(path), *words))


def counting(folder: Path, *words: str, text: str = TEXT) -> AgentSpec:
    return program(folder, COUNTS.format(count=str(folder / "count"), text=text), *words)


def test_the_newest_program_has_them_all_and_an_older_one_all_but_one() -> None:
    newest, older = (listed((HELP / f"claude-{version}.txt").read_text()) for version in ("2.1.332", "2.1.197"))
    assert newest >= OPTIONAL
    assert OPTIONAL - older == {PROMPTS}
    assert {"--allowedTools", "--allowed-tools", "--print"} <= newest


def test_a_command_of_a_program_is_listed_too() -> None:
    found = listed((HELP / "codex-0.171.0.txt").read_text())
    assert {"exec", APP_SERVER, "--sandbox"} <= found
    assert not {"permissions", "approval"} & found


def test_what_a_description_mentions_is_not_listed() -> None:
    text = "  --a <x>      Like --b, and\n               --c of old\nUse --d instead.\n  -e, --e-e  Last"
    assert listed(text) == {"--a", "--e-e"}


async def test_a_program_is_asked_once_until_its_file_changes(tmp_path: Path) -> None:
    options, spec = OptionsByHelp(), counting(tmp_path)
    for _ in range(3):
        assert await options.of(spec) == {"--json-schema", "--max-budget-usd"}
    assert (tmp_path / "count").read_text() == "x"
    counting(tmp_path, text="  --fallback-model <model>")  # an update in the same place
    assert await options.of(spec) == {"--fallback-model"}
    os.utime(tmp_path / "agent.py", ns=(1, 1))
    await options.of(spec)
    assert (tmp_path / "count").read_text() == "xxx"


async def test_what_stands_in_the_command_is_the_operators(tmp_path: Path) -> None:
    script = f"import sys\nassert sys.argv[-1] == '--help'\nprint({TEXT!r})"
    assert await OptionsByHelp().of(program(tmp_path, script, "--max-budget-usd=5")) == {"--json-schema"}


@pytest.mark.parametrize(
    "script",
    [
        "import sys; sys.exit('unknown option: --help')",
        "print('  --json-schema'); raise SystemExit(2)",
        "import time, subprocess; subprocess.Popen(['sleep', '600']); time.sleep(600)",
        "import os; os.write(1, bytes(range(256)) * 4)",
        "",
    ],
    ids=["an error", "an exit code", "a hang", "no text", "nothing"],
)
async def test_who_has_no_help_has_no_options(tmp_path: Path, script: str) -> None:
    assert await OptionsByHelp().of(program(tmp_path, script), timeout_s=2.0) == frozenset()


async def test_a_flood_is_read_as_far_as_help_goes(tmp_path: Path) -> None:
    script = "print('  --json-schema <s>')\nfor _ in range(3000): print('x' * 1000)\nprint('  --input-format <f>')"
    assert await OptionsByHelp().of(program(tmp_path, script)) == {"--json-schema"}


async def test_programs_without_a_use_for_it_are_not_asked(tmp_path: Path) -> None:
    script = f"open({str(tmp_path / 'touched')!r}, 'w')"
    for kind in ("text", "gemini", "opencode", "qwen"):
        assert await OptionsByHelp().of(program(tmp_path, script, kind=kind)) == frozenset()
    assert not (tmp_path / "touched").exists()
    assert await OptionsByHelp().of(AgentSpec("ghost", "claude", ("no-such-agent-here",))) == frozenset()
    assert await OptionsByHelp().of(AgentSpec("none", "claude", ())) == frozenset()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("The agent ended with exit code 1 before any output: error: unknown option '--json-schema'.", "--json-schema"),
        ("Unknown argument: json-schema", "--json-schema"),
        ("error: option '--permission-prompts <target>' argument 'none' is invalid.", "--permission-prompts"),
        ("Error: --fallback-model=haiku requires more", "--fallback-model"),
        ("error: unknown option '--no-such-thing'", None),
        ("Invalid API key", None),
        ("my--json-schema-file is missing", None),
    ],
)
async def test_an_option_that_is_refused_is_named(tmp_path: Path, words: str, named: str | None) -> None:
    options = OptionsByHelp()
    spec = counting(tmp_path, text="\n".join(f"  {option} <x>" for option in OPTIONAL))
    before = await options.of(spec)
    assert options.refused(spec, before, words) == named
    assert await options.of(spec) == before - {named}


async def test_after_an_update_what_was_refused_is_tried_again(tmp_path: Path) -> None:
    options, spec = OptionsByHelp(), counting(tmp_path)
    assert options.refused(spec, await options.of(spec), "unknown option --json-schema") == "--json-schema"
    counting(tmp_path, text=TEXT + "\n")
    assert await options.of(spec) == {"--json-schema", "--max-budget-usd"}
