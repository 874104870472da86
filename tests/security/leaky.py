"""An agent that prints secrets wherever an agent can print: in its texts, its tools, its findings, on its stderr.

`python leaky.py FILE`: the secrets are the lines of the file. It speaks as Claude Code does. It is also the project's
check (`--check`): fails, prints the secrets, and leaves its environment in `check-environment.json`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def say(**line: Any) -> None:
    sys.stdout.write(json.dumps({"session_id": "s-1", **line}) + "\n")
    sys.stdout.flush()


def message(*content: dict[str, Any], number: int) -> None:
    usage = {"input_tokens": 10, "output_tokens": 5}
    said = {"id": f"m-{number}", "role": "assistant", "model": "sonnet", "content": list(content), "usage": usage}
    say(type="assistant", message=said)


def check(secrets: list[str]) -> int:
    Path("check-environment.json").write_text(json.dumps(dict(os.environ)))
    sys.stdout.write("checked with\n" + "\n".join(secrets) + "\n")
    return 1


def main() -> int:
    secrets = Path(sys.argv[1]).read_text().split("\n--\n")
    if "--version" in sys.argv:
        sys.stdout.write("1.0.0 (leaky)\n")
        return 0
    if "--check" in sys.argv:
        return check(secrets)
    prompt, all_of_them = sys.stdin.read(), " and ".join(secrets)
    Path("agent-environment.json").write_text(json.dumps(dict(os.environ)))
    sys.stderr.write(f"warning: {all_of_them}\n")
    say(type="system", subtype="init", model="sonnet", cwd=str(Path.cwd()), tools=[])
    message({"type": "text", "text": f"I use {all_of_them}"}, number=1)
    for number, secret in enumerate(secrets):
        call = {"type": "tool_use", "id": f"t-{number}", "name": "Bash", "input": {"command": f"export K={secret}"}}
        message({"type": "text", "text": secret}, call, number=10 + number)
        result = {"type": "tool_result", "tool_use_id": f"t-{number}", "content": f"K={secret}"}
        say(type="user", message={"role": "user", "content": [result]})
    if "2-1-b" in prompt.split("- story file")[0]:
        sys.stderr.write(f"fatal error: refused with {all_of_them}\n")
        return 1
    first = prompt.startswith("# code-review-1")
    findings = [f"- [HIGH] src/app.py: the key {secret} is in the code" for secret in secrets] if first else ["- none"]
    counted = f"Issues: 0 CRITICAL, {len(secrets) if first else 0} HIGH, 0 MEDIUM, 0 LOW"
    worst = "HIGH" if first else "ZERO ISSUES"
    verdict = "\n".join(["## Findings", *findings, "", counted, "", f"HIGHEST SEVERITY: {worst}"])
    message({"type": "text", "text": verdict}, number=99)
    say(
        type="result",
        subtype="success",
        is_error=False,
        result=verdict,
        num_turns=2,
        total_cost_usd=0.01,
        duration_ms=5,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
