"""A scripted forge: a program that keeps requests beside a bare repository, as `gh` keeps them at GitHub.

`forge.py create|lookup|checks|merge …`; FORGE names its folder, in which `origin.git` is the remote, `requests.json`
what is asked for, `calls` a line for each call, and `plan.json` what it does: `red` are checks that fail until the
branch has so many commits called `fix(`, `comments` what reviewers say, `fail` sentences by the command to fail with.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ.get("FORGE", ""))
URL = "https://forge.example/pulls/"
SECRET = "ghp_" + "a1B2" * 9  # a token that a careless build prints


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=FOLDER / "origin.git", capture_output=True, text=True, check=True)
    return done.stdout.strip()


def requests() -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = json.loads((FOLDER / "requests.json").read_text())
    except FileNotFoundError:
        return []
    return found


def keep(found: list[dict[str, Any]]) -> None:
    temporary = FOLDER / "requests.tmp"
    temporary.write_text(json.dumps(found))
    temporary.replace(FOLDER / "requests.json")


def create(branch: str, base: str, title: str, body: str) -> int:
    found = requests()
    if any(request["branch"] == branch and request["state"] == "open" for request in found):
        sys.stderr.write(f"a pull request for branch {branch!r} already exists\n")
        return 1
    found.append({"branch": branch, "base": base, "title": Path(title).read_text(), "state": "open"})
    found[-1]["body"] = Path(body).read_text()
    keep(found)
    print(f"Creating a draft request for {branch}")
    print(f"{URL}{len(found)}", flush=True)
    return 0


def lookup(branch: str) -> int:
    for number, request in enumerate(requests(), 1):
        if request["branch"] == branch and request["state"] == "open":
            print(f"{URL}{number}")
    return 0


def checks(url: str, plan: dict[str, Any]) -> int:
    request = requests()[int(url.removeprefix(URL)) - 1]
    if request["state"] == "merged":
        print(json.dumps({"merged": True, "head": request["head"]}))
        return 0
    head = git("rev-parse", f"refs/heads/{request['branch']}")
    fixes = git("log", "--format=%s", head).count("fix(")
    print(json.dumps({"head": head}))
    if fixes < plan.get("red", 0):
        log = f"test_it failed: expected mended work\nuploading with {SECRET}\n"
        print(json.dumps({"check": "build", "state": "red", "log": log}))
    else:
        print(json.dumps({"check": "build", "state": plan.get("state", "green")}))
    for comment in plan.get("comments", []):
        print(json.dumps(comment))
    if plan.get("approved"):
        print(json.dumps({"approved": True}))
    return 0


def merge(url: str) -> int:
    found = requests()
    request = found[int(url.removeprefix(URL)) - 1]
    if request["state"] != "open":
        sys.stderr.write("the request is not open\n")
        return 1
    base, head = f"refs/heads/{request['base']}", git("rev-parse", f"refs/heads/{request['branch']}")
    tree = git("merge-tree", "--write-tree", base, head).splitlines()[0]
    identity = ("-c", "user.name=Forge", "-c", "user.email=forge@localhost")
    commit = git(*identity, "commit-tree", tree, "-p", base, "-p", head, "-m", f"Merge {request['branch']}")
    git("update-ref", base, commit)
    request |= {"state": "merged", "head": head}
    keep(found)
    return 0


def main(arguments: list[str]) -> int:
    with (FOLDER / "calls").open("a") as calls:
        calls.write(f"{' '.join(arguments[:2])}\n")
    plan = json.loads((FOLDER / "plan.json").read_text())
    if words := plan.get("fail", {}).get(arguments[0]):
        sys.stderr.write(f"{words}\n")
        return 1
    match arguments:
        case ["create", branch, base, title, body]:
            return create(branch, base, title, body)
        case ["lookup", branch]:
            return lookup(branch)
        case ["checks", url]:
            return checks(url, plan)
        case ["merge", url]:
            return merge(url)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
