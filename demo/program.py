"""The scripted agent: it reads its prompt, performs the command in it, and ends like Claude Code.

The work is real: files are written, tests are run, commits are made, all in the current folder. The same prompt on
the same tree gives the same result, also after a kill half way. `sprint-status.yaml` is never touched.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from demo import building, coding, identity, mishaps, planning, reviewing, session
from demo.files import write_atomically
from demo.inbox import Inbox, operator_words
from demo.options import HELP, Options, UsageError, parse
from demo.prompt import Prompt
from demo.prompt import parse as parse_prompt
from demo.rules import VERSIONS
from demo.scene import Scene
from demo.script import AS_USUAL, ScriptError, Turn, next_turn
from demo.session import DemoSession
from demo.stage import TAKEN, Ended, Stage
from demo.stream import VERSION, Stream
from demo.tokens import Tokens, resolve

ROLES: dict[str, Callable[[Scene], str]] = {
    "create-project-context": planning.project_context,
    "refresh-project-context": planning.project_context,
    "sprint-planning": planning.sprint_planning,
    "create-story": planning.create_story,
    "story-discovery": planning.discovery,
    "story-review": reviewing.document_review,
    "create-tech-spec": planning.tech_spec,
    "tech-spec-review": reviewing.document_review,
    "dev-story": coding.dev_story,
    "code-review": reviewing.code_review,
    "build-auto": building.build_auto,
    "build-plan": building.build_auto,
    "commit": coding.commit,
}
WITHOUT_STORIES = frozenset({"create-project-context", "refresh-project-context", "sprint-planning"})
MARKER = re.compile(r"^.*(\[[A-Z]+(?:-[A-Z]+)+(?::[^\]]*)?\]|HIGHEST SEVERITY:|^Issues: ).*$", re.MULTILINE)
NO_PROMPT = "Error: Input must be provided either through stdin or as a prompt argument when using --print"


def run(argv: Sequence[str]) -> int:
    """Run the agent and return the exit code. An invalid call prints its message to standard error."""
    try:
        options = parse(argv)
        if options.version:
            os.write(1, f"{VERSION} (Demo Agent)\n".encode())
            return 0
        if options.help:
            os.write(1, HELP.encode())
            return 0
        return _run(options, Inbox() if options.messages else None)
    except (UsageError, ScriptError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except Ended as ended:
        return ended.code
    except BrokenPipeError:
        return 1


def _run(options: Options, inbox: Inbox | None) -> int:
    prompt_message: dict[str, Any] = {}
    if inbox is None:
        given = _given(options)
    else:
        given, prompt_message = inbox.prompt()
    opened = _open(options, given)
    if opened is None:
        return _unknown_session(options)
    stream = Stream(
        opened.id,
        opened.model,
        str(Path.cwd()),
        options.permission_mode,
        options.partial,
        earlier=opened.used,
    )
    before = opened.used
    stage = Stage(stream, Path.cwd(), options.speed, lambda used: _keep(opened, before + used))
    stage.max_turns = options.max_turns
    stage.inbox = inbox
    stage.listen()
    prompt = parse_prompt(opened.prompt)
    turn = _turn(options, prompt)
    opened.save()
    mishaps.before_start(stage, turn)
    stream.init()
    if prompt_message:
        stream.taken(prompt_message)
    stage.hears(given)
    if options.resume is not None and (words := operator_words(given)) != given:
        stage.say(TAKEN.format(words))
    mishaps.before_work(stage, turn)
    text = _perform(Scene(stage, prompt, turn, VERSIONS[options.bmad]), resumed=options.resume is not None)
    if "sets-status" in turn:
        _set_status(stage, prompt, turn)
    stage.say(MARKER.sub("", text).strip() if "no-marker" in turn else text)
    mishaps.after_work(stage, turn)
    stream.success(stream.last_text)
    mishaps.after_result(stage, turn)
    stage.await_messages(stream.last_text)
    return 0


def _turn(options: Options, prompt: Prompt) -> Turn:
    """As scripted; where the script says nothing of this call, as chance wants it."""
    turn = next_turn(options.script, prompt)
    if turn is not AS_USUAL or options.chaos is None:
        return turn
    from demo import chaos  # only here: most calls need no chance, and its module takes a while to load

    chosen = chaos.parse(options.chaos)
    return chosen.turn(prompt, chosen.counts(session.folder()))


def _given(options: Options) -> str:
    """The prompt: the argument, standard input, or both."""
    piped = "" if sys.stdin.isatty() else sys.stdin.buffer.read().decode(errors="replace")
    whole = "\n".join(part for part in (options.argument, piped) if part.strip())
    if not whole:
        raise UsageError(NO_PROMPT)
    return whole


def _open(options: Options, given: str) -> DemoSession | None:
    """A new session, or the one to resume; None where that is unknown."""
    if options.resume is not None:
        found = session.find(options.resume)
        if found is not None and parse_prompt(given).command:
            found.prompt = given
        return found
    if options.session_id is not None and not identity.is_one(options.session_id):
        raise UsageError("Error: Invalid session ID. Must be a valid UUID.")
    if options.session_id is not None and session.exists(options.session_id):
        raise UsageError(f"Error: Session ID {options.session_id} is already in use.")
    return session.new(resolve(options.model), given, options.session_id)


def _unknown_session(options: Options) -> int:
    error = f"No conversation found with session ID: {options.resume}"
    sys.stderr.write(f"{error}\n")
    stream = Stream(str(options.resume), resolve(options.model), str(Path.cwd()))
    stream.unknown_session(error)
    return 1


def _keep(opened: DemoSession, used: Tokens) -> None:
    opened.used = used
    opened.save()


def _perform(scene: Scene, *, resumed: bool) -> str:
    """Plays the role; returns its last words, which have the marker."""
    role = ROLES.get(scene.prompt.base)
    if role is None or (not scene.prompt.stories and scene.prompt.base not in WITHOUT_STORIES):
        return "I can play the commands of a sprint; this prompt names none of them. Nothing was changed."
    if resumed:
        scene.say("I continue where I was interrupted.")
    return role(scene)


def _set_status(stage: Stage, prompt: Prompt, turn: Turn) -> None:
    """Moves the status of the first story itself, as some agents do: one line, the rest untouched."""
    path = stage.path(prompt["sprint status file"])
    key = re.escape(prompt.stories[0].key)
    before = path.read_bytes().decode()
    status = turn["sets-status"] or "review"
    after = re.sub(rf"(?m)^(\s+{key}:[ \t]*)[\w-]+", lambda found: found[1] + status, before, count=1)
    write_atomically(path, after)
