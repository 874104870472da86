"""The verbs that speak with a running server: its state, what needs the operator, and the operator's decisions.

The server is found by the lock of its data folder, which only a living process holds, and is asked over HTTP as the
page asks it. A refusal is printed as the server words it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any, Final
from urllib.parse import quote, urlsplit

from cli.config import ServerConfig
from cli.errors import CannotStart
from cli.remote_text import needs_of, needs_text, status_text
from running.lock import running_url

REFUSED: Final = 1  # the exit code when the server refuses
TIMEOUT_S: Final = 60.0  # a start looks at the project and at the agent first
TAKEN_S: Final = 15.0  # that a take-over is waited for, while the story's agent ends
LOOK_S: Final = 0.2  # between two looks at it
STDIN_MAX: Final = 64 * 1024  # characters of a text that comes by standard input
CONFIRM: Final = ", with --confirm"  # how what the server asks is confirmed


class Refused(Exception):
    """The server refused a request; the message is its sentence."""


class RemoteServer:
    """The server that runs for a project. Raises `CannotStart` where there is none."""

    def __init__(self, config: ServerConfig) -> None:
        url = running_url(config.data_dir)
        if url is None:
            raise CannotStart(f"no server runs for {config.project.root}: start one with `sprint-runner` there")
        self._address = urlsplit(url)
        self._headers = {"Content-Type": "application/json"}
        if config.loaded.settings.token is not None:
            self._headers["Authorization"] = f"Bearer {config.loaded.settings.token}"

    def get(self, path: str) -> Any:
        return self._ask("GET", path, None)

    def post(self, path: str, **fields: Any) -> Any:
        return self._ask("POST", path, json.dumps(fields).encode())

    def _ask(self, method: str, path: str, body: bytes | None) -> Any:
        """Return the response's JSON. Raises `Refused`, and `CannotStart` for a server that does not respond."""
        connection = HTTPConnection(self._address.hostname or "", self._address.port or 80, timeout=TIMEOUT_S)
        try:
            connection.request(method, path, body, self._headers)
            response = connection.getresponse()
            content = json.loads(response.read())
        except (OSError, HTTPException, ValueError) as error:
            address = self._address.geturl()
            raise CannotStart(f"the server at {address} does not respond: {error or type(error).__name__}") from None
        finally:
            connection.close()
        if response.status >= 400:
            refused = content["error"]
            raise Refused(refused["message"] + (CONFIRM if refused["code"] == "confirm" else ""))
        return content


def perform(options: argparse.Namespace, config: ServerConfig) -> int:
    """Run one of the verbs against the running server and return the exit code. Raises `CannotStart`."""
    try:
        response, text = ACTIONS[options.verb](RemoteServer(config), options)
    except Refused as refusal:
        sys.stderr.write(f"refused: {refusal}\n")
        return REFUSED
    sys.stdout.write((json.dumps(response, ensure_ascii=False) if options.json else text) + "\n")
    return 0


def _status(server: RemoteServer, _options: argparse.Namespace) -> tuple[Any, str]:
    run, sprint = server.get("/api/run"), server.get("/api/sprint")
    deliveries = server.get("/api/deliveries")["deliveries"]
    quota = server.get("/api/quota")
    shown = {**run, "deliveries": deliveries, "quota": {"windows": quota["windows"], "waits": quota["waits"]}}
    return shown, status_text(run, needs_of(run, sprint), deliveries, quota["windows"])


def _needs(server: RemoteServer, _options: argparse.Namespace) -> tuple[Any, str]:
    needs = needs_of(server.get("/api/run"), server.get("/api/sprint"))
    return needs, needs_text(needs)


def _answer(server: RemoteServer, options: argparse.Namespace) -> tuple[Any, str]:
    text = _text(options.text)
    if options.id.startswith("gate-"):
        return server.post(f"/api/gates/{options.id.removeprefix('gate-')}", decision=text), f"Decided: {text}"
    if options.id.startswith("delivery-"):
        number = options.id.removeprefix("delivery-")
        return server.post(f"/api/deliveries/{number}", decision=text), f"Decided: {text}"
    if not (options.id.isascii() and options.id.isdigit()):
        raise CannotStart(f"{options.id!r} is no id: `sprint-runner needs` lists the ids")
    return server.post("/api/run/answer", command_id=int(options.id), text=text), "Answered; the agent continues."


def _hint(server: RemoteServer, options: argparse.Namespace) -> tuple[Any, str]:
    path, text = f"/api/stories/{quote(options.key, safe='')}", _text(options.text)
    if options.retry:
        fields = {"hint": text, "confirm": True} if options.confirm else {"hint": text}
        retried = server.post(f"{path}/retry", **fields)
        return retried, f"{options.key} is {retried['status']} again, with the hint."
    stored = server.post(f"{path}/hint", text=text)
    return stored, stored["note"] or f"The next command of {options.key} gets the hint."


def _skip(server: RemoteServer, options: argparse.Namespace) -> tuple[Any, str]:
    answer = server.post(f"/api/stories/{quote(options.key, safe='')}/skip", reason=_text(options.text))
    return answer, f"{answer['note'] or f'{options.key} is skipped'}."


def _unskip(server: RemoteServer, options: argparse.Namespace) -> tuple[Any, str]:
    answer = server.post(f"/api/stories/{quote(options.key, safe='')}/unskip")
    return answer, f"{options.key} is back, at {answer['status']}."


def _take_over(server: RemoteServer, options: argparse.Namespace) -> tuple[Any, str]:
    view = server.post(f"/api/stories/{quote(options.key, safe='')}/take-over")
    until = time.monotonic() + TAKEN_S
    while view["state"] == "requested" and time.monotonic() < until:
        time.sleep(LOOK_S)
        views = server.get("/api/run")["takeovers"]
        view = next((taken for taken in views if taken["story_key"] == options.key), view)
    return view, "\n".join(filter(None, (view["message"], view.get("command_line"))))


def _hand_back(server: RemoteServer, options: argparse.Namespace) -> tuple[Any, str]:
    done = server.post(f"/api/stories/{quote(options.key, safe='')}/hand-back")
    files = done["files_changed"]
    change = "" if files is None else f" with {files} changed file{'' if files == 1 else 's'}"
    return done, f"{options.key} is handed back{change}; its code review is next."


def _revert(server: RemoteServer, options: argparse.Namespace) -> tuple[Any, str]:
    done = server.post(f"/api/stories/{quote(options.key, safe='')}/revert", status=options.status)
    text = f"{done['reverted'][:10]} is reverted by {done['commit'][:10]}; {options.key} is {done['status']}."
    return done, text


def _branch(server: RemoteServer, options: argparse.Namespace) -> tuple[Any, str]:
    made = server.post(f"/api/commands/{options.id}/branch", name=options.name)
    return made, f"The branch {made['branch']} has the files as they were before command {options.id}."


def _message(server: RemoteServer, options: argparse.Namespace) -> tuple[Any, str]:
    stored = server.post(f"/api/commands/{options.id}/message", text=_text(options.text))
    return stored, stored["note"] or "Sent to the agent."


def _start(server: RemoteServer, options: argparse.Namespace) -> tuple[Any, str]:
    given = {
        "batch_size": options.batch,
        "stories": options.story,
        "budget_usd": options.budget,
        "agent": options.agent,
        "start_at": options.at,
    }
    started = server.post("/api/run/start", **{name: value for name, value in given.items() if value is not None})
    return started, f"Batch {started['batch_id']} {f'begins to work at {options.at}' if options.at else 'has started'}."


def _verb(path: str, text: str) -> Callable[[RemoteServer, argparse.Namespace], tuple[Any, str]]:
    return lambda server, _options: (server.post(path), text)


def _stop(server: RemoteServer, options: argparse.Namespace) -> tuple[Any, str]:
    if options.now:
        return server.post("/api/run/stop", mode="now"), "The running command is ended, then the batch."
    return server.post("/api/run/stop", mode="graceful"), "The batch ends after the current command."


def _text(words: list[str]) -> str:
    """Return the text of the command line; a single `-` reads it from standard input."""
    return sys.stdin.read(STDIN_MAX) if words == ["-"] else " ".join(words)


ACTIONS: Final[Mapping[str, Callable[[RemoteServer, argparse.Namespace], tuple[Any, str]]]] = {
    "status": _status,
    "needs": _needs,
    "answer": _answer,
    "hint": _hint,
    "skip": _skip,
    "unskip": _unskip,
    "take-over": _take_over,
    "hand-back": _hand_back,
    "revert": _revert,
    "branch": _branch,
    "message": _message,
    "start": _start,
    "pause": _verb("/api/run/pause", "The batch pauses after the current command."),
    "resume": _verb("/api/run/resume", "The batch continues."),
    "stop": _stop,
}
