"""The demo's agent behind the options of a newer Claude Code: `python newer_claude.py STATE agent.py …`.

STATE is a JSON file: `help` lists the options that `--help` names, `refuse` those that end a call with an error,
`structured` is the structured verdict by command, `spends` what a command costs in dollars, whatever is left for it,
`denied` the file that it is not permitted to write, and after which it waits. STATE.calls has what calls were given.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

WITH_VALUE = ("--json-schema", "--max-budget-usd", "--permission-prompts", "--fallback-model", "--input-format")


def main(argv: list[str]) -> int:
    state, *agent = argv
    path = Path(state)
    behaviour: dict[str, Any] = json.loads(path.read_text())
    if agent[-1] == "--help":
        print("Usage: claude\n\n" + "\n".join(f"  {option} <value>   About it" for option in behaviour.get("help", ())))
        return 0
    if agent[-1] == "--version":
        return subprocess.run([sys.executable, *agent], check=False).returncode
    given = {word: agent[agent.index(word) + 1] for word in WITH_VALUE if word in agent}
    with path.with_suffix(".calls").open("a") as calls:
        calls.write(json.dumps(given) + "\n")
    for option in given:
        if option in behaviour.get("refuse", ()):
            sys.stderr.write(f"error: unknown option '{option}'\n")
            return 1
    prompt = sys.stdin.readline() if "--input-format" in given else sys.stdin.read()
    if "--input-format" in given:
        prompt = json.loads(prompt)["message"]["content"][0]["text"]
    return _perform(_without(agent, given), prompt, behaviour, given)


def _without(agent: list[str], given: dict[str, str]) -> list[str]:
    words = iter(agent)
    return [word for word in words if word not in given or not next(words, "")]


def _perform(agent: list[str], prompt: str, behaviour: dict[str, Any], given: dict[str, str]) -> int:
    command = re.sub(r"-\d+$", "", prompt.split("\n", 1)[0].removeprefix("# ").strip())
    if command in behaviour.get("denied", {}):
        return _denied(behaviour["denied"][command])
    budget = float(given.get("--max-budget-usd", "inf"))
    if behaviour.get("spends", {}).get(command, 0.0) >= budget:
        return _spent(budget)
    verdict = behaviour.get("structured", {}).get(command) if "--json-schema" in given else None
    with subprocess.Popen([sys.executable, *agent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(prompt)
        child.stdin.close()
        for line in child.stdout:
            print(_with(line, verdict), end="", flush=True)
    if "--input-format" in given and child.returncode == 0:
        sys.stdin.read()  # it lives until its input ends
    return child.returncode


def _say(**line: Any) -> None:
    print(json.dumps({"session_id": "", **line}), flush=True)


def _spent(budget: float) -> int:
    """As the program does: the reply that crosses the budget is paid for as well."""
    _say(type="system", subtype="init", model="claude-sonnet-4-5")
    errors = [f"Reached maximum budget (${budget})"]
    since = {"claude-sonnet-4-5": {"inputTokens": 10, "outputTokens": 10, "costUSD": budget + 0.01}}
    more = {"num_turns": 2, "model_usage_since_last_result": since, "errors": errors}
    _say(type="result", subtype="error_max_budget_usd", is_error=True, **more)
    return 1


def _denied(path: str) -> int:
    _say(type="system", subtype="init", model="claude-sonnet-4-5")
    use = {"type": "tool_use", "id": "toolu_1", "name": "Write", "input": {"file_path": path, "content": "x"}}
    _say(type="assistant", message={"id": "m", "model": "claude-sonnet-4-5", "content": [use]})
    message = f"Claude requested permissions to write to {path}, but you haven't granted it yet."
    _say(type="system", subtype="permission_denied", tool_name="Write", tool_use_id="toolu_1", message=message)
    signal.pause()
    return 1


def _with(line: str, verdict: object) -> str:
    value = json.loads(line)
    if verdict is None or value.get("type") != "result":
        return line
    return json.dumps({**value, "structured_output": verdict, "result": json.dumps(verdict)}) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
