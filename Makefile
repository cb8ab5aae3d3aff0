# Two commands: make run, make test. `make help` lists the others.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WORKERS ?= 2
YEARS ?= 1000
FIRST ?= 0
PYTEST := $(BIN)/pytest -n $(WORKERS)

unexport PYTHONDONTWRITEBYTECODE
unexport PYTHONPATH
export PYTHONPATH := $(CURDIR)/include:$(CURDIR)/plugins
export DVC_NO_ANALYTICS := 1
export GX_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1
export MLFLOW_DISABLE_TELEMETRY := true

.DEFAULT_GOAL := help
.PHONY: help install run up down test lint types unit test-order test-commands test-lives test-attacks test-gpu simulate coverage format wheels lock clean screenshots drawing browser postgres bench-night bench-gate bench-drift bench-replay bench-growth bench-story bench-data bench-features bench-leaks bench-memory bench-gpu

help: ## List these targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## Make .venv from requirements.txt
	@echo "Installed in $(VENV). Next: make run tells the loop's story; make up starts Airflow and MLflow; $(BIN)/ratchet --help lists the commands."

$(STAMP): requirements.txt pyproject.toml scripts/install.sh
	@sh scripts/install.sh "$(PYTHON)" "$(VENV)"
	@touch $@

run: $(STAMP) ## Tell the loop's story on real flights, through Airflow, and print what came of it
	@$(BIN)/python -m deploy.local run

up: $(STAMP) ## Leave Airflow and MLflow running, and print their addresses and the login
	@$(BIN)/python -m deploy.local up

down: $(STAMP) ## Stop what `make up` started
	@$(BIN)/python -m deploy.local down

test: lint types unit ## Run every check: style, types, architecture, unit, integration, end to end

lint: $(STAMP) ## Check style, Airflow's rules, the arrows between the layers, and the contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python scripts/check_style.py
	$(BIN)/lint-imports
	$(BIN)/ratchet lint

types: $(STAMP) ## Check types, strictly
	$(BIN)/mypy

unit: $(STAMP) browser postgres ## Run the tests alone, in WORKERS=2 processes
	$(PYTEST)

test-order: $(STAMP) ## Ask the real scheduler for nights at once, in any order, twice, after a week off, and to retrain each night (8 minutes)
	$(PYTEST) -n 0 tests/slow/test_order.py tests/slow/test_every_night.py

test-commands: $(STAMP) ## Run every command of README and docs as it is printed, on an installation of its own (5 minutes)
	$(PYTEST) -n 0 tests/slow/test_commands.py

test-lives: $(STAMP) ## Live sixty nights by the steps and by the replay, and compare the ledgers entry by entry (3 minutes)
	$(PYTEST) -n 0 tests/slow/test_lives.py

test-attacks: $(STAMP) browser ## Try to get in: strangers, viewers, users without a right, other system users, a browser (4 minutes)
	$(PYTEST) -n 0 tests/attacks

test-gpu: $(STAMP) ## Train on the card of a machine that has one (1 minute; CI's has none)
	$(PYTEST) -n 0 tests/gpu

simulate: $(STAMP) ## Live YEARS=1000 random years of the machine, from the seed FIRST=0 on; a seed that breaks something is shrunk
	@$(BIN)/python -m tests.simulation $(YEARS) $(FIRST)

coverage: $(STAMP) browser postgres ## Run the tests, and say which lines they do not reach (a quarter slower)
	$(PYTEST) --cov=ratchet --cov=ratchet_airflow --cov-report=term:skip-covered

format: $(STAMP) ## Put the code into the one style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

wheels: $(STAMP) ## Build the distributions ratchet and ratchet-airflow into build/wheels
	@sh scripts/wheels.sh $(BIN)/python build/wheels

browser: ## Install the Chromium that the browser tests drive, where it is missing
	@sh scripts/browser.sh

postgres: ## Install the PostgreSQL that the tests of sources start, where it is missing
	@sh scripts/postgres.sh

screenshots: $(STAMP) browser ## Take the README's pictures anew, from a running installation (make up)
	$(BIN)/python -m scripts.screenshots

drawing: $(STAMP) ## Draw the imports between the rooms of the code anew, for docs/architecture.md
	$(BIN)/python -m scripts.draw_imports

bench-night: $(STAMP) ## Measure what the steps of a night cost, with and without the fork server
	$(BIN)/python -m benchmarks.night

bench-gate: $(STAMP) ## Measure what the duel is worth beside other gates, on the flights of 2013 (20 minutes)
	$(BIN)/python -m benchmarks.gate

bench-replay: $(STAMP) ## Measure what retraining policies are worth, on the flights of 2013 (12 minutes)
	$(BIN)/python -m benchmarks.replay

bench-growth: $(STAMP) ## Measure what a night costs at 30, 365 and 1,095 days of age, alone and beside ten loops (10 minutes)
	$(BIN)/python -m benchmarks.growth

bench-story: $(STAMP) ## Measure what the story of make run costs, at version 0.1.0 and now (20 minutes)
	$(BIN)/python -m benchmarks.story

bench-drift: $(STAMP) ## Measure the drift check: false alarms by age of the history, delays, seconds, beside Evidently's (10 minutes)
	$(BIN)/python -m benchmarks.drift

bench-data: $(STAMP) ## Measure what fetch, validate and publish of days of up to five million rows cost (10 minutes)
	$(BIN)/python -m benchmarks.data

bench-features: $(STAMP) ## Measure what features cost, kept a file a day, on the flights of 2013 and days of many rows (10 minutes)
	$(BIN)/python -m benchmarks.features

bench-leaks: $(STAMP) ## Measure what leaks in features pretend, on the flights of 2013 (15 minutes)
	$(BIN)/python -m benchmarks.leaks

bench-memory: $(STAMP) ## Measure what memory a training of up to five million rows takes (5 minutes)
	$(BIN)/python -m benchmarks.memory

bench-gpu: $(STAMP) ## Measure what a GPU is worth to the torch trainer, on the flights of 2013 (5 minutes)
	$(BIN)/python -m benchmarks.gpu

lock: $(STAMP) ## Pin anew what pyproject.toml asks for
	$(BIN)/uv pip compile $(foreach link,$(PIP_FIND_LINKS),--find-links $(link)) pyproject.toml plugins/pyproject.toml --extra all --extra dev --no-emit-package ratchet -o requirements.txt --python-version 3.11 --upgrade --quiet \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links
	sed -i -E -e 's/^(torch==[0-9.]+)\+.*/\1/' -e '/^(nvidia|cuda|triton)/d' requirements.txt # torch brings its own CUDA, or none

clean: down ## Delete the environment and all state
	rm -rf $(VENV) var build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
