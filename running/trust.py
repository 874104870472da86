"""What an operator should know before agents may work in a folder: what they may do, and whom they obey there."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from security.trust import Unlistable
from security.trust_store import FolderTrust
from settings import Loaded, Settings

# Files of a project that agents read and follow by themselves, hooks and tool servers that they start included.
INSTRUCTIONS: Final = (
    *(".claude", "_bmad", ".bmad", ".codex", ".gemini", ".opencode", ".qwen", ".agents"),
    *(".mcp.json", "AGENTS.md", "CLAUDE.md", "GEMINI.md", "QWEN.md", "opencode.json"),
)


def agent_powers(settings: Settings) -> str:
    """Return what the agent of these settings may do, in words."""
    mode = settings.agents[settings.first_agent].permission_mode
    asks = {
        "bypassPermissions": "without asking first",
        None: "as far as its own settings let it",
    }.get(mode, f"as far as its permission mode {mode} lets it")
    return (
        f"The agent {settings.first_agent} works in this folder with your permissions: it reads, changes and deletes "
        f"what you can, and runs any program, {asks}."
    )


def instruction_files(root: Path) -> list[str]:
    """Return what of the project its agents obey: commands, skills, hooks, tool servers. Blocks on the disk."""
    found = [root / name for name in INSTRUCTIONS]
    return [f"{path.name}/" if path.is_dir() else path.name for path in found if path.exists()]


def _beside(trust: FolderTrust, loaded: Loaded) -> frozenset[str]:
    """Return what is not trusted and no setting. Raises `Unlistable`."""
    return trust.untrusted(loaded.guarded) - loaded.guarded.keys()


def why_untrusted(trust: FolderTrust, loaded: Loaded) -> str | None:
    """Return why no agent may be started in the folder yet, and what to do; None when it is trusted."""
    try:
        # `left_out` also has settings that only depend on untrusted ones: those are nothing to decide.
        # What is beside the settings, such as prompts, may have changed since they were read.
        names = sorted({*(loaded.left_out & loaded.guarded.keys()), *_beside(trust, loaded)})
        if not names and trust.trusts_folder(loaded.guarded):
            return None
    except Unlistable as error:
        return str(error)
    what = f" with these settings: {', '.join(names)}" if names else ""
    return (
        f"{trust.folder} is not trusted yet{what}. {agent_powers(loaded.settings)} "
        f"Trust the folder in the page, or with `sprint-runner trust {trust.folder}`."
    )
