VENV := .venv
PY := $(VENV)/bin/python

run: $(VENV)/runtime
	$(PY) server.py .demo --demo --open

test: $(VENV)/dev
	$(PY) -m pytest

lint: $(VENV)/dev
	$(PY) -m ruff check . && $(PY) -m mypy

fuzz: $(VENV)/dev
	$(PY) -m tests.fuzz.fuzz_tracker --inputs 100000 --seconds 900

bench: $(VENV)/dev
	$(PY) -m tests.bench

clean:
	rm -rf $(VENV) .demo .demo-* .pytest_cache .mypy_cache .ruff_cache .hypothesis tests/browser/output

$(VENV)/runtime: requirements.txt
	python3 -m venv $(VENV) && $(PY) -m pip install --quiet -r requirements.txt && touch $@

$(VENV)/dev: requirements.txt requirements-dev.txt
	python3 -m venv $(VENV) && $(PY) -m pip install --quiet -r requirements-dev.txt && touch $@ $(VENV)/runtime

.PHONY: run test lint fuzz bench clean
