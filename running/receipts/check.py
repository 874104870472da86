"""The check of receipts on a clone: of those beside a commit, or of one in a file, by git and ssh-keygen alone.

A commit without a note may be another one made again, or several in one, or a merge of those that have notes: each is
looked for, and answered as what it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from git.commit_facts import difference
from git.notes import REF, read_note, read_notes
from git.process import ask_git, run_git
from receipts.envelope import Envelope, Malformed, read_line
from receipts.judgement import Answer, ChainLink, CommitFacts, Judgement, judge, judge_chain
from receipts.signing import check_signature
from running.receipts.facts import facts_of

CHAIN_MAX: Final = 500  # commits in one
ORDER: Final = (Answer.VERIFIED, Answer.GAPS, Answer.NOT)  # the worst one comes last


class NoReceipt(LookupError):
    """There is nothing to check; the message says what was looked for and what to do."""


class ReceiptResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result for one receipt, or for several that are judged together; `stories` are those that they are of."""

    answer: str
    commit: str
    stories: list[str]
    proved: list[str]
    gaps: list[str]
    differs: list[str]


class CheckResult(msgspec.Struct, frozen=True):
    """`answer` is the worst of the results."""

    answer: str
    results: list[ReceiptResult]


@dataclass(frozen=True, slots=True)
class Clone:
    """A repository, and the file of those whose signatures count, None where none is named."""

    root: Path
    allowed: Path | None


async def clone_of(root: Path, allowed: Path | None = None) -> Clone:
    """Return the clone at a folder; the allowed signers file is that of git's own settings unless one is given."""
    if allowed is None:
        named = await ask_git(root, "config", "--type=path", "--get", "gpg.ssh.allowedSignersFile")
        allowed = Path(named) if named else None
    return Clone(root, allowed)


async def check_commit(clone: Clone, name: str) -> CheckResult:
    """Check the receipts of a commit. Raises `NoReceipt`, and `GitError` where git cannot answer."""
    facts = await facts_of(clone.root, name)
    if facts is None:
        raise NoReceipt(f"there is no commit {name} here, and no file of this name")
    lines = _lines(await read_note(clone.root, facts.hash))
    if lines:
        return _joined([await _checked_line(clone, line, facts) for line in lines] + _contradictions(lines, facts))
    return await _check_without_note(clone, facts)


async def check_receipt(clone: Clone, envelope: Envelope, *, recorded: bool = False) -> CheckResult:
    """Check one receipt by the commit that it names. `recorded`: the runner's records hold the same one."""
    part = envelope.receipt.commit
    facts = await facts_of(clone.root, part.hash, part.merge)
    if facts is None or facts.hash != part.hash:
        said = Judgement(differs=[f"this repository has no commit {part.hash}: fetch it, or name the one it became"])
        return _joined([_result(said, part.hash, [envelope])])
    beside = _lines(await read_note(clone.root, facts.hash))
    others = [other for other in beside if isinstance(other, Envelope) and other.receipt.id == envelope.receipt.id]
    said = judge(envelope, facts, await check_signature(envelope, clone.allowed), recorded=recorded)
    if any(other != envelope for other in others):
        said.differs.append("the note beside the commit holds another receipt of the same id")
    return _joined([_result(said, facts.hash, [envelope])])


# -- notes ------------------------------------------------------------------------------------------------------


def _lines(note: str) -> list[Envelope | Malformed]:
    found: list[Envelope | Malformed] = []
    for line in note.split("\n"):
        if line.strip():
            try:
                found.append(read_line(line))
            except Malformed as error:
                found.append(error)
    return found


async def _checked_line(clone: Clone, line: Envelope | Malformed, facts: CommitFacts) -> ReceiptResult:
    if isinstance(line, Malformed):
        return _result(Judgement(differs=[f"a line of the note is no receipt: {line}"]), facts.hash, [])
    merge = line.receipt.commit.merge
    if merge is not None:
        facts = await facts_of(clone.root, facts.hash, merge) or facts
    said = judge(line, facts, await check_signature(line, clone.allowed))
    return _result(said, facts.hash, [line])


def _contradictions(lines: Sequence[Envelope | Malformed], facts: CommitFacts) -> list[ReceiptResult]:
    """Return a result for each receipt whose id another one has, too."""
    envelopes = [line for line in lines if isinstance(line, Envelope)]
    ids = [envelope.receipt.id for envelope in envelopes]
    twice = [envelope for envelope in envelopes if ids.count(envelope.receipt.id) > 1]
    said = Judgement(differs=["the note holds two different receipts of one id"])
    return [_result(said, facts.hash, twice)] if twice else []


async def _check_without_note(clone: Clone, facts: CommitFacts) -> CheckResult:
    notes = await read_notes(clone.root)
    known = [line for note in notes.values() for line in _lines(note) if isinstance(line, Envelope)]
    if again := _made_again(known, facts):
        return _joined([await _checked_line(clone, envelope, facts) for envelope in again])
    if chain := _chain(known, facts):
        links = [
            ChainLink(one, await check_signature(one, clone.allowed), await _diff_of(clone.root, one)) for one in chain
        ]
        return _joined([_result(judge_chain(links, facts), facts.hash, chain)])
    if len(facts.parents) > 1:
        return await _check_merge(clone, facts, notes)
    raise NoReceipt(_nothing(facts, notes))


def _nothing(facts: CommitFacts, notes: Mapping[str, str]) -> str:
    if facts.trailers and not notes:
        named = ", ".join(facts.trailers)
        return f"{facts.hash[:10]} names the receipt {named}, which is not here: `git fetch REMOTE {REF}:{REF}`"
    where = "" if notes else f"; this clone has no {REF}: `git fetch REMOTE {REF}:{REF}`"
    return f"there is no receipt of {facts.hash[:10]}{where}"


def _made_again(known: Sequence[Envelope], facts: CommitFacts) -> list[Envelope]:
    """Return the receipts that the message of a commit names, else those of the same change."""
    named = [envelope for envelope in known if envelope.receipt.id in facts.trailers]
    # Commits without a change are all alike.
    same = [envelope for envelope in known if facts.files and envelope.receipt.commit.diff_sha256 == facts.diff_sha256]
    if len({envelope.receipt.commit.hash for envelope in named}) > 1:  # several in one
        return []
    return named or same


def _chain(known: Sequence[Envelope], facts: CommitFacts) -> list[Envelope]:
    """Return the receipts whose changes lead, one after the other, from the tree before a commit to its own."""
    after = {envelope.receipt.commit.base_tree: envelope for envelope in known}
    found: list[Envelope] = []
    tree = facts.base_tree
    while tree is not None and tree != facts.tree and len(found) < CHAIN_MAX:
        step = after.pop(tree, None)  # each once, so that there is no circle
        if step is None:
            return []
        found.append(step)
        tree = step.receipt.commit.end_tree
    if tree != facts.tree:
        return []
    commits = [envelope.receipt.commit.hash for envelope in found]
    return sorted(
        (envelope for envelope in known if envelope.receipt.commit.hash in commits),
        key=lambda envelope: commits.index(envelope.receipt.commit.hash),
    )


async def _diff_of(root: Path, envelope: Envelope) -> str | None:
    commit = envelope.receipt.commit
    found = await difference(root, commit.base_tree, commit.end_tree)
    return None if found is None else found.sha256


async def _check_merge(clone: Clone, facts: CommitFacts, notes: Mapping[str, str]) -> CheckResult:
    """Check the receipts of the commits that a merge took into the branch of its first parent."""
    taken = (await run_git(clone.root, ("rev-list", facts.hash, f"^{facts.parents[0]}"))).split()
    checked = [await check_commit(clone, commit) for commit in taken if commit in notes]
    if not checked:
        raise NoReceipt(f"{facts.hash[:10]} is a merge, and no commit that it took has a receipt")
    results = [result for one in checked for result in one.results]
    without = [commit for commit in taken if commit not in notes and commit != facts.hash]
    said = Judgement(proved=[f"{facts.hash[:10]} is a merge; the receipts are those of the commits that it took"])
    said.gaps += ["no receipt shows how the merge itself was made of its parents"]
    said.gaps += [f"{commit[:10]}, which it took, has no receipt" for commit in without]
    return _joined([*results, _result(said, facts.hash, [])])


# -- results ----------------------------------------------------------------------------------------------------


def _result(said: Judgement, commit: str, envelopes: Sequence[Envelope]) -> ReceiptResult:
    return ReceiptResult(
        answer=said.answer.value,
        commit=commit,
        stories=[envelope.receipt.story for envelope in envelopes],
        proved=said.proved,
        gaps=said.gaps,
        differs=said.differs,
    )


def _joined(results: Iterable[ReceiptResult]) -> CheckResult:
    kept = list(results)
    worst = max(ORDER.index(Answer(result.answer)) for result in kept)
    return CheckResult(ORDER[worst].value, kept)
