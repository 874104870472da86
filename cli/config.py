"""The configuration of a server from its command line: project, settings, agents, data folder."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import sprint
from agents import AgentSpec, Price
from base.files import atomic_write
from base.program import DATA_FOLDER, PROGRAM_DIR
from cli.errors import CannotStart
from cli.trust import Decide, how_to_trust, untrusted_or_refuse
from demo.fresh import SOURCE, DemoError, demo_folder, script_of
from running.own_prompts import guarded_prompts
from running.preset_choice import own_presets
from security.masking import Masker, secret_values
from security.trust import Unlistable
from security.trust_store import EVERYTHING, VARIABLE, FolderTrust, TrustStore, state_folder
from settings import (
    FILE_NAME,
    SECRET_VARIABLES,
    SETTINGS,
    AgentConfig,
    Loaded,
    PriceConfig,
    Settings,
    SettingsError,
    guarded_values,
    load,
    read_file,
    trust_all,
)
from sprint import Project, ProjectNotFound
from workflow import PresetError
from workflow.presets import KINDS


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """The configuration of a server, complete before the first socket is opened."""

    project: Project
    loaded: Loaded
    wanted: Settings  # those in use if every value of the folder were trusted
    reload: Callable[..., Loaded]
    trust: FolderTrust
    data_dir: Path
    open_browser: bool
    demo: str | None = None  # its kind


def resolve(
    options: argparse.Namespace, environment: Mapping[str, str] = os.environ, decide: Decide | None = None
) -> ServerConfig:
    """Find the project and read the settings; `decide` may trust them before they are used. Raises `CannotStart`."""
    environment = dict(environment)  # a copy for later reloads: `forget_secrets` changes the original
    try:
        demo = getattr(options, "demo", None)
        start = demo_folder(options.project, demo) if demo else (options.project or Path.cwd())
        project = _located(start, environment, options, decide)
        trust = _trust_of(project.root, environment, demo)
        reload = partial(
            load,
            project.root / FILE_NAME,
            environment,
            _flags(options),
            built_in_agents(environment, start),
            untrusted=partial(untrusted_or_refuse, trust),
        )
        wanted = reload(untrusted=trust_all)
        if decide is not None:
            decide(trust, wanted.guarded, wanted.settings)
        loaded = _in_force(reload, trust, wanted)
        settings = loaded.settings
        if settings.tracker is not None or settings.initiative is not None:
            # The project locates the settings, and these locate the plan: hence a second time.
            project = sprint.locate(start, settings.tracker, settings.initiative)
        _check_commands(project.root, loaded)
        _check_name(project.root)
    except (DemoError, ProjectNotFound, SettingsError, Unlistable) as error:
        raise CannotStart(str(error)) from None
    return ServerConfig(
        project=project,
        loaded=loaded,
        wanted=wanted.settings,
        reload=reload,
        trust=trust,
        data_dir=_data_dir(project, loaded),
        open_browser=getattr(options, "open", False),
        demo=demo,
    )


def _check_name(root: Path) -> None:
    """Refuse a folder whose name is no text: no event and no response could hold it. Raises `CannotStart`."""
    try:
        str(root).encode()
    except UnicodeEncodeError:
        shown = os.fsencode(root).decode("utf-8", "replace")
        raise CannotStart(f"{shown}: the name of the project's folder is not UTF-8 text: rename it") from None


def _in_force(reload: Callable[..., Loaded], trust: FolderTrust, wanted: Loaded) -> Loaded:
    """Return the settings in use; an error names the untrusted settings that may cause it. Raises `SettingsError`."""
    try:
        return reload()
    except SettingsError as error:
        names = sorted(trust.untrusted(wanted.guarded))
        if not names:
            raise
        left_out = f"{trust.folder} is not trusted yet, so these settings were left out: {', '.join(names)}"
        raise SettingsError(f"{error}. {left_out}. {how_to_trust(trust.folder)}") from None


def _trust_of(root: Path, environment: Mapping[str, str], demo: str | None) -> FolderTrust:
    """Return the trust in a project; a demo as this program creates it is trusted without a question."""
    grant = EVERYTHING if demo and _is_ours(root) else environment.get(VARIABLE, "")
    return FolderTrust(root, TrustStore(state_folder(environment)), grant, partial(guarded_prompts, root))


def _is_ours(root: Path) -> bool:
    """Whether a demo's folder has the settings that it was created with: a foreign folder may only look like a demo."""
    found, shipped = (guarded_values(read_file(folder / FILE_NAME), root) for folder in (root, SOURCE))
    return found == shipped


def _located(
    start: Path, environment: Mapping[str, str], options: argparse.Namespace, decide: Decide | None
) -> Project:
    """Return the project at `start`; a tracker with an unusual name is found by the setting, which is read then."""
    try:
        return sprint.locate(start)
    except ProjectNotFound:
        above = (start.absolute(), *start.absolute().parents)
        file = next((folder / FILE_NAME for folder in above if (folder / FILE_NAME).is_file()), start / FILE_NAME)
        trust = _trust_of(file.parent, environment, None)
        wanted = load(file, environment, _flags(options), built_in_agents(environment, start))
        if decide is not None:
            decide(trust, wanted.guarded, wanted.settings)
        tracker = wanted.settings.tracker
        # The verb `trust` starts nothing, and has to find the project to list its values.
        if options.verb != "trust" and "tracker" in trust.untrusted(wanted.guarded):
            tracker = None
        if tracker is not None:
            return sprint.locate(start, tracker)
        # The page and `run --plan` can make a plan; everything else needs one.
        makes_plan = options.verb == "serve" or getattr(options, "plan", False)
        unplanned = sprint.find_unplanned(start) if makes_plan else None
        if unplanned is None:
            raise
        return unplanned


def agent_specs(
    configs: Mapping[str, AgentConfig],
    prices: Mapping[str, PriceConfig] | None = None,
    root: Path | None = None,
) -> dict[str, AgentSpec]:
    """Return the agents of the settings by name; a relative path of a command is relative to the project's `root`."""
    known = {model: _price(config) for model, config in (prices or {}).items()}
    return {
        name: AgentSpec(
            name=name,
            kind=config.kind,
            command=_from(root, config.command),
            model=config.model,
            light_model=config.light_model,
            fallback_model=config.fallback_model,
            permission_mode=config.permission_mode,
            env=config.env,
            prices=known,
            patterns=config.patterns,
            report=config.report,
            version_flag=config.version_flag,
            protocol_version=config.protocol_version,
            auth_method=config.auth_method,
            folder=root,
        )
        for name, config in configs.items()
    }


def _from(root: Path | None, command: Sequence[str]) -> tuple[str, ...]:
    """Return a command with an absolute program: a lane's worktree does not have a script that is not committed."""
    program, *rest = command
    if root is not None and "/" in program and not Path(program).expanduser().is_absolute():
        program = str(root / program)
    return (program, *rest)


def _price(config: PriceConfig) -> Price:
    """Return a price; a cached token costs as much as any input token unless the settings have its own price."""
    read, write = (config.input if part is None else part for part in (config.cache_read, config.cache_write))
    return Price(config.input, config.output, read, write)


def masker_of(settings: Settings, environment: Mapping[str, str] = os.environ) -> Masker:
    """Return the masker of this server: it knows the secrets of server and agents by value, others by pattern."""
    environments = [environment, *(agent.env for agent in settings.agents.values())]
    own_secrets = [getattr(settings, setting.name) or "" for setting in SETTINGS if setting.secret]
    return Masker([*(value for variables in environments for value in secret_values(variables)), *own_secrets])


def forget_secrets() -> None:
    """Remove secret settings from the environment, so that no child process inherits them."""
    for name in SECRET_VARIABLES:
        os.environ.pop(name, None)


def make_data_dir(folder: Path) -> None:
    """Create the data folder with a `.gitignore` that excludes it from git. Raises `CannotStart`."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            # `*` ignores this file as well, so the folder never appears in `git status`.
            atomic_write(ignore, b"*\n")
    except OSError as error:
        raise CannotStart(f"{folder} cannot be written ({error.strerror}): name another one with --data-dir") from None


def _flags(options: argparse.Namespace) -> dict[str, Any]:
    given = vars(options)
    agent = given.get("agent") or ("demo" if given.get("demo") else None)
    return {"agent": agent, **{name: given.get(name) for name in ("host", "port", "data_dir")}}


def built_in_agents(environment: Mapping[str, str], start: Path) -> dict[str, AgentConfig]:
    """Return the demo's scripted agent, with the speed of SPRINT_RUNNER_DEMO_SPEED and the project's script, if any."""
    speed = environment.get("SPRINT_RUNNER_DEMO_SPEED", "1")
    command = [sys.executable, str(PROGRAM_DIR / "demo" / "agent.py"), "--speed", speed]
    if (script := script_of(start)) is not None:
        command += ["--script", str(script.resolve())]
    return {"demo": AgentConfig("claude", command, model="sonnet", light_model="haiku")}


def _check_commands(root: Path, loaded: Loaded) -> None:
    """Check the user's own workflows, and that settings of commands name commands that exist."""
    try:
        presets = own_presets(root, loaded.settings.workflows)
    except PresetError as error:
        raise SettingsError(f"{root / FILE_NAME}: {error}") from None
    known = {**KINDS, **{kind.name: kind for preset in presets.values() for kind in preset.commands}}
    for name in loaded.settings.commands:
        if name not in known:
            source = loaded.sources["commands"]
            where = str(root / FILE_NAME) if source == "file" else source
            raise SettingsError(f"{where}: commands: there is no command {name!r}; known are {', '.join(known)}")


def _data_dir(project: Project, loaded: Loaded) -> Path:
    named = loaded.settings.data_dir
    return project.root / DATA_FOLDER if named is None else Path(named).expanduser().resolve()
