# Two commands: `make run` and `make test`. They need Python 3.11 or newer and make, nothing else.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
REQUIREMENTS := requirements/runtime.txt requirements/embedded.txt requirements/development.txt
PIP := $(BIN)/python -m pip --disable-pip-version-check
LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header

.DEFAULT_GOAL := help
.PHONY: help setup run kafka test test-kafka chaos bench up clean lock

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Install everything into .venv, and nothing else

$(STAMP): pyproject.toml $(REQUIREMENTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Bleibe needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(PIP) install --quiet --no-compile --require-hashes $(REQUIREMENTS:%=-r %)
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

run: setup ## Play the demo on a system of its own and keep it running until Ctrl-C
	@exec $(BIN)/bleibe demo --cases 200

up: setup ## Start the system without the demo, until Ctrl-C
	@exec $(BIN)/bleibe up

NODES ?= 1

kafka: setup ## Start Apache Kafka on this machine (NODES=1 or 3), until Ctrl-C; needs java and mvn
	@exec $(BIN)/python -m deploy.kafka $(NODES)

test: setup ## Linters, types, import rules and every test that needs neither Docker nor Java
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest --numprocesses 3 --dist loadfile --ignore tests/system --ignore tests/kafka
	$(BIN)/pytest --numprocesses 2 --dist loadfile tests/system $(if $(FULL),,-m "not long")
	@$(if $(FULL),,echo "NOT RUN: tests marked long; make test FULL=1 does that")

# Who gets through the relay, the pipeline and death is the broker's business; what the services decide is not: of their tests
# those that ask for a broker. Of all that can be recovered alone, outreach hears and says most.
ASKING := $(shell grep -l 'bootstrap: str' tests/service/test_*.py)
RECOVERED := tests/system/test_recover.py::test_a_database_restored_from_a_backup_loses_and_doubles_nothing
ON_KAFKA := tests/contract/messaging tests/fault $(ASKING) \
	$(if $(FULL),tests/system,tests/system/test_kill.py '$(RECOVERED)[outreach]' '$(RECOVERED)[all]')

test-kafka: setup ## The same tests on Apache Kafka (FULL=1: all of tests/system), and what it alone can show; needs java and mvn
	$(BIN)/pytest tests/kafka
	BLEIBE_TEST_KAFKA=1 $(BIN)/pytest --numprocesses 2 --dist loadfile $(ON_KAFKA)
	@$(if $(FULL),,echo "NOT CHECKED on Apache Kafka: tests/system, but for test_kill.py and recovering outreach or all; make test-kafka FULL=1 does that")

MINUTES ?= 2

chaos: setup ## Load and faults for MINUTES on NODES of Kafka (0: the embedded broker), then the verdict; SEED repeats a schedule
	@exec $(BIN)/python -m tests.chaos --minutes $(MINUTES) --nodes $(NODES) $(if $(SEED),--seed $(SEED))

bench: setup ## Speed beside what else a team would pick, half an hour of it (QUICK=1: minutes): a table in benchmarks/results
	@$(PIP) install --quiet --require-hashes -r requirements/benchmarks.txt
	@exec $(BIN)/python -m benchmarks.speed $(if $(QUICK),--quick)

clean: ## Remove .venv, caches and the data folder with its databases
	@$(PYTHON) -m deploy.local.clean
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info

lock: setup ## Pin the newest allowed versions of all packages
	$(LOCK) pyproject.toml --group build --output-file requirements/runtime.txt
	$(LOCK) --group embedded --constraints requirements/runtime.txt --output-file requirements/embedded.txt
	$(LOCK) --group development --constraints requirements/runtime.txt --constraints requirements/embedded.txt \
		--output-file requirements/development.txt
	$(LOCK) --group benchmarks --constraints requirements/runtime.txt --constraints requirements/embedded.txt \
		--constraints requirements/development.txt --output-file requirements/benchmarks.txt
	$(LOCK) --group benchmarks-quixstreams --output-file requirements/benchmarks-quixstreams.txt
