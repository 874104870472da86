"""The questions of agents to the operator, and their answers.

A question ends the call: its row, `command:end` and the attention are one commit. The batch then waits at the gate,
also over a restart, until the operator answers, resumes without an answer, or the time set for it is over; in the
last two cases the agent is instructed to decide for itself. The first answer counts, and every one is kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Iterator
from typing import Final

from events import emit
from payloads import BatchWarning
from running.gate import Gate
from running.journal import Asked
from running.workspace import Workspace, until_stored
from store.commands import Command
from store.grants import LinkUsed, use_link
from store.job import NotWritten
from store.questions import NotAsked, answer_question, get_question

DECIDE: Final = (
    "No one answers. Decide for yourself: take the choice that fits the story best and is easiest to take back, write "
    "down what you decided and why, and continue."
)
SHOWN_CHARS: Final = 200  # of an answer, in the log


def reply_of(asked: Asked, answer: str) -> str:
    """Return the message that resumes the session."""
    return (
        f"You asked: {asked.question}\n\nThe answer:\n\n{answer}\n\n"
        "Continue where you were. What your first instructions say still holds, and so does the verdict that must end "
        "your reply. Ask nothing that you can find out or decide yourself.\n"
    )


def answers_before(answered: Iterable[Asked]) -> str:
    """Return questions and answers as a part of a prompt, for an agent without a session to resume."""
    lines = [f"- You asked: {asked.question}\n  The answer: {asked.answer}" for asked in answered]
    return "Earlier in this command:\n" + "\n".join(lines) if lines else ""


async def keep_answer(
    workspace: Workspace, command: Command, answer: str, text: str | None = None, link: str | None = None
) -> bool:
    """Store the answer and emit that the question is answered; False when it was answered before.

    `text` is what the log says instead of the answer itself; `link` identifies the link that is used up by it.
    """
    database = workspace.database
    shown = text or f"“{workspace.masker.text(answer)[:SHOWN_CHARS]}”"
    payload = BatchWarning(
        batch_id=command.batch_id,
        warning_type="answered",
        message=f"{command.story_key}, {command.command} was answered: {shown}",
        command_id=command.id,
        story_key=command.story_key,
    )

    def write() -> Iterator[Awaitable[object]]:
        yield database.write(answer_question, command.id, answer)
        if link is not None:
            yield database.write(use_link, link)
        yield emit(payload)

    try:
        await until_stored(lambda: database.in_one_commit(write))
    # Another page was faster. NotWritten: the event was rolled back together with the answer.
    except (NotAsked, LinkUsed, NotWritten):
        return False
    return True


async def answer_to(workspace: Workspace, gate: Gate, command: Command, asked: Asked) -> str:
    """Wait for the answer, or for the end of the wait. Raises `Stopped`."""
    while (answer := await _kept(workspace, asked)) is None:
        mine = gate.ask(asked.command_id, _until(workspace, asked))
        await gate.enter()
        # Read again: the gate opens also by Resume or by the end of the wait, and then there may be none.
        answer = await _kept(workspace, asked)
        if answer is None and mine:
            await keep_answer(workspace, command, DECIDE, "no answer came, so it decides for itself")
    return answer


async def _kept(workspace: Workspace, asked: Asked) -> str | None:
    row = await workspace.database.read(get_question, asked.command_id)
    return None if row is None else row.answer


def _until(workspace: Workspace, asked: Asked) -> float | None:
    """Return the end of the wait in seconds since the epoch; None: never."""
    minutes = workspace.settings().question_timeout_min
    return asked.at + minutes * 60 if minutes > 0 else None
