"""One story of the demo project with a real program, from the server's start to its end; run by real_agents.sh.

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

from agents.guarding import SERVER_COMMAND  # noqa: E402
from tests.processes import marked  # noqa: E402
from tests.real.programs import PROGRAMS, Program, set_up, settings_of  # noqa: E402
from tests.real.scenario import STORY, USAGE, Scenario  # noqa: E402

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


def start_mock(folder: Path, work: Path, program: Program) -> tuple[subprocess.Popen[bytes], str]:
    """The scripted API and its address."""
    scenario, port = work / "scenario.json", work / "port"
    scenario.write_text(json.dumps(Scenario(program).data))
    command = [sys.executable, str(folder / "mock_others.py"), "--port", "0", "--port-file", str(port)]
    process = subprocess.Popen([*command, "--scenario", str(scenario), "--log", str(work / "requests.jsonl")])
    while not port.exists() or not port.read_text().strip():
        if process.poll() is not None:
            raise Failed("the mock API did not start")
        time.sleep(POLL_S / 10)
    return process, f"http://127.0.0.1:{port.read_text().strip()}"


def start_server(name: str, path: str, work: Path, api: str) -> tuple[subprocess.Popen[str], str]:
    """The server on the demo project with this program as its agent, and its address."""
    home = work / "home"
    home.mkdir()
    environment = {
        "HOME": str(home),
        "PATH": os.pathsep.join([path, str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "LANG": "C.UTF-8",
        "SPRINT_RUNNER_AGENTS": settings_of(name),
        "SPRINT_RUNNER_PRICES": json.dumps({"mock-model": {"input": 3, "output": 15}}),
        "SPRINT_RUNNER_RETRIES": "0",
        **set_up(name, home, api),
    }
    command = [sys.executable, str(ROOT / "server.py"), str(work / "perch"), "--demo", "--agent", name, "--port", "0"]
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


def report(url: str, program: Program) -> None:
    """Every command as the ledger has it, and what does not add up. Raises `Failed`."""
    commands = ask(url + "api/batches/1")["commands"]
    for command in commands:
        tokens = [command[f"{kind}_tokens"] or 0 for kind in ("input", "output", "cache_read", "cache_write")]
        entries = ask(f"{url}api/commands/{command['id']}/transcript")["entries"]
        usd, estimated = command["cost_usd"] or 0.0, command["estimated_usd"] or 0.0
        cost = f"${usd:.4f} (estimated ${estimated:.4f})"
        name = f"{command['command']:<24}{command['status']:<10}{command['model']}"
        say(f"  {name}  {tokens}  {cost}  {len(entries)} entries")
        if command["status"] != "success":
            raise Failed(f"{command['command']}: {command['status']} {command['reason'] or ''}")
        if command["command"] != "commit" and not (usd and any(tokens) and entries):  # the runner commits itself
            raise Failed(f"{command['command']} has cost nothing")
        if command["command"] != "commit" and (replies := Scenario(program).replies(command["command"])):
            served = [replies * USAGE[f"{kind}_tokens"] for kind in ("input", "output", "cache_read_input")]
            if program.counts and tokens[:3] != served:
                raise Failed(f"{command['command']}: {served} tokens were served, {tokens} are booked")
        if program.reports_cost and estimated:
            raise Failed(f"{command['command']} reported its cost, and yet some of it is an estimate")
    total = ask(url + "api/insights")["total"][0]
    say(f"  {total['commands']} commands, ${total['cost_usd']:.4f}")
    if abs(total["cost_usd"] - sum(command["cost_usd"] or 0.0 for command in commands)) > 1e-9:
        raise Failed("the ledger does not add up")


def check(url: str, run: Mapping[str, Any], project: Path, program: Program) -> None:
    say(f"State {run['state']}, batch {run['batch']['status']}, {run['batch']['reason'] or 'no remarks'}")
    say(f"Agent {run['agent']['version']}")
    report(url, program)
    stories = {story["key"]: story["status"] for story in ask(url + "api/sprint")["stories"]}
    if stories[STORY] != "done":
        raise Failed(f"{STORY} is {stories[STORY]}")
    log = subprocess.run(
        ["git", "log", "--oneline", "--stat", "-1"], cwd=project, capture_output=True, text=True, check=True
    )
    say(log.stdout.strip())
    if left := [pid for pid in marked("") if not is_server_s(pid)]:
        raise Failed(f"still alive: {left}")


def is_server_s(pid: int) -> bool:
    """Whether a process belongs to the server itself, such as the git that reads objects for it, and to no call."""
    return f":{SERVER_COMMAND}\0".encode() in Path(f"/proc/{pid}/environ").read_bytes() + b"\0"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", choices=sorted(PROGRAMS), required=True)
    parser.add_argument("--path", required=True, help="folders with the programs, as in PATH")
    for name in ("mock", "work"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    program, began = PROGRAMS[options.program], time.monotonic()
    mock, api = start_mock(options.mock, options.work, program)
    server, url = start_server(options.program, options.path, options.work, api)
    try:
        check(url, run_story(url), options.work / "perch", program)
    except Failed as failed:
        say(f"FAILED: {failed}")
        return 1
    finally:
        server.terminate()
        server.wait()
        mock.terminate()
        mock.wait()
    say(f"The real {options.program} ran the story in {time.monotonic() - began:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
