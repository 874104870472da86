"""A receipt as a run makes one, and the facts of its commit."""

from __future__ import annotations

from receipts.judgement import CommitFacts
from receipts.model import CheckPart, CommandPart, CommitPart, DecisionPart, Receipt, ReviewPart, StatusPart

BASE, COMMIT, TREE, BASE_TREE = "a" * 40, "b" * 40, "c" * 40, "d" * 40
DIFF = "e" * 64
KEY = "SHA256:" + "k" * 43


def command(number: int, name: str, stories: list[str], cost: str | None) -> CommandPart:
    return CommandPart(
        id=number,
        command=name,
        attempt=1,
        agent="claude",
        version="2.1.330 (Claude Code)",
        model="opus",
        status="success",
        verdict="complete",
        stories=stories,
        started_at=1000 * number,
        ended_at=1000 * number + 900,
        tokens=1200,
        cost_usd=cost,
        estimated_usd=None if cost is None else "0.000000",
    )


def receipt(key: str | None = None) -> Receipt:
    return Receipt(
        format="sprint-runner-receipt/1",
        id="0123456789abcdef-7",
        runner="1.0",
        project="Perch",
        story="1-1-log-in",
        epic="1",
        batch=3,
        workflow="classic",
        made_at=9000,
        key=key,
        commit=CommitPart(
            hash=COMMIT,
            object_format="sha1",
            base=BASE,
            base_tree=BASE_TREE,
            end_tree=TREE,
            diff_sha256=DIFF,
            files=2,
            merge=None,
        ),
        commands=[
            command(1, "create-story", ["1-1-log-in", "1-2-log-out"], "0.100000"),
            command(2, "dev-story", ["1-1-log-in"], "1.234567"),
            command(3, "code-review-1", ["1-1-log-in"], None),
            command(4, "tech-spec-review-1", ["1-0-x", "1-1-log-in"], "5.000000"),
        ],
        reviews=[ReviewPart(command_id=3, command="code-review-1", verdict="ZERO ISSUES", counts=[0, 0, 0, 0])],
        checks=[
            CheckPart(command="make test", exit=0, passed=True, output_sha256="f" * 64, at=5000, duration_ms=700),
            CheckPart(command="make test", exit=None, passed=False, output_sha256=None, at=4000, duration_ms=1),
        ],
        decisions=[DecisionPart(gate="commit", decision="go", at=6000)],
        status=StatusPart(old="review", new="done", by="runner", at=7000, reason="„reviewed“ & <ok>"),
        cost_usd="1.334567",
        estimated_usd="0.000000",
    )


FACTS = CommitFacts(
    hash=COMMIT,
    object_format="sha1",
    parents=(BASE,),
    tree=TREE,
    base_tree=BASE_TREE,
    diff_sha256=DIFF,
    files=2,
)
