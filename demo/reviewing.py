"""The review commands: story and tech-spec reviews, and code reviews.

A finding is written into the story file before it is fixed and ticked afterwards. So a review that is run again
after a kill fixes what is left and reports the same, and the next round sees that it is fixed.
"""

from __future__ import annotations

from demo.prepared import PreparedFinding, Replacement
from demo.prompt import PromptStory
from demo.scene import Scene
from demo.story import with_lines, with_status

FINDINGS = "### Review Findings"
SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW")


def document_review(scene: Scene) -> str:
    """Perform story-review and tech-spec-review: fix critical issues, then report them."""
    spec = scene.prompt.base == "tech-spec-review"
    names = {story.key: scene.prompt.beside_stories(f"tech-spec-{story.key}.md") for story in scene.prompt.stories}
    files = [names[story.key] if spec and scene.has(names[story.key]) else story.file for story in scene.prompt.stories]
    keys = ", ".join(story.key for story in scene.prompt.stories)
    opening = scene.text(scene.start("setup", keys), "I read as a developer who has nothing else to go by.")
    found = scene.existing(*files)
    scene.stage.read(*found, say=opening)
    scene.say(scene.end("setup", "read"), scene.start("analyze", "criteria, tasks, gaps"))
    critical = [] if spec else [each for story in scene.prompt.stories if (each := _review_story(scene, story))]
    if "critical" in scene.turn:
        critical = ["A criterion contradicts another one"]
    if "clean" in scene.turn:
        critical = []
    scene.say(scene.end("analyze", f"{len(critical)} critical"), scene.start("validate", "what is there now"))
    findings = [f"- [CRITICAL] {each}" for each in critical] or ["No critical issues: a developer can start."]
    answer = "YES" if critical else "NO"
    answers = _answers(scene, is_open=bool(critical))
    return scene.text(scene.end("validate", "done"), *answers, *findings, None, f"[CRITICAL-ISSUES-FOUND: {answer}]")


def _answers(scene: Scene, *, is_open: bool) -> list[str]:
    """The answers to the operator's comments in the prompt; with a finding the first comment is still open."""
    listed = scene.prompt.text.partition("The comments:\n\n")[2].partition("\n\n")[0]
    numbers = [line.partition(". ")[0] for line in listed.split("\n")]
    count = sum(number.isdigit() for number in numbers)
    states = ["OPEN not there yet" if is_open and number == 0 else "ANSWERED as asked" for number in range(count)]
    return ["## Comments", *(f"{number}: {state}" for number, state in enumerate(states, start=1))] if states else []


def _review_story(scene: Scene, story: PromptStory) -> str:
    """The critical finding of this round, after it is fixed; empty where there is none."""
    prepared = scene.prepared(story)
    finding = prepared.story_review if prepared else None
    text = scene.content(story.file)
    if finding is None or not text or "clean" in scene.turn:
        return ""
    edit = finding.edits[0]
    line = f"[Review][Critical] {finding.text} ({scene.prompt.command})"
    if edit.old in text:
        scene.change(story.file, _recorded(text, line), scene.text(scene.start("fix", story.key), finding.say))
        scene.stage.edit(story.file, edit.old, edit.new)
    elif f"] {line}" not in text:
        return ""
    scene.change(story.file, _settled(scene.content(story.file), line), scene.end("fix", finding.resolved))
    return finding.text


def _recorded(text: str, line: str) -> str:
    if f"- [x] {line}" in text:
        return text
    return with_lines(text, FINDINGS, [f"- [ ] {line}"], before="## Dev Notes")


def _settled(text: str, line: str) -> str:
    return text.replace(f"- [ ] {line}", f"- [x] {line}")


def code_review(scene: Scene) -> str:
    """Finds, fixes, checks; then reports the worst that was found."""
    story = scene.prompt.stories[0]
    finding = _wanted(scene, story)
    prepared = scene.prepared(story)
    paths = scene.existing(story.file, *(prepared.files if prepared else [f"work/{story.key}.md"]))
    opening = scene.text(
        scene.start("setup", story.key), f"Round {scene.prompt.round}: I read the change as its adversary."
    )
    scene.stage.bash("git status --short 2>/dev/null | head -n 20", "See what changed", opening)
    if paths:
        scene.stage.read(
            *paths[:3], say=scene.text(scene.end("setup", "read"), scene.start("analyze", "criteria by criteria"))
        )
    if finding is None:
        return _approved(scene, story)
    _fix(scene, story, finding)
    answers = _answers(scene, is_open=True)
    return _report([(finding.severity, finding.text)], scene.text(scene.end("validate", "fixed and checked"), *answers))


def _wanted(scene: Scene, story: PromptStory) -> PreparedFinding | None:
    """The finding of this round: as scripted, or prepared and still in the code or in the story's list."""
    severity = scene.turn.severity
    if severity == "ZERO ISSUES" or "clean" in scene.turn:
        return None
    if severity or "critical" in scene.turn:
        return _scripted(scene, story, severity or "CRITICAL")
    prepared = scene.prepared(story)
    finding = prepared.review if prepared else None
    if finding is None:
        return None
    unfixed = any(edit.old in scene.content(edit.path) and not _done(scene, edit) for edit in finding.edits)
    line = f"] {_line(finding, scene.prompt.command)}"
    return finding if unfixed or line in scene.content(story.file) else None


def _scripted(scene: Scene, story: PromptStory, severity: str) -> PreparedFinding:
    text = scene.turn[severity] or f"work/{story.key}.md: what was asked for in round {scene.prompt.round} is not there"
    return PreparedFinding(severity, text, text, "fixed", ())


def _done(scene: Scene, edit: Replacement) -> bool:
    return edit.is_done(scene.content(edit.path))


def _line(finding: PreparedFinding, command: str) -> str:
    return f"[Review][Patch] {finding.severity}: {finding.text} ({command})"


def _fix(scene: Scene, story: PromptStory, finding: PreparedFinding) -> None:
    line = _line(finding, scene.prompt.command)
    text = scene.content(story.file)
    marks = (scene.end("analyze", f"1 {finding.severity}"), scene.start("fix", finding.severity))
    say = scene.text(*marks, finding.say)
    if text:
        scene.change(story.file, _recorded(text, line), say)
    else:
        scene.say(say)
    for edit in finding.edits:
        if not _done(scene, edit):
            scene.stage.edit(edit.path, edit.old, edit.new, edit.say)
    if not finding.edits:
        _fix_generic(scene, story)
    scene.check(scene.text(scene.end("fix", finding.resolved), scene.start("test", "all tests")))
    if text:
        settled = _settled(scene.content(story.file), line)
        entry = f"- {scene.prompt.command}: {finding.resolved}"
        log = with_lines(settled, "## Change Log", [entry])
        scene.change(story.file, log, scene.text(scene.end("test", "green"), scene.start("validate", "the story file")))


def _fix_generic(scene: Scene, story: PromptStory) -> None:
    path = f"work/{story.key}.md"
    entry = f"- round {scene.prompt.round}: fixed"
    scene.change(path, with_lines(scene.content(path) or f"# {story.key}\n", "## Fixed", [entry]))


def _approved(scene: Scene, story: PromptStory) -> str:
    answer = scene.check(scene.text(scene.end("analyze", "nothing found"), scene.start("test", "all tests")))
    if answer is not None and not answer.ok:
        failing = [("HIGH", f"The check fails: {answer.content.splitlines()[-1]}")]
        return _report(failing, scene.end("test", "failing"))
    text = scene.content(story.file)
    if text:
        outcome = f"- {scene.prompt.command}: approved, every criterion has a test that would fail without it."
        text = with_lines(with_status(text, "done"), "## Senior Developer Review (AI)", [outcome])
        scene.change(
            story.file, text, scene.text(scene.end("test", "green"), scene.start("validate", "the story file"))
        )
    return _report([], scene.text(scene.end("validate", "done"), *_answers(scene, is_open=False)))


def _report(findings: list[tuple[str, str]], marks: str) -> str:
    counts = {name: sum(severity == name for severity, _ in findings) for name in SEVERITIES}
    worst = next((name for name in SEVERITIES if counts[name]), "ZERO ISSUES")
    return "\n".join(
        [
            *([marks] if marks else []),
            "FINDINGS:",
            *([f"- [{severity}] {text}" for severity, text in findings] or ["- none"]),
            "",
            "Issues: " + ", ".join(f"{count} {name}" for name, count in counts.items()),
            f"HIGHEST SEVERITY: {worst}",
        ]
    )
