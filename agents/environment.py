"""The environment of an agent: the server's, without the variables of another agent's session.

Order, later wins: our environment without the variables below; the adapter's defaults where the operator has not set
them; the agent's own `env` from the settings; the mark. Removed are:

- CLAUDECODE, CLAUDE_PID and every CLAUDE_CODE_* that is not configuration: ids, sockets and tokens of a session that
  this server may have been started from;
- SPRINT_RUNNER_*: this server's own settings and secrets.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from agents.guardian import MARK_VARIABLE

_OWN_PREFIX = "SPRINT_RUNNER_"
_SESSION_NAMES = frozenset(("CLAUDECODE", "CLAUDE_PID"))
_SESSION_PREFIX = "CLAUDE_CODE_"
# Variables that an operator sets. New session variables appear with every version, so these are the exceptions.
_CONFIGURATION = frozenset(
    _SESSION_PREFIX + name
    for name in (
        "API_KEY_HELPER_TTL_MS",
        "AUTO_COMPACT_WINDOW",
        "CERT_STORE",
        "CLIENT_CERT",
        "CLIENT_KEY",
        "CLIENT_KEY_PASSPHRASE",
        "DISABLE_BACKGROUND_TASKS",
        "DISABLE_NONESSENTIAL_TRAFFIC",
        "EFFORT_LEVEL",
        "EXTRA_BODY",
        "FILE_READ_MAX_OUTPUT_TOKENS",
        "GIT_BASH_PATH",
        "MAX_OUTPUT_TOKENS",
        "MAX_RETRIES",
        "MAX_TURNS",
        "OAUTH_TOKEN",
        "PROXY_RESOLVES_HOSTS",
        "SHELL",
        "SHELL_PREFIX",
        "SKIP_BEDROCK_AUTH",
        "SKIP_FOUNDRY_AUTH",
        "SKIP_VERTEX_AUTH",
        "STARTUP_FAILURE_RESULTS",
        "SUBAGENT_MODEL",
        "USE_BEDROCK",
        "USE_FOUNDRY",
        "USE_VERTEX",
    )
)


def environment(
    defaults: Mapping[str, str],
    own: Mapping[str, str],
    mark: str | None = None,
    base: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The whole environment of an agent; see the module for the order."""
    inherited = os.environ if base is None else base
    env = {**defaults, **{name: value for name, value in inherited.items() if _is_inherited(name)}, **own}
    if mark is not None:
        # Last, so that no setting can replace it: processes of a killed server are found by it.
        env[MARK_VARIABLE] = mark
    return env


def find_program(program: str, env: Mapping[str, str], cwd: Path) -> str | None:
    """The absolute path of an executable: searched in the agent's PATH, or relative to its folder."""
    if os.sep in program:
        return shutil.which(str(cwd / program))
    return shutil.which(program, path=env.get("PATH", os.defpath))


def _is_inherited(name: str) -> bool:
    if name in _SESSION_NAMES or name.startswith(_OWN_PREFIX):
        return False
    return not name.startswith(_SESSION_PREFIX) or name in _CONFIGURATION
