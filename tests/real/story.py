"""One story of the demo project with the real Claude Code, from the server's start to its end; run by real_agents.sh.

Exit code 0 when the story is done, its cost is the sum of its commands, and nothing is left alive.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.processes import marked  # noqa: E402
from tests.real.scenario import SCENARIO, STORY  # noqa: E402

RUN_S = 600.0
POLL_S = 0.5


class Failed(Exception):
    """What was not as it must be."""


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def ask(url: str, body: Mapping[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def start_mock(folder: Path, work: Path) -> tuple[subprocess.Popen[bytes], str]:
    """The scripted API and its address."""
    scenario, port = work / "scenario.json", work / "port"
    scenario.write_text(json.dumps(SCENARIO))
    program = [sys.executable, str(folder / "mock_anthropic.py"), "--port", "0", "--port-file", str(port)]
    process = subprocess.Popen([*program, "--scenario", str(scenario), "--log", str(work / "requests.jsonl")])
    while not port.exists() or not port.read_text().strip():
        if process.poll() is not None:
            raise Failed("the mock API did not start")
        time.sleep(POLL_S / 10)
    return process, f"http://127.0.0.1:{port.read_text().strip()}"


def start_server(cli: Path, work: Path, api: str) -> tuple[subprocess.Popen[str], str]:
    """The server on the demo project with Claude Code as its agent, and its address."""
    home = work / "home"
    home.mkdir()
    environment = {
        "HOME": str(home),
        "PATH": os.pathsep.join([str(cli), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "LANG": "C.UTF-8",
        "ANTHROPIC_BASE_URL": api,
        "ANTHROPIC_API_KEY": "test-key",
        "IS_SANDBOX": "1",
    }
    command = [
        sys.executable,
        str(ROOT / "server.py"),
        str(work / "perch"),
        "--demo",
        "--agent",
        "claude",
        "--port",
        "0",
    ]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    say(line)
    if "http://" not in line:
        raise Failed("the server did not start")
    return process, line.split(" at ")[1].split("  ")[0]


def run_story(url: str) -> dict[str, Any]:
    say(f"Started {ask(url + 'api/run/start', {'batch_size': 1, 'stories': [STORY]})}")
    ends = time.monotonic() + RUN_S
    while time.monotonic() < ends:
        run: dict[str, Any] = ask(url + "api/run")
        if run["state"] in ("idle", "paused", "waiting"):
            return run
        time.sleep(POLL_S)
    raise Failed(f"the run did not end within {RUN_S:g} s")


def report(url: str) -> None:
    """Every command as the ledger has it, and what does not add up. Raises `Failed`."""
    commands = ask(url + "api/batches/1")["commands"]
    for command in commands:
        tokens = [command[f"{kind}_tokens"] for kind in ("input", "output", "cache_read", "cache_write")]
        entries = ask(f"{url}api/commands/{command['id']}/transcript")["entries"]
        cost = f"${command['cost_usd']:.4f} (estimated ${command['estimated_usd']:.4f})"
        name = f"{command['command']:<24}{command['status']:<10}{command['model']}"
        say(f"  {name}  {tokens}  {cost}  {len(entries)} entries")
        if command["status"] != "success" or not entries or not command["cost_usd"]:
            raise Failed(f"{command['command']}: {command['status']} {command['reason'] or ''}")
        if command["estimated_usd"]:
            raise Failed(f"{command['command']} reported its cost, and yet some of it is an estimate")
    total = ask(url + "api/insights")["total"][0]
    say(f"  {total['commands']} commands, ${total['cost_usd']:.4f}")
    if abs(total["cost_usd"] - sum(command["cost_usd"] for command in commands)) > 1e-9:
        raise Failed("the ledger does not add up")


def check(url: str, run: Mapping[str, Any], project: Path) -> None:
    say(f"State {run['state']}, batch {run['batch']['status']}, {run['batch']['reason'] or 'no remarks'}")
    say(f"Agent {run['agent']['version']}")
    report(url)
    stories = {story["key"]: story["status"] for story in ask(url + "api/sprint")["stories"]}
    if stories[STORY] != "done":
        raise Failed(f"{STORY} is {stories[STORY]}")
    log = subprocess.run(
        ["git", "log", "--oneline", "--stat", "-1"], cwd=project, capture_output=True, text=True, check=True
    )
    say(log.stdout.strip())
    if left := marked(""):
        raise Failed(f"still alive: {left}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("cli", "mock", "work"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    mock, api = start_mock(options.mock, options.work)
    server, url = start_server(options.cli, options.work, api)
    try:
        check(url, run_story(url), options.work / "perch")
    except Failed as failed:
        say(f"FAILED: {failed}")
        return 1
    finally:
        server.terminate()
        server.wait()
        mock.terminate()
        mock.wait()
    say("The real Claude Code ran the story.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
