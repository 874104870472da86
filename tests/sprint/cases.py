"""Small made-up projects, one fault each: those of the corpus where it is at hand, and our own versions of them."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.sprint.conftest import CORPUS

SKILL = ".claude/skills/bmad-build-auto/SKILL.md"
TRACKER = "_bmad-output/implementation-artifacts/sprint-status.yaml"
HERE = "_bmad-output/implementation-artifacts/"

CONFIG_OF_7 = '[core]\nproject_name = "Shop"\noutput_folder = "{project-root}/_bmad-output"\n'
CHECKOUT = "_bmad-output/initiative-checkout/"
TICKETS_OF_7 = {
    "_bmad/config.toml": CONFIG_OF_7,
    "_bmad/custom/config.user.toml": '[core]\nactive_initiative = "initiative-checkout"\n',
    CHECKOUT + "tickets.toml": '[[epic]]\nid = 1\nslug = "epic-pricing-rules"\ntitle = "Pricing"\n\n'
    '[[epic]]\nid = 2\nslug = "epic-cart-rules"\ntitle = "Cart"\nafter = [{ epic = 1, needs = "prices" }]\n',
    CHECKOUT + "epic-cart-rules/tickets.toml": '[[entry]]\nid = 1\ntype = "story"\ntitle = "Cart"\nafter = ["1.1"]\n',
    CHECKOUT + "epic-pricing-rules/tickets.toml": '[[entry]]\nid = 1\ntype = "story"\ntitle = "Prices"\n\n'
    '[[entry]]\nid = "6a"\ntype = "story"\ntitle = "Round prices"\nafter = [1]\n',
    CHECKOUT + "epic-pricing-rules/story-prices-plan.md": "---\nticket: 1\nstatus: 'built'\n---\n\n# Prices\n",
}
OWN = {
    "three-part-keys": {
        TRACKER: "development_status:\n  epic-2: in-progress\n  2-1-1-ground: done\n  2-1-2-fields: backlog\n",
        HERE + "2-1-1-implementation-summary.md": "# Summary\n",
    },
    "handoff-note-as-story": {
        TRACKER: "development_status:\n  epic-4: in-progress\n  4-6-help-system: backlog\n",
        "docs/stories/story-4.6-SM-handoff.md": "# Handoff\n",
        "docs/stories/story-4.6.completion.md": "# x\n",
    },
    "prefixed-keys": {
        TRACKER: "development_status:\n  epic-18: in-progress\n  18-1-scan: done\n  TD-18-1-cleanup: backlog\n"
        "  HF-18-hotfix: ready-for-dev\n  dm-01: in-progress\n  dm-01-1-install: backlog\n  dm-01-2-slots: backlog\n"
        "  dm-01-retrospective: optional\n",
    },
    "stale-story-location": {
        TRACKER: 'story_location: "docs/stories"\ndevelopment_status:\n  epic-1: in-progress\n  1-1-login: done\n'
        "  1-2-logout: backlog\n",
        HERE + "1-1-login.md": "# Story 1.1: Login\n\nStatus: done\n",
        "docs/stories/1.1.old-v4-story.md": "# Story 1.1: Old\n",
    },
    "stories-by-epic-folder": {
        TRACKER: "development_status:\n  epic-2: in-progress\n  2-1-a: done\n  2-2-b: backlog\n",
        HERE + "epic-2/stories/2-1-a.md": "# Story 2.1: A\n\nStatus: done\n",
    },
    "stray-epic-document": {
        TRACKER: "development_status:\n  epic-3: in-progress\n  3-6-share: done\n  3-7-saves-list-page: backlog\n",
        "_bmad-output/planning-artifacts/epics.md": "# E\n\n## Epic 3: Saves\n\n### Story 3.6: Share\n",
        "docs/progress/auto-epic-improvements-plan.md": "# Plan\n\n### Story 3.7: Fix brace style\n",
    },
    "leftover-in-done-epic": {
        TRACKER: "development_status:\n  epic-1: done\n  1-1-login: done\n  1-2-nice-to-have: backlog\n"
        "  epic-2: in-progress\n  2-1-export: ready-for-dev\n",
    },
    "file-order": {
        TRACKER: "development_status:\n  epic-1: in-progress\n  1-5-prompt: backlog\n  1-2-types: backlog\n",
    },
    "tracker-setting-unusual-name": {
        "plan/web-status.yaml": "development_status:\n  epic-1: backlog\n  1-1-a: backlog\n"
    },
    "context-file-elsewhere": {
        TRACKER: "development_status:\n  epic-1: backlog\n  1-1-a: backlog\n",
        "docs/project-context.md": "# rules\n",
    },
    "build-auto-spec-6.11": {
        TRACKER: "development_status:\n  epic-3: in-progress\n  3-2-digest-delivery: done\n",
        HERE + "spec-3-2-digest-delivery.md": "---\ntitle: 'Digest delivery'\nstatus: 'done'\n---\n\n## Code Map\n\n"
        "## Tasks & Acceptance\n\n**Execution:**\n- `a.py` -- add send -- core\n- `b.py` -- call it -- wiring\n\n"
        "**Acceptance Criteria:**\n- Given a digest, when night comes, then it is sent\n- Given none, then nothing\n",
    },
    "v4-docs-stories": {
        ".bmad-core/core-config.yaml": "devStoryLocation: docs/stories\nprd:\n  prdShardedLocation: docs/prd\n",
        "docs/stories/1.1.login.story.md": "# Story 1.1: Login\n\n## Status\n\nApproved\n",
        "docs/prd/epic-1-access.md": "# Epic 1: Access\n\n## Story 1.1: Login\n",
    },
    "spec-folder-stories-yaml": {
        "_bmad-output/planning-artifacts/epic-1-words/SPEC.md": "# Words\n",
        "_bmad-output/planning-artifacts/epic-1-words/stories.yaml": '- id: "1"\n  title: Add greeting\n'
        '  description: x\n- id: "2"\n  title: Add farewell\n  description: y\n  invoke_dev_with: "keep it small"\n',
        "_bmad-output/planning-artifacts/epic-1-words/stories/1-add-greeting.md": "---\nstatus: 'done'\n---\n",
    },
    "v7-initiative-without-epics": {
        "_bmad-output/initiative-small/tickets.toml": '[[entry]]\nid = 1\ntype = "story"\ntitle = "One thing"\n'
    },
    "v7-ticket-tree": TICKETS_OF_7,
    "v7-active-initiative": {
        **TICKETS_OF_7,
        "_bmad-output/initiative-later/tickets.toml": '[[entry]]\nid = 1\ntype = "story"\ntitle = "Later"\n',
    },
    "build-auto-clean-tree": {
        TRACKER: "development_status:\n  epic-1: backlog\n  1-1-add-greeting: backlog\n  1-2-add-farewell: backlog\n",
        "_bmad-output/planning-artifacts/epics.md": "# T\n\n## Epic 1: Words\n\n### Story 1.1: Add greeting\n\n"
        "### Story 1.2: Add farewell\n",
        "app.py": 'print("x")\n',
        SKILL: "---\nname: bmad-build-auto\n---\n",
    },
}

SOURCES = ["own", *(["corpus"] if (CORPUS / "cases").is_dir() else [])]


def write_case(source: str, name: str, root: Path) -> Path:
    """Write a project, from here or from the corpus, into a new folder."""
    if source == "corpus":
        return Path(shutil.copytree(CORPUS / "cases" / name, root))
    for path, text in OWN[name].items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root
