#!/bin/bash
# Runs the demo project's first story with the real programs, offline, against a scripted API on loopback.
#
#     tests/real_agents.sh                 claude codex gemini opencode qwen, and the same over ACP: claude-acp …
#     tests/real_agents.sh claude qwen-acp     only these
#
# It needs root (a network namespace), npm, node, util-linux, iproute2. It installs the newest version of each program
# (100 to 400 MB) into a temporary folder, which is removed again, and starts this server in a namespace that has only a
# loopback interface. Nothing leaves the machine but the installation. Not part of the test suite, for its size.
#     MOCK_API   folder with mock_others.py and run_in_ns.sh (default: shared/mock-api beside the repository)
#     PACKAGES   a folder to keep the installed packages in, and to take them from: PACKAGES/claude/node_modules/…
#     PYTHON     the Python of this project (default: the one in .venv)
#     VERSION    of the packages (default: latest)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mock=${MOCK_API:-$root/../shared/mock-api}
python=${PYTHON:-$root/.venv/bin/python}

missing() { echo "real_agents.sh: $1" >&2; exit 2; }
[ -x "$python" ] || missing "there is no Python at $python: make it with 'make test', or name one in PYTHON"
[ -f "$mock/mock_others.py" ] || missing "there is no mock API at $mock: name its folder in MOCK_API"
[ "$(id -u)" = 0 ] || missing "a network namespace needs root"
for tool in unshare ip git; do command -v "$tool" > /dev/null || missing "$tool is not installed"; done

declare -A packages=(
    [claude]=@anthropic-ai/claude-code [codex]=@openai/codex [gemini]=@google/gemini-cli
    [opencode]=opencode-ai [qwen]=@qwen-code/qwen-code
    [claude-acp]=@agentclientprotocol/claude-agent-acp [codex-acp]=@agentclientprotocol/codex-acp
)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cli=${PACKAGES:-$work/packages}
mkdir -p "$cli"

# NAME PACKAGE: installs a package, unless it is there.
install() {
    [ -d "$cli/$1/node_modules/.bin" ] && return
    command -v npm > /dev/null || missing "npm is not installed, and PACKAGES has no $1"
    echo "Installing $2…"
    mkdir -p "$cli/$1"
    npm install --silent --no-audit --no-fund --prefix "$cli/$1" "$2" > "$work/npm.log" 2>&1 ||
        { tail -20 "$work/npm.log" >&2; missing "the installation of $2 failed"; }
}

# What the namespace must see although it lies under a folder that is hidden there.
bases=$("$python" -c 'import sys; print(sys.prefix, sys.base_prefix)')
cli=$(cd "$cli" && pwd)
mock=$(cd "$mock" && pwd)
wanted=("$@")
[ ${#wanted[@]} -gt 0 ] || wanted=({claude,codex,gemini,opencode,qwen}{,-acp})
failed=()
for name in "${wanted[@]}"; do
    from=$name
    [ -n "${packages[$name]:-}" ] || from=${name%-acp}  # speaks it itself, or behind an adapter with a package of its own
    [ -n "${packages[$from]:-}" ] || missing "there is no program $name: ${!packages[*]}, or one of these with -acp"
    install "$from" "${packages[$from]}@${VERSION:-latest}"
    path=$cli/$from/node_modules/.bin
    if [[ "$name" = qwen* || "$name" = claude-acp ]] && [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 22 ]; then
        install node node@22
        path=$cli/node/node_modules/.bin:$path
    fi
    echo "== $name"
    mkdir "$work/$name"
    (
        cd "$work/$name"
        KEEP="$root $cli $work $mock $bases" "$mock/run_in_ns.sh" \
            "$python" "$root/tests/real/story.py" --program "$name" --path "$path" --mock "$mock" --work "$work/$name"
    ) || failed+=("$name")
done
[ ${#failed[@]} -eq 0 ] || { echo "FAILED: ${failed[*]}" >&2; exit 1; }
