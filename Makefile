# Everything here sets itself up: Python 3.11 (or newer), make and pip are all it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt
# Most of a test is waiting for processes and servers, so thrice as many run at once as there are cores.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(3 * (os.cpu_count() or 1))')
# Hundreds of processes read the same modules: compiled once, a run takes half a minute less on two cores.
unexport PYTHONDONTWRITEBYTECODE
# What is set up: enough for the demo, and what tests and checks need as well.
DEMO := $(VENV)/.demo-ready
READY := $(VENV)/.ready
COLLECTED := $(VENV)/.collected
LOCK := UV_CUSTOM_COMPILE_COMMAND='make lock' uv pip compile --quiet --upgrade --universal --python-version 3.11 \
  --constraint constraints.txt --generate-hashes --no-emit-index-url

.PHONY: demo test simulate lint check bench format goldens docs lock pictures clean help

help:  ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

$(DEMO): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=python3.11")'
	@echo 'Setting up the bot and its demo in $(VENV), 180 MB: a minute, please. The next time it starts at once.'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@$(PIP_INSTALL) --editable '.[demo]'
	@touch $@

$(READY): $(DEMO)
	@echo 'Setting up what tests and checks need, 370 MB: a minute or two, please.'
	@$(PIP_INSTALL) --group dev
	@touch $@

# Each worker would prepare every test for itself, all at the same time.
$(COLLECTED): | $(READY)
	@$(BIN)/pytest --collect-only -qq >/dev/null || true  # what is wrong shows when the tests run
	@touch $@

demo: $(DEMO)  ## the bot against a simulated VBR and Slack; prints the page's address
	$(BIN)/veeam-bot demo

test: $(READY) | $(COLLECTED)  ## all tests
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

# 18 schedules a round; eight cores take a quarter of an hour. A round that fails says the SEED to run it again by.
ROUNDS ?= 170
simulate: $(READY)  ## the watch under thousands of random schedules of ends, kills, mutes and lost replies
	ROUNDS=$(ROUNDS) $(BIN)/pytest tests/rooms/watch/test_exactly_once.py -n auto --dist worksteal

lint: $(READY)  ## formatting, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test  ## all of it, before you commit

bench: $(READY)  ## the figures, each against a floor measured in the same run
	$(BIN)/python -m tests.bench

format: $(READY)  ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

goldens: $(READY)  ## the views' golden messages, anew; look at what changed
	UPDATE_GOLDENS=1 $(BIN)/pytest -n0 tests/unit/slack/test_goldens.py
	git diff --stat tests/unit/slack/golden

lock:  ## the hashes of what a deployment installs, by constraints.txt; needs uv
	@$(LOCK) pyproject.toml --output-file requirements.lock
	@$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
	  | $(LOCK) - --output-file deploy/requirements-build.lock
	@$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["pictures"], sep="\n")' \
	  | $(LOCK) - --output-file deploy/requirements-pictures.lock

docs: $(READY)  ## the pages that are made from code
	$(BIN)/python docs/generate.py

pictures: $(READY)  ## all pictures of the docs, from the demo page
	$(BIN)/pytest -n0 tests/acceptance/test_browser.py --save-pictures

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
