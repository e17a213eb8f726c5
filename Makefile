# Everything here needs Python 3.11 (or newer) and make, nothing else; .venv is made on first use.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Each test process, and each one it starts, would otherwise compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo serve test postgres-test system-test browser-test docs-test chaos fuzz bench cover docs check lint types layers templates wheel format clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml constraints.txt
	@echo "Installing into $(VENV), once …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(STAMP) ## See it work: a simulated provider, the bridge and a receiver, in ten seconds
	$(BIN)/video-bridge demo

serve: $(STAMP) ## Run the server with the settings of the environment and .env
	$(BIN)/video-bridge serve

test: $(STAMP) ## Run the tests (below three minutes on two cores)
	$(BIN)/python -m pytest -q -n 3 --dist loadfile

postgres-test: $(STAMP) ## Run on PostgreSQL, too, what `make test` runs on SQLite alone
	BRIDGE_TEST_DATABASES=postgresql $(BIN)/python -m pytest -q -n 3 --dist loadfile -m 'not system'

system-test: $(STAMP) ## Start, kill, cut at every step and restart whole processes, and let hours pass (three minutes)
	$(BIN)/python -m pytest -q -n 3 --dist loadfile -m 'system or long'

browser-test: $(STAMP) ## Drive the dashboard with Chromium (SCREENSHOTS=docs/images makes the pictures anew)
	BRIDGE_TEST_BROWSER=1 BRIDGE_TEST_SCREENSHOTS=$(SCREENSHOTS) $(BIN)/python -m pytest -q tests/browser

docs-test: $(STAMP) ## Run every block of README and docs for real (two minutes; needs bash, curl, openssl, node and npm)
	BRIDGE_TEST_DOCS=1 $(BIN)/python -m pytest -q tests/docs

chaos: $(STAMP) ## Kill, freeze and restart everything at full size (about a quarter of an hour)
	BRIDGE_TEST_CHAOS=full $(BIN)/python -m pytest -q -s -m system tests/chaos

fuzz: $(STAMP) ## Send more than 20,000 made-up requests to a real server, and let deliveries go every way (15 minutes)
	BRIDGE_TEST_FUZZ=full $(BIN)/python -m pytest -q -s -m '' tests/fuzz
	BRIDGE_TEST_FUZZ=full $(BIN)/python -m pytest -q -o timeout=1200 tests/store/test_machine.py

bench: $(STAMP) ## Measure, as ratios against baselines of the same run; writes docs/benchmarks.md (40 minutes)
	$(BIN)/python -m tests.bench --write docs/benchmarks.md

cover: $(STAMP) ## Run all tests, each on both databases, and show what they do not reach
	BRIDGE_TEST_DATABASES=both $(BIN)/python -m pytest -q -m '' -n 2 --dist loadfile --cov --cov-report=term --cov-fail-under=95

docs: $(STAMP) ## Build the documentation as a site into docs/_build, its reference from the code
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	$(BIN)/python -m tests.reference
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going -b html docs docs/_build
	@echo "docs/_build/index.html"

check: lint types layers templates wheel ## Lint, types, import layers, templates, and the wheel in an empty environment

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

layers: $(STAMP)
	$(BIN)/lint-imports

templates: $(STAMP)
	$(BIN)/video-bridge templates check

wheel: $(STAMP)
	$(BIN)/python tests/check_wheel.py

format: $(STAMP) ## Put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove what was made here
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage*
