"""A program that speaks as Claude Code does and repeats what it is told while it works; `stop` ends it."""

from __future__ import annotations

import json
import sys
from typing import Any


def say(**message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def hear() -> str:
    given = json.loads(sys.stdin.readline())
    say(**given, isReplay=True)
    return str(given["message"]["content"][0]["text"])


def main() -> None:
    if "--help" in sys.argv:
        sys.stdout.write("  --input-format <format>\n  --replay-user-messages\n")
        return
    if "--version" in sys.argv:
        sys.stdout.write("2.1.330 (Talker)\n")
        return
    assert "--resume" not in sys.argv
    say(type="system", subtype="init", session_id="talk", model="sonnet", cwd=".", tools=[], claude_code_version="1")
    words = hear()
    while True:
        content = [{"type": "text", "text": words}]
        usage = {"input_tokens": 3, "output_tokens": 5}
        say(
            type="assistant",
            session_id="talk",
            parent_tool_use_id=None,
            message={
                "id": f"m{len(words)}",
                "role": "assistant",
                "model": "sonnet",
                "content": content,
                "usage": usage,
            },
        )
        if "stop" in words:
            break
        words = hear()
    usage = {"input_tokens": 6, "output_tokens": 10}
    final = {"is_error": False, "result": words, "session_id": "talk", "num_turns": 1, "total_cost_usd": 0.25}
    say(type="result", subtype="success", usage=usage, **final)


if __name__ == "__main__":
    main()
