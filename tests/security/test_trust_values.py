"""What of a folder's settings is trusted: exact values, shown whole, compared one by one."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from security.trust import SECRET, Unlistable, differences, fingerprint, leaves
from security.trust_store import FolderTrust, TrustStore, state_folder
from settings import BY_NAME, FILE_NAME, load

EVIL: dict[str, Any] = {
    "agents": {
        "evil": {"kind": "text", "command": ["sh", "-c", "id"], "env": {"API_KEY": "k" * 20, "NODE_OPTIONS": "-r x"}}
    },
    "verify": "make test",
}


@pytest.fixture
def trust(tmp_path: Path) -> FolderTrust:
    return FolderTrust(tmp_path / "clone", TrustStore(tmp_path / "state"))


def test_every_value_is_listed_under_its_name_and_secrets_are_masked() -> None:
    shown = {name: leaf.shown for name, leaf in leaves(EVIL).items()}
    assert shown == {
        "agents.evil.kind": "text",
        "agents.evil.command": '["sh", "-c", "id"]',
        "agents.evil.env.API_KEY": SECRET,
        "agents.evil.env.NODE_OPTIONS": "-r x",
        "verify": "make test",
    }


@pytest.mark.parametrize("hidden", ["\x1b[2K", "\r", "\u202e", "\u2066", "\x00"])
def test_nothing_of_a_value_hides_another(hidden: str) -> None:
    (leaf,) = leaves({"verify": f"make{hidden}test"}).values()
    assert hidden not in leaf.shown
    assert "\\u" in leaf.shown or "\\r" in leaf.shown


@pytest.mark.parametrize(
    "text",
    [
        "workflows: &a {a: &b [x], b: *a}",
        "workflows: &a [*a]",
        "workflows: {" + "a: {" * 60 + "}" * 61,
        "a: &a [x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{name}: &{name} [{', '.join(['*' + before] * 8)}]\n"
            for before, name in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        f"verify: {'x' * 70_000}",
        "agents: {" + ", ".join(f"a{number}: 1" for number in range(600)) + "}",
    ],
    ids=["mapping in itself", "list in itself", "deep", "aliases", "long", "many"],
)
def test_what_is_unreadable_is_refused(text: str) -> None:
    with pytest.raises(Unlistable):
        leaves(yaml.safe_load(text))


def test_a_hash_stands_for_exact_values() -> None:
    usual = fingerprint(leaves({"verify": "1", "port": 1}))
    assert usual == fingerprint(leaves({"port": 1, "verify": "1"}))
    assert usual != fingerprint(leaves({"verify": 1, "port": 1}))
    assert usual != fingerprint(leaves({"verify": "1"}))
    assert fingerprint(leaves({"agents": {"a.b": {"c": 1}}})) != fingerprint(leaves({"agents": {"a": {"b.c": 1}}}))


def test_a_changed_value_shows_what_was_before() -> None:
    before, after = leaves({"verify": "make test", "port": 1}), leaves({"verify": "make evil"})
    (change,) = differences(after, before)
    assert (change.name, change.before, change.value) == ("verify", "make test", "make evil")


def test_what_is_gone_from_a_setting_is_a_change_too() -> None:
    before = leaves({"agents": {"a": {"command": ["x"], "permission_mode": "plan"}}})
    (change,) = differences(leaves({"agents": {"a": {"command": ["x"]}}}), before)
    assert (change.name, change.before, change.value) == ("agents.a.permission_mode", "plan", None)


def test_trust_is_kept_for_a_folder_and_its_values(trust: FolderTrust, tmp_path: Path) -> None:
    assert trust.untrusted(EVIL) == {"agents", "verify"}
    assert not trust.trusts_folder(EVIL)
    trust.trust(EVIL)
    assert trust.untrusted(EVIL) == set()
    assert trust.trusts_folder(EVIL)
    assert trust.untrusted({**EVIL, "verify": "make evil"}) == {"verify"}
    assert FolderTrust(tmp_path / "other", TrustStore(tmp_path / "state")).untrusted(EVIL) == {"agents", "verify"}
    file = tmp_path / "state/trust.json"
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) == (0o600, 0o700)
    assert "k" * 20 not in file.read_text()
    assert trust.revoke()
    assert not trust.trusts_folder(EVIL)
    assert trust.untrusted(EVIL) == {"agents", "verify"}


def test_a_link_to_a_trusted_folder_is_that_folder(trust: FolderTrust, tmp_path: Path) -> None:
    (tmp_path / "clone").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "clone")
    trust.trust(EVIL)
    assert not FolderTrust(tmp_path / "link", TrustStore(tmp_path / "state")).untrusted(EVIL)


def test_one_value_of_the_operator_s_own_trusts_neither_the_others_nor_the_folder(trust: FolderTrust) -> None:
    trust.trust_changes(EVIL, ["verify"])
    assert trust.untrusted(EVIL) == {"agents"}
    assert not trust.trusts_folder(EVIL)


def test_a_file_that_cannot_be_read_trusts_nothing(trust: FolderTrust, tmp_path: Path) -> None:
    trust.trust(EVIL)
    (tmp_path / "state/trust.json").write_text("{")
    assert trust.untrusted(EVIL) == {"agents", "verify"}


@pytest.mark.parametrize(
    ("grant", "trusted"), [("1", True), ("", False), ("0", False), ("hash", True), ("0" * 64, False)]
)
def test_the_environment_may_trust(tmp_path: Path, grant: str, trusted: bool) -> None:
    value = fingerprint(leaves(EVIL)) if grant == "hash" else grant
    found = FolderTrust(tmp_path, TrustStore(tmp_path / "state"), value)
    assert (not found.untrusted(EVIL), found.trusts_folder(EVIL)) == (trusted, trusted)


def test_the_state_folder_never_depends_on_where_one_stands() -> None:
    assert state_folder({"XDG_STATE_HOME": "/x"}) == Path("/x/sprint-runner")
    assert state_folder({"XDG_STATE_HOME": "x", "HOME": "/h"}) == Path("/h/.local/state/sprint-runner")


def nothing_trusted(values: Any) -> Any:
    return set(values)


def test_what_starts_programs_opens_the_network_or_leaves_the_folder_counts_only_when_trusted(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    values = {
        "host": "0.0.0.0",
        "port": 9,
        "token": "t" * 20,
        "reader_token": "r" * 20,
        "public_url": "https://box.example.org",
        "allowed_hosts": ["evil.example"],
        "cors_origin": "http://evil.example",
        "data_dir": "/tmp/x",
        "tracker": "../other/sprint-status.yaml",
        "agent": "evil",
        "agents": {"evil": {"kind": "text", "command": ["x"]}},
        "commands": {"dev-story": {"agent": "evil"}},
        "workflow": "mine",
        "workflows": {"mine": {}},
        "verify": "x",
        "deliver": "branch",
        "deliver_branch": "evil/{name}",
        "deliver_base": "evil",
        "remote": "evil",
        "merge_when": "green",
        **dict.fromkeys(("pull_request_command", "pull_request_lookup_command"), "x"),
        **dict.fromkeys(("checks_command", "merge_command"), "x"),
        "worktree_setup": "x",
        "receipt_key": "/tmp/key",
        "notify_webhook": "http://evil.example/",
        "notify_secret": "s" * 20,
        "notify_command": "x",
        "fleet": "nats://evil.example",
        "fleet_name": "x",
        "fleet_machine": "x",
        "fleet_accounts": {"claude": "x"},
    }
    file.write_text(yaml.safe_dump({**values, "retries": 7}))
    loaded = load(file, {}, untrusted=nothing_trusted)
    assert loaded.left_out == set(values)
    assert loaded.settings == load(None, {}, {"retries": 7}).settings
    assert loaded.guarded.keys() == set(values) - {"agent", "workflow"}
    assert {name for name, setting in BY_NAME.items() if setting.trust != "never"} == loaded.guarded.keys()


@pytest.mark.parametrize(
    ("tracker", "guarded"),
    [("docs/s.yaml", False), ("../s.yaml", True), ("/etc/s.yaml", True), ("~/s.yaml", True), ("out/s.yaml", True)],
)
def test_a_tracker_within_the_project_needs_no_trust(tmp_path: Path, tracker: str, guarded: bool) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p/out").symlink_to(tmp_path)
    (tmp_path / "p" / FILE_NAME).write_text(f"tracker: {tracker}\n")
    assert ("tracker" in load(tmp_path / "p" / FILE_NAME, {}).guarded) == guarded


@pytest.mark.parametrize("untrusted", [{"token"}, {"agents"}, {"workflows"}])
def test_what_rests_on_an_untrusted_value_is_left_out_with_it(tmp_path: Path, untrusted: set[str]) -> None:
    file = tmp_path / FILE_NAME
    file.write_text(
        "{host: 0.0.0.0, token: aaaaaaaaaaaaaaaaaaaa, agent: own, agents: {own: {kind: text, command: [x]}}, "
        "commands: {code-review: {agent: own}}, workflow: mine, workflows: {mine: {}}}"
    )
    loaded = load(file, {}, untrusted=lambda _values: untrusted)
    assert loaded.left_out > untrusted


def test_flags_and_environment_override_what_is_not_trusted(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    file.write_text("{port: 9, verify: evil}")
    loaded = load(file, {"SPRINT_RUNNER_VERIFY": "mine"}, {"port": 7}, untrusted=nothing_trusted)
    assert (loaded.settings.port, loaded.settings.verify) == (7, "mine")
