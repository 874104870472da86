"""The checks before the start of a batch; each error message has the problem and the remedy."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Collection, Iterable, Sequence
from typing import Final

import agents
import sprint
from git.snapshots import Git
from git.worktrees import Repository
from running.candidates import candidates, order_of
from running.epic_branch import plan_here
from running.selection import Selection
from running.uncommitted import changed_by_others
from running.untracked import shared_files
from running.verify import missing_program
from running.workspace import Workspace
from settings import Settings, names_of
from workflow import runnable

GIT_NEEDED: Final = (2, 38)  # merges commits without a work tree
NEARLY_USED: Final = 0.8  # share of a usage window at which it is reported before a batch
SHOWN_PATHS: Final = 5  # of changed files, or of stories, that are named


class BadRequest(ValueError):
    """A start with an invalid option; `field` is the key of the request."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class NotNow(RuntimeError):
    """A request that is valid, but not in this state; `code` is for programs, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


async def check_trust(workspace: Workspace) -> None:
    """The operator has trusted the folder, and everything that its settings say. Raises `NotNow`."""
    refusal = await asyncio.to_thread(workspace.trust_refusal)
    if refusal is not None:
        raise NotNow("trust", refusal)


async def check_stories(workspace: Workspace, only: Iterable[str] | None, selection: Selection) -> list[str]:
    """The tracker can be read and has something to run; the keys that may run. Raises `BadRequest`, `NotNow`."""
    tracker = await plan_here(workspace)
    name = workspace.relative(workspace.project.tracker)
    if tracker.kind is sprint.PlanKind.NONE:
        raise NotNow("no_plan", "there is no plan yet: make one of the epics, on the Board or by the verb init")
    if not tracker.stories:
        raise NotNow("tracker", f"{name} holds no stories{_problems(tracker)}")
    if not tracker.writable and not tracker.store:
        raise NotNow("tracker", f"{name} cannot be written safely{_problems(tracker)}")
    known = {story.key for story in tracker.stories}
    for key in only or ():
        if key not in known:
            raise BadRequest("stories", f"{name} has no story {key!r}")
        if why := why_held(tracker, key, selection.skipped):
            raise BadRequest("stories", f"{key} cannot start now: {why}")
    keys = selection.allowed(None if only is None else list(only))
    order = order_of(workspace.settings().story_order, tracker)
    return [story.key for story in runnable(candidates(tracker, selection.skipped), order=order, only=keys)]


def why_held(tracker: sprint.Sprint, key: str, skipped: Collection[str] = ()) -> str:
    """Return why a run must not start a story, in a sentence; "" if it may."""
    story = tracker.story(key)
    if story is None or not story.runnable:
        return ""
    if key in skipped:
        return "it is skipped; bring it back first"
    if story.conditions.hold:
        return story.conditions.hold
    waiting = ", ".join(story.conditions.waiting_for)
    return f"it waits for {waiting}" if waiting else ""


async def why_nothing_runs(workspace: Workspace, only: Iterable[str] | None, selection: Selection) -> NotNow:
    """Return the refusal of a start for which no story can run: which are in the way, unless all are at their end."""
    tracker = await plan_here(workspace)
    ended, named = {"done", "blocked", "parked"}, None if only is None else set(only)
    asked = [story for story in tracker.stories if named is None or story.key in named]
    open_stories = [story for story in asked if story.status.value not in ended]
    held = {story.key: why for story in open_stories if (why := why_held(tracker, story.key, selection.skipped))}
    leftovers = [story.key for story in open_stories if story.key in tracker.leftovers and story.key not in held]
    odd = [f"{story.key} ({story.raw_status})" for story in open_stories if story.key not in {*held, *leftovers}]
    unknown = [extra.key for extra in tracker.extras] if named is None else []
    parts = (
        ("these wait", [f"{key} ({why.rstrip('.')})" for key, why in held.items()]),
        ("these are left in an epic that is done and run only when named", leftovers),
        ("the status or key of these cannot be worked with", odd),
        ("these keys are not understood", unknown),
    )
    sentence = "; ".join(f"{what}: {_shown(keys)}" for what, keys in parts if keys)
    if sentence:
        return NotNow("cannot_run", f"no story can run; {sentence}")
    whose = "all" if named is None else "all that were named"
    return NotNow("nothing_to_run", f"no story can run: {whose} are done, blocked or out of scope")


def _shown(names: list[str]) -> str:
    return ", ".join(names[:SHOWN_PATHS]) + (", …" if len(names) > SHOWN_PATHS else "")


def _problems(tracker: sprint.Sprint) -> str:
    sentence = "; ".join(problem.message for problem in tracker.problems[:3])
    return f": {sentence}" if sentence else ""


async def check_agents(workspace: Workspace, orders: Iterable[Sequence[str]]) -> list[str]:
    """Check that every agent of the batch exists, and that one of each list can be started.

    Return the problems of the others. Raises `BadRequest`, `NotNow`.
    """
    problems: dict[str, str] = {}
    lists = [tuple(order) for order in orders]
    for name in dict.fromkeys(name for order in lists for name in order):
        if name not in workspace.agents:
            raise BadRequest("agent", f"there is no agent {name!r}; known are {', '.join(sorted(workspace.agents))}")
        found = await agents.preflight(workspace.agents[name])
        if found.problem is not None:
            # The agent's own output may contain a key.
            problems[name] = workspace.masker.text(found.problem)
    for order in lists:
        if all(name in problems for name in order):
            raise NotNow("agent", problems[order[0]])
    return list(problems.values())


async def used_windows(workspace: Workspace, names: Iterable[str]) -> list[str]:
    """What is known, before anything is paid, of usage windows that are used up or nearly so."""
    sentence = []
    for name in dict.fromkeys(names):
        for seen in await agents.quota(workspace.agents[name]):
            used = seen.used_fraction or 0.0
            if used < NEARLY_USED:
                continue
            window = f"usage window of {seen.window}" if seen.window else "usage window"
            until = "" if seen.resets_at is None else f" until {_clock(seen.resets_at)}"
            sentence.append(f"{name}: {used:.0%} of its {window} is used{until}")
    return sentence


def _clock(at: float) -> str:
    """Local date and time of a moment in seconds."""
    return time.strftime("%d %b %H:%M", time.localtime(at))


def unpriced_agents(workspace: Workspace, names: Iterable[str], budget: float | None) -> list[str]:
    """Why the budgets cannot stop some of these agents; [] where they can, or where there is none.

    Raises `NotNow` where the settings want such a batch refused.
    """
    settings = workspace.settings()
    if budget is None and settings.budget_batch_usd is None and settings.budget_day_usd is None:
        return []
    if settings.budget_batch_tokens is not None or settings.budget_day_tokens is not None:
        return []  # which stops a model without a price, too
    sentence = []
    for name in dict.fromkeys(names):
        spec = workspace.agents[name]
        found = (agents.budget_problem(spec, model) for model in _models(settings, name))
        sentence += [problem for problem in dict.fromkeys(found) if problem is not None]
    if sentence and settings.budget_needs_prices:
        raise NotNow("price", " ".join(sentence))
    return sentence


def _models(settings: Settings, agent: str) -> list[str | None]:
    """The models that commands of this agent may run with; None is the agent's own."""
    config = settings.agents.get(agent)
    own = [] if config is None else [config.light_model, config.review_model]
    for command in settings.commands.values():
        if agent == names_of(command.agent or settings.agent)[0]:
            own += [command.model, command.light_model]
    return [None, *dict.fromkeys(model for model in own if model is not None)]


async def check_folder(workspace: Workspace) -> None:
    """Check that the project is writable and that records can be stored. Raises `NotNow`."""
    files = workspace.data_files
    if files is not None and not await files.restore():
        raise NotNow("folder", f"nothing can be recorded: {files.failure}")
    tracker = workspace.project.tracker
    # The tracker is replaced by a rename, which needs the right to write its folder.
    place = tracker if tracker.is_dir() else tracker.parent
    # A plan that is still to be made may lie in a folder that does not exist yet.
    if workspace.project.kind is sprint.PlanKind.NONE:
        place = next(folder for folder in tracker.parents if folder.is_dir())
    for folder in (workspace.project.root, workspace.data_dir, place):
        if not await asyncio.to_thread(os.access, folder, os.W_OK):
            raise NotNow("folder", f"{folder} is not writable: the agents could not work in it")


async def check_verify(workspace: Workspace) -> None:
    """The program of the project's check is there. Raises `NotNow`."""
    command = workspace.settings().verify
    why = None if command is None else await asyncio.to_thread(missing_program, command, workspace.project.root)
    if why is not None:
        raise NotNow("verify", why)


async def check_parallel(workspace: Workspace) -> None:
    """Where cycles are to run side by side, git can make worktrees and merge what comes of them. Raises `NotNow`."""
    settings = workspace.settings()
    if not settings.in_lanes:
        return
    why = "the project is not a git repository" if workspace.git is None else await _unfit(workspace, workspace.git)
    if why is not None:
        alone = "parallel: 1" if settings.parallel_here else "parallel_here: 1"
        raise NotNow("parallel", f"stories cannot run side by side: {why}, or set {alone}")
    if settings.lanes_elsewhere and workspace.machines is None:
        raise NotNow("workers", _without_fleet(settings))


def _without_fleet(settings: Settings) -> str:
    wanted = f"{settings.lanes_elsewhere} of {settings.parallel} lanes are for workers (parallel_here:"
    return f"{wanted} {settings.parallel_here}), and this server is in no fleet: set fleet, or raise parallel_here"


async def _unfit(workspace: Workspace, git: Git) -> str | None:
    """Return why the repository cannot have worktrees, and what to do."""
    repository = Repository.of(git)
    if await repository.version() < GIT_NEEDED:
        return f"git {'.'.join(map(str, GIT_NEEDED))} or newer is needed: install it"
    if await repository.commit("HEAD") is None:
        return "the repository has no commit yet: make the first one"
    if await repository.branch() is None:
        return "no branch is checked out (detached HEAD): check one out"
    if await repository.ask("var", "GIT_COMMITTER_IDENT") is None:
        return "git does not know who commits: set user.name and user.email"
    # Refs are paths: `sprint-runner` and `sprint-runner/…` cannot both exist.
    if await repository.tip("sprint-runner") is not None:
        return "a branch is called sprint-runner, below which the branches of worktrees are made: rename it"
    if await repository.has_submodules():
        return "the repository has submodules, which worktrees do not share: run stories one after the other"
    prefix = repository.prefix
    own = {f"{prefix}{name}" for name in shared_files(workspace.project)}
    changed = [path for path in await changed_by_others(repository) if path not in own]
    if changed:
        more = ", …" if len(changed) > SHOWN_PATHS else ""
        return (
            f"these files are changed and not committed: {', '.join(changed[:SHOWN_PATHS])}{more}: commit or stash them"
        )
    return None
