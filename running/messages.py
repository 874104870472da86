"""Sending a message of the operator to an agent that runs."""

from __future__ import annotations

from running.hints import keep_hint
from running.preflight import NotNow
from running.workspace import Workspace


async def send_message(workspace: Workspace, command_id: int, text: str) -> tuple[int, bool]:
    """Store a message and send it to the agent of a command; return its id, and whether it could still be sent.

    Raises `NotNow` where nothing can be sent, with what to do instead; then nothing is stored.
    """
    call = workspace.live_calls.get(command_id)
    if call is None:
        raise NotNow("ended", f"command {command_id} does not run: give its story a hint instead")
    if not call.story_key:
        raise NotNow(
            "no_story", f"command {command_id} works for no story: there is nothing that a message could be kept with"
        )
    if not call.takes_messages:
        raise NotNow(
            "no_messages",
            f"{call.agent} takes no message while it works: give {call.story_key} a hint, its next command gets it",
        )
    message_id = await keep_hint(workspace, call.story_key, text, sent_to=command_id)
    return message_id, call.say(message_id, text)
