"""The specifications of the commands, one function for each, so that a run and a preview are made of the same.

What checks a result (`disprove`, `confirm`) comes from the caller that performs the command; a preview performs none.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, Final

from payloads import ContextCreate, ContextRefresh
from running.refusals import ANY_FILE
from running.spec import CommandSpec, ContextEvents, Say
from running.story import StoryRun
from workflow import (
    CODE_REVIEW_FORM,
    COMMIT_FORM,
    DEVELOPMENT_FORM,
    REVIEW_FORM,
    CodeReviewVerdict,
    Phase,
    decisions_form,
    read_code_review,
    read_commit,
    read_dev_story,
    read_review,
    read_tech_spec_decisions,
)

Disprove = Callable[[Any, Say], Coroutine[Any, Any, str | None]]
Confirm = Callable[[Any], Coroutine[Any, Any, object]]
CONTEXT_NAME: Final = "project-context.md"


def said_something(text: str) -> bool:
    """Whether the reply has any text: the verdict of commands whose evidence is exit code and final record alone."""
    return bool(text.strip())


def _ending(text: str) -> str:
    return text[-200:]


# -- the project's context -----------------------------------------------------------------------------------------


def create_context(name: str, disprove: Disprove | None = None) -> CommandSpec:
    """The command that writes the project's context file, which is called `name`."""
    events = ContextEvents(ContextCreate(status="running", message=f"writing {name}"), name)
    products = (CONTEXT_NAME,)
    return CommandSpec("create-project-context", (), read=_ending, disprove=disprove, context=events, products=products)


def refresh_context() -> CommandSpec:
    """The command that brings that file up to date, beside the run."""
    begun = ContextRefresh(status="running", message="refreshing the project context")
    events = ContextEvents(begun, CONTEXT_NAME)
    return CommandSpec("refresh-project-context", (), read=_ending, light=True, background=True, context=events)


# -- before the development ----------------------------------------------------------------------------------------


def planning(command: str, stories: tuple[StoryRun, ...], disprove: Disprove | None = None) -> CommandSpec:
    """A command that is called once for all stories of a cycle."""
    if command == "create-story":
        read, form = partial(read_tech_spec_decisions, count=len(stories)), decisions_form(len(stories))
        products = tuple(story.key for story in stories)
        return CommandSpec(command, stories, read=read, form=form, disprove=disprove, products=products)
    if command == "create-tech-spec":
        products = tuple(f"tech-spec-{story.key}" for story in stories)
        return CommandSpec(command, stories, read=said_something, disprove=disprove, products=products)
    return CommandSpec(command, stories, read=said_something)


def for_each(command: str, story: StoryRun) -> CommandSpec:
    """A command of a phase that goes story by story."""
    return CommandSpec(command, (story,), read=said_something, watched=True)


def plan_review(command: str, number: int, stories: tuple[StoryRun, ...]) -> CommandSpec:
    """A round of the review of stories or tech-specs; further rounds run beside the run, with the light model."""
    further = number > 1
    return CommandSpec(
        f"{command}-{number}", stories, read=read_review, form=REVIEW_FORM, light=further, background=further
    )


# -- development and its review ------------------------------------------------------------------------------------


def development(command: str, story: StoryRun, disprove: Disprove | None = None, findings: str = "none") -> CommandSpec:
    """The development of a story; with `findings` a round that fixes them."""
    return CommandSpec(
        command,
        (story,),
        read=read_dev_story,
        form=DEVELOPMENT_FORM,
        disprove=disprove,
        watched=True,
        findings=findings,
        # A round that fixes may have nothing to write.
        products=ANY_FILE if findings == "none" else (),
    )


def is_reviewed(phase: Phase, *, came_for_review: bool) -> bool:
    """Whether a developing phase reviews a story: one that came for it also where the preset reviews no own work."""
    return len(phase.commands) > 1 and (phase.max_reviews != 0 or came_for_review)


def review_limit(phase: Phase, setting: int) -> int:
    """Return how many rounds of code review a story gets."""
    # None and 0 alike: 0 gets here only with a story that came for its review.
    return phase.max_reviews or setting


def code_review(
    command: str, number: int, story: StoryRun, light_from: int, findings: str, comments: tuple[str, ...] = ()
) -> CommandSpec:
    """A round of the code review, which looks at each of the operator's comments; the light model does those from
    `light_from` on."""
    return CommandSpec(
        f"{command}-{number}",
        (story,),
        read=read_code_review,
        form=CODE_REVIEW_FORM,
        light=number >= light_from,
        watched=True,
        findings=findings,
        comments=comments,
    )


def review_findings(verdicts: Sequence[CodeReviewVerdict], unproved: str | None) -> str:
    """Return the summary of earlier rounds for the next reviewer."""
    if unproved is not None:
        return unproved
    if not verdicts or not verdicts[-1].findings:
        return "none"
    return "\n".join(f"- {finding}" for finding in verdicts[-1].findings)


# -- unattended builds, commits ------------------------------------------------------------------------------------


def build_round(command: str, number: int) -> str:
    """Return the name of a round of a build."""
    return command if number == 1 else f"{command}-{number}"


def build(
    command: str,
    story: StoryRun,
    values: Mapping[str, str],
    findings: str = "none",
    *,
    confirm: Confirm | None = None,
    disprove: Disprove | None = None,
) -> CommandSpec:
    """An unattended build of a story."""
    return CommandSpec(
        command,
        (story,),
        read=said_something,
        confirm=confirm,
        disprove=disprove,
        watched=True,
        findings=findings,
        values=values,
        products=ANY_FILE,
    )


def build_plan(
    command: str, story: StoryRun, values: Mapping[str, str], findings: str = "none", confirm: Confirm | None = None
) -> CommandSpec:
    """A build that halts after planning."""
    return CommandSpec(command, (story,), read=said_something, confirm=confirm, findings=findings, values=values)


def commit_message(stories: Sequence[StoryRun]) -> str:
    """Return the subject of the commit for these stories."""
    what = "story" if len(stories) == 1 else "stories"
    keys = ", ".join(story.key for story in stories)
    return f"feat({stories[0].epic}): implement {what} {keys}"


def agent_commit(
    command: str, stories: Sequence[StoryRun], disprove: Disprove | None = None, directives: str = ""
) -> CommandSpec:
    """A commit that an agent makes; `directives` are more words for its prompt."""
    values = {"commit_message": commit_message(stories), "directives": directives}
    return CommandSpec(
        command, tuple(stories), read=read_commit, form=COMMIT_FORM, disprove=disprove, values=values, once=True
    )
