"""One call over the Agent Client Protocol, from `initialize` to the answer to its prompt.

initialize → (authenticate) → session/new, or resume, or load → mode, model → session/prompt → its answer. What stops it
before the prompt is one sentence in the recording. The program's requests are answered meanwhile: permissions and
questions by the settings or by the operator, files and terminals inside the work tree.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, NoReturn

import msgspec

from agents import faults, json_values, messages
from agents.acp import forms, permissions
from agents.acp.connection import Connection, Refused, Unanswered
from agents.acp.files import WorkTree
from agents.acp.handshake import Impossible, initialize, login_by_key, logins, needs_login, resuming
from agents.acp.options import MODE, MODEL, MODES, choice_of, mode_for, model_for
from agents.acp.permissions import Decision
from agents.acp.protocol import (
    AUTHENTICATE,
    CANCEL,
    ELICIT,
    INITIALIZE,
    META,
    NEW,
    PERMISSION,
    PROMPT,
    UPDATE,
    VERSIONS,
    Asked,
    Ended,
    Message,
)
from agents.acp.terminals import Terminals
from agents.dialogue import Channel
from agents.json_values import Json
from agents.spec import AgentSpec, Call, OutcomeKind

HANDSHAKE_S: Final = 180.0  # for each answer before the prompt; a cold start through npx takes a minute
_BEFORE_WORK: Final = (OutcomeKind.AUTH, OutcomeKind.TRANSIENT, OutcomeKind.USAGE_LIMIT)


class AcpDialogue:
    """The live side of one call. `env` is the agent's environment, for what runs in its terminals."""

    def __init__(self, spec: AgentSpec, call: Call, env: Mapping[str, str]) -> None:
        self._spec, self._call = spec, call
        self._tree = WorkTree(call.cwd)
        self._terminals = Terminals(self._tree, env)
        self._changes = spec.permission_mode != "plan"  # whether files and terminals may change anything
        self._version = spec.protocol_version
        self._session = ""
        self._prompting = self._cancelled = False
        self._idle = asyncio.Event()  # of version 2: the turn has ended
        self._asking = asyncio.Lock()  # one question at a time
        self._question: asyncio.Future[str | None] | None = None
        self._messages: deque[tuple[int, str]] = deque()  # of the operator, for after the turn
        self._over = False

    def begin(self, channel: Channel) -> None:
        self._channel = channel
        self._connection = Connection(channel, self._handlers(), self._notified)
        self._task = asyncio.create_task(self._run(), name=f"acp {self._call.mark}")

    def receive(self, line: bytes) -> None:
        self._connection.receive(line)

    def answer(self, text: str) -> bool:
        question = self._question
        if question is None or question.done():
            return False
        question.set_result(text)
        return True

    def say(self, message_id: int, text: str) -> bool:
        """The protocol has one prompt at a time: the message is the next one, in the same session."""
        if self._over or self._cancelled:
            return False
        self._messages.append((message_id, text))
        return True

    async def cancel(self, grace_s: float) -> bool:
        """Before the prompt there is nothing to cancel."""
        if not self._prompting or self._task.done():
            return False
        self._cancelled = True
        if self._question is not None and not self._question.done():
            self._question.set_result(None)
        self._connection.notify(CANCEL, {"sessionId": self._session})
        await asyncio.wait((self._task,), timeout=grace_s)
        return self._task.done()

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._connection.close()
        await self._terminals.close()

    async def _run(self) -> None:
        try:
            await self._converse()
        except Unanswered as unanswered:
            self._channel.give_up(str(unanswered))
        except Impossible as impossible:
            self._channel.keep(msgspec.json.encode(Ended(impossible.kind.value, str(impossible))))
        finally:
            self._channel.close()

    # -- the order of a call

    async def _converse(self) -> None:
        offered = await self._initialize()
        session = await self._open(offered)
        await self._set_mode(session)
        await self._set_model(session)
        self._prompting = True
        with suppress(Refused):  # its words are read from the recording
            await self._prompt(self._call.prompt)
            while self._messages and not self._cancelled:
                message_id, text = self._messages.popleft()
                await self._prompt(messages.for_model(text), {META: message_id})
        self._over = True

    async def _prompt(self, text: str, meta: Json | None = None) -> None:
        """A turn of the session, to its end. Raises `Refused`."""
        self._idle.clear()
        params = {"sessionId": self._session, "prompt": [{"type": "text", "text": text}]}
        await self._connection.request(PROMPT, params if meta is None else params | {"_meta": meta}, None)
        if self._version > 1:
            await self._idle.wait()

    async def _initialize(self) -> Json:
        """What the program offers. Raises `Impossible` for a version that is not spoken."""
        offered = await self._request(INITIALIZE, initialize(self._version, self._capabilities()))
        version = offered.get("protocolVersion")
        if version not in VERSIONS or version > self._version:
            wanted = " or ".join(map(str, VERSIONS[: self._version]))
            reason = f"it speaks version {version!r} of the Agent Client Protocol, and not {wanted}"
            raise Impossible(OutcomeKind.COULD_NOT_START, reason)
        self._version = version
        return offered

    def _capabilities(self) -> Json:
        asked: Json = {"elicitation": {"form": {}}} if self._call.may_ask else {}
        if self._version > 1:
            return asked
        return {
            "fs": {"readTextFile": True, "writeTextFile": self._changes},
            "terminal": self._changes,
            **asked,
        }

    async def _open(self, offered: Json) -> Json:
        """A new session, or the one to go on with; logs in with a key where that is asked for."""
        if self._spec.auth_method is not None:
            await self._authenticate(self._spec.auth_method)
        try:
            return await self._session_of(offered)
        except Refused as refused:
            method = login_by_key(offered)
            if not needs_login(refused) or method is None or self._spec.auth_method is not None:
                self._impossible(refused, offered)
        await self._authenticate(method)
        try:
            return await self._session_of(offered)
        except Refused as refused:
            self._impossible(refused, offered)

    async def _authenticate(self, method: str) -> None:
        await self._request(AUTHENTICATE[self._version], {"methodId": method})

    async def _session_of(self, offered: Json) -> Json:
        folder = {"cwd": str(self._tree.root), "mcpServers": []}
        known = self._call.resume
        if known is None:
            session = await self._connection.request(NEW, folder, HANDSHAKE_S)
            self._session = json_values.as_text(session.get("sessionId")) or ""
            return session
        self._session, why = known, "it does not offer that"
        for method in resuming(offered, self._version):
            try:
                return await self._connection.request(method, {"sessionId": known, **folder}, HANDSHAKE_S)
            except Refused as refused:
                if needs_login(refused):
                    raise
                why = str(refused)
        raise Impossible(OutcomeKind.FAILED, f"The session {known} could not be resumed: {why}")

    async def _set_mode(self, session: Json) -> None:
        """Where the program has no mode for a word of ours, the permissions it requests are still decided by it."""
        word = self._spec.permission_mode
        if word is None:
            return
        choice = choice_of(session, MODE)
        mode = mode_for(word, choice)
        if choice is None or mode is None:
            if word not in MODES:
                offered = "it offers none" if choice is None else f"it offers {choice.offered()}"
                raise Impossible(OutcomeKind.COULD_NOT_START, f"there is no mode {word!r}: {offered}")
            return
        if mode != choice.current:
            try:
                await self._connection.request(choice.method, choice.params(self._session, mode), HANDSHAKE_S)
            except Refused as refused:
                if word not in MODES:
                    self._impossible(refused, {})

    async def _set_model(self, session: Json) -> None:
        model = self._call.model or self._spec.model
        if model is None:
            return
        choice = choice_of(session, MODEL)
        if choice is None:
            reason = "it does not let one choose a model: leave `model` out, or name it in the agent's command"
            raise Impossible(OutcomeKind.COULD_NOT_START, reason)
        found = model_for(model, choice)
        if found is None:
            raise Impossible(OutcomeKind.COULD_NOT_START, f"unknown model {model!r}: it offers {choice.offered()}")
        if found != choice.current:
            await self._request(choice.method, choice.params(self._session, found))

    async def _request(self, method: str, params: Any) -> Json:
        try:
            return await self._connection.request(method, params, HANDSHAKE_S)
        except Refused as refused:
            self._impossible(refused, {})

    def _impossible(self, refused: Refused, offered: Json) -> NoReturn:
        words = str(refused)
        if needs_login(refused):
            raise Impossible(OutcomeKind.AUTH, f"{words.rstrip('.')}. {logins(offered)}".rstrip(". ")) from None
        kind = faults.kind_of(words)
        raise Impossible(kind if kind in _BEFORE_WORK else OutcomeKind.COULD_NOT_START, words) from None

    # -- what the program asks for

    def _handlers(self) -> dict[str, Any]:
        handlers: dict[str, Any] = {PERMISSION: self._permission}
        if self._call.may_ask:
            handlers[ELICIT] = self._form
        if self._version > 1:
            return handlers
        handlers["fs/read_text_file"] = self._read_file
        if self._changes:
            terminals = self._terminals
            handlers |= {
                "fs/write_text_file": self._write_file,
                "terminal/create": terminals.create,
                "terminal/output": terminals.output,
                "terminal/wait_for_exit": terminals.wait,
                "terminal/kill": terminals.kill,
                "terminal/release": terminals.release,
            }
        return handlers

    async def _read_file(self, params: Json) -> Json:
        return await asyncio.to_thread(self._tree.read, params)

    async def _write_file(self, params: Json) -> Json:
        return await asyncio.to_thread(self._tree.write, params)

    async def _permission(self, params: Json) -> Json:
        decision = permissions.decide(self._spec.permission_mode, params, self._tree.root)
        if decision is not Decision.ASK:
            return permissions.selected(params, decision is Decision.ALLOW)
        answer = await self._ask(permissions.question_of(params, str(self._tree.root)))
        if self._cancelled:
            return {"outcome": {"outcome": "cancelled"}}
        return permissions.selected(params, False) if answer is None else permissions.answered(params, answer)

    async def _form(self, params: Json) -> Json:
        answer = await self._ask(forms.question_of(params))
        return forms.CANCELLED if answer is None else forms.answer_of(params, answer)

    async def _ask(self, question: str) -> str | None:
        """The operator's answer; None where no question may be asked, or the work is cancelled."""
        if not self._call.may_ask:
            return None
        async with self._asking:
            if self._cancelled:
                return None
            self._question = asyncio.get_running_loop().create_future()
            self._channel.hold(True)
            try:
                self._channel.keep(msgspec.json.encode(Asked(question)))
                return await self._question
            finally:
                self._channel.hold(False)
                self._question = None

    def _notified(self, message: Message) -> None:
        update = json_values.as_object(message.params.get("update"))
        is_state = message.method == UPDATE and update.get("sessionUpdate") == "state_update"
        if is_state and self._prompting and update.get("state") == "idle" and update.get("stopReason"):
            self._idle.set()
