"""The scripted agent behind the Agent Client Protocol, as the adapters of real programs are: a process of its own.

    python scripted.py [--acp WORDS] [options of demo/agent.py]

Every prompt runs `demo/agent.py`, whose stream is translated line by line; what is no line of that stream is printed as
it came. So it plays everything that the scripted agent can play. WORDS, joined by commas: `no-load` (sessions cannot be
gone on with), `resume` (without their history), `v2`, `no-usage`, `permission` (each shell command is requested).
SCRIPTED_ANSWERED names a file that is made when a prompt was answered.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from demo import session as sessions  # noqa: E402

AGENT = ROOT / "demo" / "agent.py"
KINDS = {"Bash": "execute", "Edit": "edit", "Write": "edit", "Read": "read", "Glob": "search", "Grep": "search"}
OPTIONS = [
    {"optionId": "once", "name": "Allow once", "kind": "allow_once"},
    {"optionId": "no", "name": "Reject", "kind": "reject_once"},
]
CANCELLED = object()
READY_S = 10.0  # to the first line of the agent behind it; some words make it print none


class Server:
    """One process: it reads messages in a thread, so that a cancel is heard while a prompt runs."""

    def __init__(self, words: set[str], options: list[str]) -> None:
        self.words, self.options = words, options
        self.version = 2 if "v2" in words else 1
        self.model = options[options.index("--model") + 1] if "--model" in options else "claude-sonnet-4-5"
        self.mode = "default"
        self.child: subprocess.Popen[bytes] | None = None
        self.messages: queue.Queue[Any] = queue.Queue()
        self.answers: queue.Queue[Any] = queue.Queue()
        self.cancelled = False
        self.starting = threading.Lock()  # so that a cancel finds the agent behind it, or that agent finds the cancel
        self.listens = threading.Event()  # the agent behind it handles signals
        self.asked = 0

    def serve(self) -> int:
        threading.Thread(target=self.read, daemon=True).start()
        while (message := self.messages.get()) is not None:
            handler = getattr(self, message["method"].replace("/", "_"), None)
            if handler is None:
                self.say(id=message["id"], error={"code": -32601, "message": "Method not found"})
            elif (result := handler(message.get("params") or {}, message.get("id"))) is not None:
                self.say(id=message["id"], result=result)
            if message["method"] == "session/prompt" and (note := os.environ.get("SCRIPTED_ANSWERED")):
                Path(note).touch()
        return 0

    def read(self) -> None:
        for line in sys.stdin.buffer:
            message = json.loads(line)
            if "method" not in message:
                self.answers.put(message)
            elif message["method"] == "session/cancel":
                self.answers.put(CANCELLED)
                with self.starting:
                    self.cancelled = True
                    child = self.child
                if child is not None:
                    self.interrupt(child)
            else:
                self.messages.put(message)
        self.messages.put(None)

    def interrupt(self, child: subprocess.Popen[bytes]) -> None:
        self.listens.wait(READY_S)  # before that the signal would be its end, not that of its turn
        child.send_signal(signal.SIGINT)

    def say(self, **message: Any) -> None:
        print_line(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def update(self, session: str, what: str, /, **fields: Any) -> None:
        update = {"sessionUpdate": what, **fields}
        self.say(method="session/update", params={"sessionId": session, "update": update})

    def ask(self, method: str, params: dict[str, Any]) -> Any:
        """The result of a request to the client; CANCELLED when the turn is."""
        self.asked += 1
        self.say(id=f"ask-{self.asked}", method=method, params=params)
        answer = self.answers.get()
        return answer if answer is CANCELLED else answer.get("result")

    # -- methods of the protocol

    def initialize(self, params: dict[str, Any], id_: Any) -> dict[str, Any]:
        self.version = min(self.version, params["protocolVersion"])
        info = {"name": "scripted", "title": "Scripted Agent", "version": "1.2.3"}
        if self.version > 1:
            return {"protocolVersion": 2, "capabilities": {"session": {}}, "info": info}
        capabilities: dict[str, Any] = {"loadSession": "no-load" not in self.words, "sessionCapabilities": {}}
        if "resume" in self.words:
            capabilities["sessionCapabilities"]["resume"] = {}
        return {"protocolVersion": 1, "agentCapabilities": capabilities, "agentInfo": info, "authMethods": []}

    def session_new(self, params: dict[str, Any], id_: Any) -> dict[str, Any]:
        session = str(uuid.uuid4())
        return {"sessionId": session, **self.choices()}

    def session_load(self, params: dict[str, Any], id_: Any) -> dict[str, Any] | None:
        if not self.find(params["sessionId"], id_):
            return None
        text = {"type": "text", "text": "An earlier reply: [DEV-STORY-COMPLETE: NO]"}
        self.update(params["sessionId"], "agent_message_chunk", content=text)
        self.update(params["sessionId"], "tool_call", toolCallId="old", title="An earlier call", kind="execute")
        return self.choices()

    def session_resume(self, params: dict[str, Any], id_: Any) -> dict[str, Any] | None:
        return self.choices() if self.find(params["sessionId"], id_) else None

    def find(self, session: str, id_: Any) -> bool:
        if not sessions.exists(session):
            self.say(id=id_, error={"code": -32002, "message": f"Session not found: {session}"})
            return False
        return True

    def choices(self) -> dict[str, Any]:
        modes = {"currentModeId": self.mode, "availableModes": [{"id": mode} for mode in ("default", "plan", "yolo")]}
        models = [{"value": model, "name": model} for model in dict.fromkeys((self.model, "sonnet", "haiku"))]
        option = {"id": "model", "configId": "model", "category": "model", "type": "select"}
        return {"modes": modes, "configOptions": [{**option, "currentValue": self.model, "options": models}]}

    def session_set_mode(self, params: dict[str, Any], id_: Any) -> dict[str, Any]:
        self.mode = params["modeId"]
        return {}

    def session_set_config_option(self, params: dict[str, Any], id_: Any) -> dict[str, Any]:
        self.model = params["value"]
        return {"configOptions": self.choices()["configOptions"]}

    def session_prompt(self, params: dict[str, Any], id_: Any) -> None:
        turn = Turn(self, params["sessionId"], id_)
        if self.version > 1:
            self.say(id=id_, result={})
        turn.run("".join(block["text"] for block in params["prompt"]))


class Turn:
    """One prompt: one run of the scripted agent, or two where it asked something that was answered."""

    def __init__(self, server: Server, session: str, id_: Any) -> None:
        self.server, self.session, self.id = server, session, id_
        self.answer: str | None = None
        self.error: dict[str, Any] = {}

    def run(self, prompt: str) -> None:
        server = self.server
        session = ["--resume" if sessions.exists(self.session) else "--session-id", self.session]
        argv = [sys.executable, str(AGENT), "-p", "--output-format", "stream-json", "--verbose", *session]
        server.listens.clear()
        with server.starting:
            child = server.child = subprocess.Popen(
                [*argv, "--model", server.model, *server.options], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            late = server.cancelled
        if late:  # the cancel came before there was anything to interrupt
            threading.Thread(target=server.interrupt, args=(child,), daemon=True).start()
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(prompt.encode())
        child.stdin.close()
        ended = False
        for line in child.stdout:
            server.listens.set()
            ended = self.translate(line) or ended
            if self.answer is not None:
                break
        if self.answer is not None:  # the one that asked ends, its session continues with the answer
            child.kill()
            child.wait()
            answer, self.answer = self.answer, None
            self.run(answer)
        elif not ended:
            end_as(child.wait())

    def translate(self, line: bytes) -> bool:
        """Whether this was the end of the turn."""
        try:
            value = json.loads(line)
        except ValueError:
            print_line(line.rstrip(b"\n"))
            return False
        match value.get("type") if isinstance(value, dict) else None:
            case "assistant":
                self.assistant(value)
            case "user":
                self.results(value["message"]["content"])
            case "result":
                self.end(value)
                return True
            case "system" if value.get("subtype") == "permission_denied":
                self.denied(value)
            case None:
                print_line(line.rstrip(b"\n"))
        return False

    def assistant(self, value: dict[str, Any]) -> None:
        message = value["message"]
        if value.get("error"):  # an API error, printed as if the model had said it
            self.error = {"text": message["content"][0]["text"], "error": value["error"]}
            return
        for block in message["content"]:
            if block["type"] == "text":
                half = len(block["text"]) // 2
                for piece in (block["text"][:half], block["text"][half:]):
                    content = {"type": "text", "text": piece}
                    self.update("agent_message_chunk", content=content, messageId=message["id"])
            elif block["type"] == "tool_use":
                self.call(block)

    def call(self, block: dict[str, Any]) -> None:
        name, given = block["name"], block["input"]
        if name == "AskUserQuestion":
            self.question(given["questions"][0])
            return
        call = {"toolCallId": block["id"], "title": name, "kind": KINDS.get(name, "other"), "rawInput": given}
        path = given.get("file_path")
        call["locations"] = [{"path": path}] if path else []
        if self.server.version == 1:
            self.update("tool_call", **{**call, "status": "pending", "rawInput": {}})
        if name == "Bash" and "permission" in self.server.words:
            self.permission(call)
        self.update("tool_call_update", **call, status="in_progress")

    def permission(self, call: dict[str, Any]) -> None:
        params: dict[str, Any] = {"sessionId": self.session, "options": OPTIONS}
        if self.server.version > 1:
            params |= {
                "title": f"Run {call['rawInput']['command']}?",
                "subject": {"type": "tool_call", "toolCall": call},
            }
        else:
            params["toolCall"] = call
        self.server.ask("session/request_permission", params)

    def denied(self, value: dict[str, Any]) -> None:
        call = {"toolCallId": value["tool_use_id"], "title": value["tool_name"], "kind": "execute"}
        self.permission({**call, "rawInput": value.get("tool_input") or {"command": "rm -rf build"}})

    def question(self, asked: dict[str, Any]) -> None:
        labels = [option["label"] for option in asked.get("options", [])]
        field = {"type": "string", **({"enum": labels} if labels else {})}
        schema = {"type": "object", "properties": {"answer": field, "other": {"type": "string", "title": "Other"}}}
        params = {"sessionId": self.session, "mode": "form", "message": asked["question"], "requestedSchema": schema}
        answer = self.server.ask("elicitation/create", params)
        if isinstance(answer, dict) and answer.get("action") == "accept":
            self.answer = f"You asked: {asked['question']}\nThe answer: {json.dumps(answer['content'])}"

    def results(self, blocks: list[dict[str, Any]]) -> None:
        for block in blocks:
            if block["type"] != "tool_result":  # the text that reports an interruption
                continue
            status = "failed" if block.get("is_error") else "completed"
            content = [{"type": "content", "content": {"type": "text", "text": str(block["content"])}}]
            self.update("tool_call_update", toolCallId=block["tool_use_id"], status=status, content=content)

    def end(self, result: dict[str, Any]) -> None:
        subtype, server = result["subtype"], self.server
        if server.cancelled:
            self.stop("cancelled", result)
        elif subtype == "error_max_turns":
            self.stop("max_turn_requests", result)
        elif not result.get("is_error"):
            self.stop("end_turn", result)
        else:
            words = self.error.get("text") or "; ".join(result.get("errors") or [result.get("result") or subtype])
            code = -32000 if self.error.get("error") == "authentication_failed" else -32603
            server.say(id=self.id, error={"code": code, "message": "Internal error", "data": {"details": words}})

    def stop(self, reason: str, result: dict[str, Any]) -> None:
        answer: dict[str, Any] = {"stopReason": reason}
        if "no-usage" not in self.server.words:
            answer["usage"] = usage_of(result)
            cost = {"amount": result["total_cost_usd"], "currency": "USD"}
            self.update("usage_update", used=1000, size=200_000, cost=cost)
        if self.server.version > 1:
            self.update("state_update", state="idle", **answer)
        else:
            self.server.say(id=self.id, result=answer)

    def update(self, what: str, /, **fields: Any) -> None:
        self.server.update(self.session, what, **fields)


def usage_of(result: dict[str, Any]) -> dict[str, int]:
    used = result["usage"]
    counts = {
        "inputTokens": used["input_tokens"],
        "outputTokens": used["output_tokens"],
        "cachedReadTokens": used["cache_read_input_tokens"],
        "cachedWriteTokens": used["cache_creation_input_tokens"],
    }
    return {**counts, "totalTokens": sum(counts.values())}


def end_as(code: int) -> None:
    """This process, too, ends with this exit code, or by this signal."""
    if code >= 0:
        os._exit(code)
    with contextlib.suppress(OSError):  # SIGKILL cannot be set
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)


def print_line(line: bytes) -> None:
    left = memoryview(line + b"\n")
    while left:
        left = left[os.write(1, left) :]


def main(argv: list[str]) -> int:
    words: set[str] = set()
    if argv[:1] == ["--acp"]:
        words, argv = set(argv[1].split(",")), argv[2:]
    for number in (signal.SIGINT, signal.SIGTERM):  # it ends as the agent behind it does, or with its input
        signal.signal(number, lambda *_: None)  # not SIG_IGN, which the agent would inherit
    return Server(words, argv).serve()


if __name__ == "__main__":
    end_as(main(sys.argv[1:]))  # at once: the thread that reads would be met by the interpreter's end
