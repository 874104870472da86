#!/bin/bash
# Runs the demo project's first story with the real Claude Code, offline, against a scripted API on loopback.
#
#     tests/real_agents.sh            needs root (a network namespace), npm, node, util-linux, iproute2
#
# It installs the newest Claude Code (some 360 MB) into a temporary folder, which is removed again, and starts this
# server in a namespace that has only a loopback interface. Nothing leaves the machine but the installation.
# Not part of the test suite, for its size. Variables:
#     MOCK_API   folder with mock_anthropic.py and run_in_ns.sh (default: shared/mock-api beside the repository)
#     CLAUDE     an installed package folder to use instead of installing (it has node_modules/.bin/claude)
#     PYTHON     the Python of this project (default: the one in .venv)
#     VERSION    of the package (default: latest)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mock=${MOCK_API:-$root/../shared/mock-api}
python=${PYTHON:-$root/.venv/bin/python}

missing() { echo "real_agents.sh: $1" >&2; exit 2; }
[ -x "$python" ] || missing "there is no Python at $python: make it with 'make test', or name one in PYTHON"
[ -f "$mock/mock_anthropic.py" ] || missing "there is no mock API at $mock: name its folder in MOCK_API"
[ "$(id -u)" = 0 ] || missing "a network namespace needs root"
for tool in unshare ip git; do command -v "$tool" > /dev/null || missing "$tool is not installed"; done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cli=${CLAUDE:-$work/cli}
if [ ! -x "$cli/node_modules/.bin/claude" ]; then
    command -v npm > /dev/null || missing "npm is not installed, and CLAUDE names no installed package"
    echo "Installing Claude Code…"
    mkdir -p "$cli"
    npm install --silent --no-audit --no-fund --prefix "$cli" "@anthropic-ai/claude-code@${VERSION:-latest}" > "$work/npm.log" 2>&1 ||
        { tail -20 "$work/npm.log" >&2; missing "the installation failed"; }
fi
cli=$(cd "$cli" && pwd)
mock=$(cd "$mock" && pwd)

# What the namespace must see although it lies under a folder that is hidden there.
bases=$("$python" -c 'import sys; print(sys.prefix, sys.base_prefix)')
cd "$work"
KEEP="$root $cli $work $mock $bases" "$mock/run_in_ns.sh" \
    "$python" "$root/tests/real/story.py" --cli "$cli/node_modules/.bin" --mock "$mock" --work "$work"
