"""The commands that change the project: dev-story and commit.

Both may be killed at any instant and run again: what is done is seen to be done, what is missing is completed.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import time

from demo.prepared import Prepared, Replacement
from demo.prompt import PromptStory
from demo.scene import Scene
from demo.story import file_list, ticked, with_baseline, with_lines, with_status
from demo.tools import ToolAnswer, environment

RECIPE = re.compile(r"a recipe of its own.*?`([^`]+)`", re.DOTALL)  # by which a project commits: its first command

LOCK_PATIENCE_S = 1.0  # how long another git may hold the index before its lock counts as left behind
RECENT_COMMITS = 5  # among these an earlier run's commit is looked for


def dev_story(scene: Scene) -> str:
    story = scene.prompt.stories[0]
    prepared = scene.prepared(story)
    files = scene.existing(scene.prompt["context file"], story.file)
    opening = scene.text(scene.start("setup", story.key), f"I implement {story.number}, {story.title}.")
    scene.stage.read(
        *files, say=opening, thinking=prepared.approach if prepared else "The smallest change that does it."
    )
    if "blocked" in scene.turn or (prepared and prepared.blocked and not scene.turn.words):
        return _blocked(scene, story, prepared)
    if "no-change" in scene.turn:
        return scene.text(scene.end("setup", "read"), "Everything is there already.", None, "[DEV-STORY-COMPLETE: YES]")
    touched = implement(scene, story, prepared)
    return _finish(scene, story, prepared, touched)


def _blocked(scene: Scene, story: PromptStory, prepared: Prepared | None) -> str:
    reason, say = (prepared.blocked if prepared else None) or (
        "A human must decide.",
        "The criteria contradict each other.",
    )
    reason = scene.turn["blocked"] or reason
    text = scene.content(story.file)
    if text:
        noted = with_lines(text, "### Debug Log References", [f"- Blocked: {reason}"])
        scene.change(story.file, noted, scene.text(scene.end("setup", "a contradiction"), say))
    else:
        scene.say(say)
    return scene.text("I changed no code.", None, f"[DEV-STORY-BLOCKED: YES] {reason}")


def implement(scene: Scene, story: PromptStory, prepared: Prepared | None) -> list[str]:
    """Write code, then tests; return the paths that belong to the story."""
    _begin(scene, story)
    if prepared is None:
        path = f"work/{story.key}.md"
        written = scene.content(path)
        text = f"{written}\nLooked at again.\n" if written else f"# {story.title}\n\nDone as {story.key} asks.\n"
        scene.change(path, text, scene.text(scene.end("setup", "read"), scene.start("implement", path)))
        scene.say(scene.end("implement", "written"), scene.start("tests", "the project's own"))
        return [path]
    scene.say(scene.end("setup", "the story is clear"), scene.start("implement", "code first, tests beside it"))
    _create_files(scene, prepared.sources)
    for edit in prepared.edits:
        apply(scene, edit)
    scene.say(scene.end("implement", "code is in place"), scene.start("tests", "a test for each criterion"))
    _create_files(scene, prepared.tests)
    return prepared.touched


def _begin(scene: Scene, story: PromptStory) -> None:
    """The story file says from where the work began, and that it has begun."""
    text = scene.content(story.file)
    if text and not text.startswith("---\n"):
        head = scene.stage.bash("git rev-parse HEAD", "Note the commit from which the work begins")
        commit = head.content.strip() if head.ok else "NO_VCS"
        scene.change(story.file, with_status(with_baseline(text, commit), "in-progress"))


def _create_files(scene: Scene, files: dict[str, str]) -> None:
    """Keep an existing file: it is complete, and may have been improved since."""
    for path, text in files.items():
        if not scene.has(path):
            scene.stage.write(path, text)


def apply(scene: Scene, edit: Replacement) -> None:
    if not edit.is_done(scene.content(edit.path)):
        scene.stage.edit(edit.path, edit.old, edit.new, edit.say)


def _finish(scene: Scene, story: PromptStory, prepared: Prepared | None, touched: list[str]) -> str:
    answer = scene.check()
    if answer is not None and not answer.ok:
        return scene.text(scene.end("tests", "failing"), "The check fails.", None, "[DEV-STORY-COMPLETE: NO]")
    marks = scene.text(scene.end("tests", "green"), scene.start("lint", "white space and conflict marks"))
    scene.stage.bash("git diff --check", "Look for white space errors", marks)
    _record(scene, story, prepared, touched, answer)
    summary = prepared.completion if prepared else (f"{story.title} is there.",)
    return scene.text(scene.end("validate", "story file complete"), *summary, None, "[DEV-STORY-COMPLETE: YES]")


def _record(
    scene: Scene, story: PromptStory, prepared: Prepared | None, touched: list[str], answer: ToolAnswer | None
) -> None:
    """What was done, in the sections of the story file that are the developer's."""
    text = scene.content(story.file)
    if not text:
        return
    runs = len(re.findall(r"^- check \d+: ", text, re.MULTILINE))
    said = _summary(answer.content) if answer else "none named"
    text = with_status(ticked(text), "review")
    text = with_lines(text, "### Agent Model Used", [scene.stage.stream.model])
    text = with_lines(text, "### Debug Log References", [f"- check {runs + 1}: {said}"])
    text = with_lines(text, "### Completion Notes List", [f"- {each}" for each in _notes(prepared, story)])
    text = with_lines(text, "### File List", [f"- {path}" for path in touched])
    text = with_lines(text, "## Change Log", ["- dev-story: implemented, every task done"])
    scene.change(story.file, text, scene.text(scene.end("lint", "clean"), scene.start("validate", "the story file")))


def _notes(prepared: Prepared | None, story: PromptStory) -> tuple[str, ...]:
    return prepared.completion if prepared else (f"Done as {story.key} asks.",)


def _summary(output: str) -> str:
    """`Ran 18 tests, OK` out of what unittest prints; the time that it took is left out."""
    ran = re.search(r"^Ran (\d+ tests?)", output, re.MULTILINE)
    last = output.strip().splitlines()[-1:] or ["no output"]
    return f"{ran[1]}, {last[0]}" if ran else last[0][:120]


# -- commit


def commit(scene: Scene) -> str:
    """Commit the files of the stories once; an earlier run's commit is found again."""
    message = scene.prompt["commit message"] or f"feat: implement {scene.prompt['stories']}"
    scene.stage.bash("git status --short", "See what changed", scene.start("setup", scene.prompt["stories"]))
    changed = _changed(scene)
    if changed is None:
        return scene.text(scene.end("setup", "no repository"), "[COMMIT-FAILED: this is not a git repository]")
    if not changed:
        done = _earlier(scene, message)
        said = f"[COMMIT-SUCCESS: {done}]" if done else "[NO-CHANGES-TO-COMMIT]"
        return scene.text(scene.end("setup", "nothing left to commit"), None, said)
    _clear_stale_lock(scene)
    paths = " ".join(map(shlex.quote, changed))
    staged = scene.stage.bash(
        f"git add -- {paths}",
        "Stage the files of the stories",
        scene.text(scene.end("setup", "looked"), scene.start("stage", "files")),
    )
    if not staged.ok:
        return _failed(staged)
    recipe = RECIPE.search(scene.prompt.text)
    command = recipe[1] if recipe else f"git {_identity(scene)}commit -q -m {shlex.quote(message)} -- {paths}"
    marks = scene.text(scene.end("stage", f"{len(changed)} files"), scene.start("commit", message))
    made = scene.stage.bash(command, "Commit", marks)
    if not made.ok and (_changed(scene) or not _earlier(scene, message)):  # else a killed run's git was still at it
        return _failed(made)
    log = scene.stage.bash(
        "git log -1 --stat --format='%h %s'", "Look at the commit", scene.start("validate", "the commit")
    )
    return scene.text(
        scene.end("commit", "made"), scene.end("validate", "seen"), None, f"[COMMIT-SUCCESS: {log.content.split()[0]}]"
    )


def _failed(answer: ToolAnswer) -> str:
    return f"git refused it.\n\n[COMMIT-FAILED: {answer.content.splitlines()[-1]}]"


def _changed(scene: Scene) -> list[str] | None:
    """The files of the stories that differ from HEAD, or are new and not ignored; None without a repository."""
    prompt = scene.prompt
    wanted = [prompt["context file"], prompt["sprint status file"]]
    for story in prompt.stories:
        beside = (prompt.beside_stories(f"{name}-{story.key}.md") for name in ("discovery", "tech-spec"))
        wanted += [story.file, *beside, f"work/{story.key}.md", *file_list(scene.content(story.file))]
    inside = [path for path in dict.fromkeys(wanted) if path and not path.startswith(("/", ".."))]
    status = _git(scene, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", *inside)
    if status is None:
        return None
    above = (_git(scene, "rev-parse", "--show-prefix") or "").strip()  # git names paths from the top of its tree
    return [entry[3:].removeprefix(above) for entry in status.split("\0") if entry]


def _earlier(scene: Scene, message: str) -> str:
    """The commit that an earlier run of this command made before it could say so."""
    log = _git(scene, "log", f"-{RECENT_COMMITS}", "--format=%h%x09%s") or ""
    commits = (line.split("\t", 1) for line in log.splitlines())
    return next((commit for commit, subject in commits if subject == message.splitlines()[0]), "")


def _identity(scene: Scene) -> str:
    """Options that let a commit succeed on a machine where git does not know its user yet."""
    options = "-c commit.gpgsign=false "
    if not (_git(scene, "config", "user.email") or "").strip():
        options += "-c user.name='Demo Agent' -c user.email=demo@localhost "
    return options


def _clear_stale_lock(scene: Scene) -> None:
    """Remove the lock of a killed git, after waiting for a running one."""
    folder = (_git(scene, "rev-parse", "--git-dir") or "").strip()
    lock = scene.stage.root / folder / "index.lock"
    began = time.monotonic()
    while lock.exists():
        if time.monotonic() - began > LOCK_PATIENCE_S:
            scene.stage.bash(f"rm -f {shlex.quote(str(lock))}", "Remove a lock that a killed git left behind")
            return
        scene.stage.wait(0.05)


def _git(scene: Scene, *argv: str) -> str | None:
    """Return the output of a git command that is not part of the stream; None if it fails."""
    done = subprocess.run(["git", *argv], cwd=scene.stage.root, capture_output=True, env=environment(), check=False)
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None
