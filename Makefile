VENV := .venv
PY := $(VENV)/bin/python
LOCK := $(VENV)/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock"
QUICK := tests/workflow tests/settings tests/store tests/js tests/events tests/test_payloads.py tests/test_prompts.py

# `make bench` measures everything, `make bench install delivery` the parts that it names.
ifeq (bench,$(firstword $(MAKECMDGOALS)))
PARTS := $(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS))
$(eval $(PARTS):;@:)
endif

# The tests start thousands of Python processes: where the environment forbids compiled files, each would compile anew.
unexport PYTHONDONTWRITEBYTECODE

run: $(VENV)/runtime
	$(PY) server.py .demo --demo --open

# A test that hangs fails after five minutes; the longest takes one.
test: $(VENV)/dev node_modules/ready
	$(PY) -m pytest --timeout 300 -n 4 --dist loadscope --no-loadscope-reorder

# A fast part of `make test`, for whoever changes one thing: rules, files and formats, few processes.
quick: $(VENV)/dev
	$(PY) -m pytest -n 2 -q -m "not slow" $(QUICK)

# Every combination of layout, tracker and lanes, and every version of BMAD; `make test` runs each layout and each kind of
# tracker once, and the oldest and the newest version.
worlds: $(VENV)/dev
	$(PY) -m pytest -n 3 -m "worlds or not worlds" tests/test_worlds.py tests/running/test_worlds.py tests/running/test_worlds_steering.py \
		tests/running/test_versions.py tests/running/test_case_runs.py tests/fleet/work/test_partitions.py tests/fleet/work/test_worlds.py

# The walks through the page at a desktop's width; `make test` does them at a phone's.
widths: $(VENV)/dev
	$(PY) -m pytest -n 2 -m worlds tests/browser

# The same proofs for longer: 10,000 steps of pages and kills, 100 kills of a run, at each commit, a lock of 35 seconds.
soak: $(VENV)/dev
	SPRINT_RUNNER_STEPS=10000 SPRINT_RUNNER_KILLS=100 SPRINT_RUNNER_MODEL_COMMITS=200 $(PY) -m pytest -n 2 -m "worlds or not worlds" \
		tests/realtime tests/test_money_over_kills.py tests/model/test_model.py

# A night of forty stories with fifteen kinds of mishap, limits, kills and a full disk.
night: $(VENV)/dev
	$(PY) -m pytest -q -m worlds tests/test_overnight.py

# A thousand batches in one folder and in one repository, which are changed from outside meanwhile; it counts as it goes.
model: $(VENV)/dev
	SPRINT_RUNNER_MODEL_MISCHIEF=1 SPRINT_RUNNER_MODEL_BATCHES=1000 $(PY) -m pytest -s -q tests/model/test_model.py

# A broker and a runner that are killed and stopped at random for minutes, while events are committed.
fleet-storm: $(VENV)/dev
	SPRINT_RUNNER_STORM_ROUNDS=100 $(PY) -m pytest -s -q -m worlds tests/fleet/stream/test_storm.py

# Sprints on two workers, while coordinator, workers and broker are killed, stopped and cut off in turn.
fleet-model: $(VENV)/dev
	SPRINT_RUNNER_FLEET_KILLS=100 $(PY) -m pytest -s -q --timeout 3600 tests/fleet/work/test_model.py

lint: $(VENV)/dev node_modules/ready
	$(PY) -m ruff check . && $(PY) -m mypy && node_modules/.bin/tsc -p tests/js
	node_modules/.bin/biome check --error-on-warnings

format: $(VENV)/dev node_modules/ready
	$(PY) -m ruff format . && node_modules/.bin/biome check --write

fuzz: $(VENV)/dev
	$(PY) -m tests.fuzz.fuzz_tracker --inputs 100000 --seconds 900
	$(PY) -m tests.fuzz.fuzz_routes --seconds 300

# One story with each of the five real programs, in their newest versions, offline; needs root and a gigabyte.
real: $(VENV)/dev
	tests/real_agents.sh

# A picture of every view and state at four widths in both schemes, into tests/browser/output/shots.
shots: $(VENV)/dev
	$(PY) -m tests.shots

# The film of the README, from a run of the demo.
film: $(VENV)/dev
	$(PY) -m tests.shots.film

bench: $(VENV)/dev
	$(PY) -m tests.bench $(PARTS)

# Versions and hashes of all dependencies, for every Python and system that is supported.
lock: $(VENV)/dev
	$(LOCK) requirements.txt --output-file requirements.lock
	$(LOCK) requirements-dev.txt --output-file requirements-dev.lock

clean:
	rm -rf $(VENV) .demo .demo-* .pytest_cache .mypy_cache .ruff_cache .hypothesis tests/browser/output node_modules

$(VENV)/runtime: requirements.lock
	python3 -m venv $(VENV) && $(PY) -m pip install --quiet --require-hashes -r requirements.lock && touch $@

$(VENV)/dev: requirements-dev.lock
	python3 -m venv $(VENV) && $(PY) -m pip install --quiet --require-hashes -r requirements-dev.lock && touch $@ $(VENV)/runtime

# The type checker, the formatter and the accessibility checker of the page, for development only.
node_modules/ready: package.json package-lock.json
	npm ci --silent --no-audit --no-fund && touch $@

.PHONY: run test quick worlds widths fleet-storm fleet-model soak lint format fuzz real shots film bench lock clean $(PARTS)
