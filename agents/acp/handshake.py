"""What is said before the prompt, and what a program's answers to it mean: versions, capabilities, logins. No I/O."""

from __future__ import annotations

from typing import Final

from agents import faults, json_values
from agents.acp.connection import Refused
from agents.acp.protocol import AUTH_REQUIRED, CLIENT_NAME, LOAD, RESUME
from agents.json_values import Json
from agents.spec import OutcomeKind

_KEYS: Final = ("api-key", "apikey", "api_key", "openai", "env")  # in the ids of logins that need no browser


class Impossible(Exception):
    """The prompt cannot be given: the kind of outcome, and why."""

    def __init__(self, kind: OutcomeKind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


def initialize(version: int, capabilities: Json) -> Json:
    """The parameters of the first request."""
    info = {"name": CLIENT_NAME, "title": "Sprint Runner", "version": "1"}
    if version > 1:
        return {"protocolVersion": version, "capabilities": capabilities, "info": info}
    return {"protocolVersion": version, "clientCapabilities": capabilities, "clientInfo": info}


def resuming(offered: Json, version: int) -> list[str]:
    """The methods that go on with a session, first the one without its history: some programs only announce that."""
    if version > 1:
        return [RESUME]
    capabilities = json_values.as_object(offered.get("agentCapabilities"))
    resumes = json_values.as_object(capabilities.get("sessionCapabilities")).get("resume") is not None
    return [RESUME] * resumes + [LOAD] * (capabilities.get("loadSession") is True)


def needs_login(refused: Refused) -> bool:
    return refused.code == AUTH_REQUIRED or faults.kind_of(str(refused)) is OutcomeKind.AUTH


def login_by_key(offered: Json) -> str | None:
    """The login with a key from the environment; never one that would open a browser on a server."""
    for method in json_values.as_objects(offered.get("authMethods")):
        id_ = json_values.as_text(method.get("id")) or json_values.as_text(method.get("methodId")) or ""
        meta = json_values.as_object(method.get("_meta"))
        if any(word in id_.casefold() for word in _KEYS) or "api-key" in meta or method.get("type") == "env_var":
            return id_
    return None


def logins(offered: Json) -> str:
    """The ways to log in that a program names, for the operator."""
    named = [
        str(method.get("description") or method.get("name"))
        for method in json_values.as_objects(offered.get("authMethods"))
    ]
    return f"It offers: {'; '.join(named)}" if named else ""
