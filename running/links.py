"""The links in messages that answer a question or decide at a gate: which there are, and what one of them does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from db import Database
from notify.notice import NoticeLink
from running.choices import choices_of
from running.gates import GateDecision, GateKind
from running.questions import DECIDE
from security.grants import digest_of
from security.links import LINK_S, LinkClaim, LinkExpired, WrongSignature, claim_of, signed
from store.gates import GateRow, get_gate
from store.grants import is_link_used
from store.questions import QuestionRow, get_question

DECISIONS: Final = {GateDecision.GO: "Approve", GateDecision.SKIP: "Skip it", GateDecision.STOP: "Stop the run"}
AGENT_DECIDES: Final = "decide"  # the answer of a link that leaves the decision to the agent

USED: Final = "This link was used before: each works once."
EXPIRED: Final = (
    "This link is over: it worked for a day. Answer in the page, where the question is shown if it is open."
)
WRONG: Final = "This is no link of this server: it is damaged, or another server made it."
ANSWERED: Final = "This was answered already, in the page or by another link."
CHANGED: Final = "What this gate shows has changed since the message was sent: look at it in the page."
ASKED_ANEW: Final = "The agent has asked something else since: answer that in the page."


class LinkRefused(Exception):
    """A link that does nothing any more: an HTTP status, and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True, slots=True)
class OpenLink:
    """A link that works: what it is about, the words of its button, what it does, and its digest."""

    about: str
    label: str
    claim: LinkClaim
    digest: str

    @property
    def text(self) -> str:
        """The answer as the agent gets it."""
        return DECIDE if self.claim.answer == AGENT_DECIDES else self.claim.answer


class Links:
    """The links of one server, at the address that phones use; without one there are none.

    `clean` masks secrets and control codes: rows have what an agent asks as it was asked.
    """

    def __init__(
        self,
        database: Database,
        key: bytes,
        public_url: str | None,
        clock: Callable[[], float],
        clean: Callable[[str], str] = str,
    ) -> None:
        self._clean = clean
        self._database = database
        self._key = key
        self._base = None if public_url is None else public_url.rstrip("/")
        self._clock = clock

    async def for_event(self, type: str, payload: Mapping[str, Any]) -> list[NoticeLink]:
        """Return the links of the message about an event, none where it asks nothing that is still open."""
        if self._base is None or type != "attention":
            return []
        made = await self._claims(payload)
        links = [NoticeLink(label, f"{self._base}/link/{signed(self._key, claim)}") for label, claim in made]
        return [*links, NoticeLink("Open the page", f"{self._base}/#run")] if links else []

    async def open(self, text: str) -> OpenLink:
        """Return what a link does now, and change nothing. Raises `LinkRefused`."""
        try:
            claim = claim_of(self._key, text, self._clock())
        except WrongSignature:
            raise LinkRefused(403, WRONG) from None
        except LinkExpired:
            raise LinkRefused(410, EXPIRED) from None
        digest = digest_of(text)
        if await self._database.read(is_link_used, digest):
            raise LinkRefused(410, USED)
        about, label = await (self._gate(claim) if claim.kind == "gate" else self._question(claim))
        return OpenLink(about, label, claim, digest)

    async def why_refused(self, link: OpenLink) -> LinkRefused:
        """Return why a link that was open did nothing: someone was faster."""
        used = await self._database.read(is_link_used, link.digest)
        return LinkRefused(410, USED if used else ANSWERED)

    # -- the two kinds -----------------------------------------------------------------------------------------

    async def _claims(self, payload: Mapping[str, Any]) -> list[tuple[str, LinkClaim]]:
        until = int(self._clock()) + LINK_S
        if payload.get("kind") == "question" and "command_id" in payload:
            asked = await self._database.read(get_question, payload["command_id"])
            if asked is None or asked.answer is not None:
                return []
            answers = [
                *((f"Answer “{each}”", each) for each in choices_of(self._clean(asked.question))),
                *LEFT_TO_AGENT,
            ]
            mark = _mark_of(asked)
            return [(label, LinkClaim("question", asked.command_id, mark, text, until)) for label, text in answers]
        if payload.get("kind") == "gate" and "gate_id" in payload:
            row = await self._database.read(get_gate, payload["gate_id"])
            if row is None or row.decision is not None:
                return []
            offered = [each for each in DECISIONS if each in payload.get("decisions", ())]
            return [(_label(row, each), LinkClaim("gate", row.id, row.content, each, until)) for each in offered]
        return []

    async def _question(self, claim: LinkClaim) -> tuple[str, str]:
        asked = await self._database.read(get_question, claim.id)
        if asked is None or _mark_of(asked) != claim.mark:
            raise LinkRefused(410, ASKED_ANEW)
        if asked.answer is not None:
            raise LinkRefused(410, ANSWERED)
        label = LEFT_TO_AGENT[0][0] if claim.answer == AGENT_DECIDES else f"Answer “{claim.answer}”"
        return self._clean(asked.question), label

    async def _gate(self, claim: LinkClaim) -> tuple[str, str]:
        row = await self._database.read(get_gate, claim.id)
        if row is None or row.decision is not None:
            raise LinkRefused(410, ANSWERED)
        if row.content != claim.mark:
            raise LinkRefused(410, CHANGED)
        return self._clean(row.message), _label(row, GateDecision(claim.answer))


LEFT_TO_AGENT: Final = (("Let the agent decide", AGENT_DECIDES),)


def _mark_of(asked: QuestionRow) -> str:
    return str(asked.asked_at)


def _label(row: GateRow, decision: GateDecision) -> str:
    closes = decision is GateDecision.GO and row.kind == GateKind.EPIC
    return f"Close epic {row.subject}" if closes else DECISIONS[decision]
