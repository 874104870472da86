VENV := .venv
PY := $(VENV)/bin/python

run: $(VENV)/runtime
	$(PY) server.py .demo --demo --open

test: $(VENV)/dev node_modules/ready
	$(PY) -m pytest -n 3 --dist loadgroup --no-loadscope-reorder

lint: $(VENV)/dev node_modules/ready
	$(PY) -m ruff check . && $(PY) -m mypy && node_modules/.bin/tsc -p tests/js
	node_modules/.bin/biome check --error-on-warnings

format: $(VENV)/dev node_modules/ready
	$(PY) -m ruff format . && node_modules/.bin/biome check --write

fuzz: $(VENV)/dev
	$(PY) -m tests.fuzz.fuzz_tracker --inputs 100000 --seconds 900
	$(PY) -m tests.fuzz.fuzz_routes --seconds 300

bench: $(VENV)/dev
	$(PY) -m tests.bench

clean:
	rm -rf $(VENV) .demo .demo-* .pytest_cache .mypy_cache .ruff_cache .hypothesis tests/browser/output node_modules

$(VENV)/runtime: requirements.txt
	python3 -m venv $(VENV) && $(PY) -m pip install --quiet -r requirements.txt && touch $@

$(VENV)/dev: requirements.txt requirements-dev.txt
	python3 -m venv $(VENV) && $(PY) -m pip install --quiet -r requirements-dev.txt && touch $@ $(VENV)/runtime

# The type checker, the formatter and the accessibility checker of the page, for development only.
node_modules/ready: package.json package-lock.json
	npm ci --silent --no-audit --no-fund && touch $@

.PHONY: run test lint format fuzz bench clean
