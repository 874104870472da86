"""The judgement of a receipt: what git and the signature say of it, in sentences. Pure.

Promises: VERIFIED only where everything that can be recomputed was, and is the same; whatever differs makes it NOT
VERIFIED; whatever could not be recomputed is named as a gap.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from receipts.envelope import Envelope
from receipts.model import paid_by, summed

GITLINK: Final = "160000"  # the mode of a submodule in a tree
SHORT: Final = 10  # digits of a hash in a sentence


class Answer(StrEnum):
    VERIFIED = "VERIFIED"
    GAPS = "VERIFIED WITH GAPS"
    NOT = "NOT VERIFIED"


@dataclass(frozen=True, slots=True)
class CommitFacts:
    """What git says of a commit. `base_tree`, `diff_sha256` and `files` are None where the parent is not there.

    `merged` is whether the merge that the receipt names holds the commit, None where it names none.
    """

    hash: str
    object_format: str
    parents: tuple[str, ...]
    tree: str
    base_tree: str | None
    diff_sha256: str | None
    files: int | None
    submodules: tuple[str, ...] = ()
    trailers: tuple[str, ...] = ()
    merged: bool | None = None

    @property
    def base(self) -> str | None:
        return self.parents[0] if self.parents else None


@dataclass(frozen=True, slots=True)
class SignatureFacts:
    """What `ssh-keygen` says: `key` is the fingerprint of a signature that fits the content, `signer` is who an
    allowed signers file names for it, `problem` is why it does not fit, `unchecked` why it could not be asked."""

    key: str | None = None
    signer: str | None = None
    problem: str | None = None
    unchecked: str | None = None


NO_SIGNATURE: Final = SignatureFacts()


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One receipt of several for one commit; `diff_sha256` is that of its trees, None where they are not there."""

    envelope: Envelope
    signature: SignatureFacts
    diff_sha256: str | None


@dataclass(slots=True)
class Judgement:
    """The sentences about one receipt."""

    proved: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)

    @property
    def answer(self) -> Answer:
        if self.differs:
            return Answer.NOT
        return Answer.GAPS if self.gaps else Answer.VERIFIED


def judge(
    envelope: Envelope, facts: CommitFacts, signature: SignatureFacts = NO_SIGNATURE, *, recorded: bool = False
) -> Judgement:
    """Judge a receipt by a commit. `recorded`: the runner's own records hold the same receipt."""
    said = Judgement()
    _judge_content(envelope, said)
    _judge_signature(envelope, signature, recorded, said)
    commit = envelope.receipt.commit
    if facts.object_format != commit.object_format:
        said.differs.append(f"this repository names objects by {facts.object_format}, not by {commit.object_format}")
    elif facts.hash != commit.hash:
        _judge_rewritten(envelope, facts, said)
    else:
        _judge_commit(envelope, facts, said)
    return said


def judge_chain(links: Sequence[ChainLink], facts: CommitFacts) -> Judgement:
    """Judge a commit that holds the changes of several others, in the order in which they lead from tree to tree."""
    said = Judgement()
    for link in links:
        _judge_content(link.envelope, said)
        _judge_signature(link.envelope, link.signature, False, said)
        commit = link.envelope.receipt.commit
        if link.diff_sha256 is None:
            said.gaps.append(
                f"the trees of {commit.hash[:SHORT]} are not in this clone, so its change was not recomputed"
            )
        else:
            _compare(said, f"the hash of the change of {commit.hash[:SHORT]}", commit.diff_sha256, link.diff_sha256)
    hashes = list(dict.fromkeys(link.envelope.receipt.commit.hash[:SHORT] for link in links))
    names = ", ".join(hashes)
    said.proved.append(f"the changes of {names}, one after the other, lead from this commit's parent to its tree")
    said.gaps.append(f"{facts.hash[:SHORT]} holds {len(hashes)} commits in one: the receipts are of those, not of it")
    return said


def _judge_content(envelope: Envelope, said: Judgement) -> None:
    receipt = envelope.receipt
    if hashlib.sha256(envelope.content).hexdigest() != envelope.digest:
        said.differs.append("its digest is not that of its content: it was changed after it was made")
    paid = paid_by(receipt)
    _compare(said, "the cost", receipt.cost_usd, summed([command.cost_usd for command in paid]))
    _compare(said, "the estimated cost", receipt.estimated_usd, summed([command.estimated_usd for command in paid]))


def _judge_signature(envelope: Envelope, signature: SignatureFacts, recorded: bool, said: Judgement) -> None:
    key = envelope.receipt.key
    if (key is None) != (envelope.signature is None):
        said.differs.append("its signature was taken away" if key else "it is signed, and names no key")
    elif signature.problem is not None:
        said.differs.append(f"its signature does not fit: {signature.problem}")
    elif key is not None and signature.unchecked is not None:
        said.gaps.append(f"the signature was not checked: {signature.unchecked}")
    elif key is not None and signature.key != key:
        said.differs.append(f"it was signed by {signature.key or 'another key'}, not by {key}")
    elif signature.signer is not None:
        said.proved.append(f"signed by {signature.signer} ({key})")
    elif recorded:
        said.proved.append("it is the one that the runner's own records hold")
    elif key is not None:
        said.gaps.append(f"signed by {key}, which no allowed signers file names")
    else:
        said.gaps.append("not signed: it fits the commit, but nothing shows who made it")


def _judge_commit(envelope: Envelope, facts: CommitFacts, said: Judgement) -> None:
    commit, before = envelope.receipt.commit, len(said.differs)
    _compare(said, "the tree", commit.end_tree, facts.tree)
    _compare(said, "the first parent", commit.base or "none", facts.base or "none")
    _judge_diff(envelope, facts, said)
    if commit.merge is not None and facts.merged is False:
        said.gaps.append(f"the merge {commit.merge[:SHORT]}, which took it into the branch, is not in this clone")
    if len(said.differs) == before:
        said.proved.insert(0, f"commit {facts.hash[:SHORT]}: its tree and its parent are those of the receipt")


def _judge_diff(envelope: Envelope, facts: CommitFacts, said: Judgement) -> None:
    commit = envelope.receipt.commit
    if facts.base_tree is None or facts.diff_sha256 is None:
        said.gaps.append("the parent is not in this clone, so its change was not recomputed: `git fetch --unshallow`")
        return
    _compare(said, "the base tree", commit.base_tree, facts.base_tree)
    _compare(said, "the hash of the change", commit.diff_sha256, facts.diff_sha256)
    _compare(said, "the number of changed files", commit.files, facts.files)
    said.proved.append(f"its change: {facts.files} {'file' if facts.files == 1 else 'files'}")
    _name_submodules(facts, said)


def _name_submodules(facts: CommitFacts, said: Judgement) -> None:
    for path in facts.submodules:
        said.gaps.append(f"{path} is a submodule: only the name of its commit is proved, not its content")


def _judge_rewritten(envelope: Envelope, facts: CommitFacts, said: Judgement) -> None:
    """Of a commit that was made again, by a rebase, a cherry-pick or an amended message."""
    commit = envelope.receipt.commit
    old, new = commit.hash[:SHORT], facts.hash[:SHORT]
    if facts.diff_sha256 is None:
        said.differs.append(f"it is of {old}, and the parent of {new} is not in this clone: `git fetch --unshallow`")
    elif facts.diff_sha256 != commit.diff_sha256:
        said.differs.append(f"it is of {old}, and {new} makes another change")
    else:
        tree = "the same tree" if facts.tree == commit.end_tree else "another tree, which no check has seen"
        said.proved.append(f"{new} makes the same change as {old}")
        said.gaps.append(
            f"{new} is {old} made again (rebased, amended or picked), with {tree}: the receipt is of {old}"
        )
        _name_submodules(facts, said)


def _compare(said: Judgement, what: str, stated: object, found: object) -> None:
    if stated != found:
        said.differs.append(f"{what} is {found}, and the receipt says {stated}")
