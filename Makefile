# make run    serves on http://127.0.0.1:8000        make run ARGS="--port 8001"
# make test   sets up and tests                      make test ARGS="tests/domain -x"

VENV = .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --no-input --disable-pip-version-check --quiet
PYTHON =
ARGS =
LOCK_ARGS =
EXAMPLES = 50
SECONDS = 3600
UV = 0.13.9

.DELETE_ON_ERROR:
.PHONY: help install run test fuzz soak check format services bench bench-quick lock surface clean

help:
	@echo 'make install       .venv with everything that running, testing and checking need'
	@echo 'make run           migrate, make a first admin if there is none, serve (ARGS="--port 8001")'
	@echo 'make test          the tests; those for PostgreSQL, Redis, memcached and Node.js are skipped without (ARGS="tests/domain")'
	@echo 'make fuzz          requests made from the OpenAPI document, many more of them than in the tests (EXAMPLES=50)'
	@echo 'make soak          four workers under mixed load, tormented and then left alone (SECONDS=3600)'
	@echo 'make check         lint, format, types, import contracts; no warnings'
	@echo 'make format        put imports and lines in order'
	@echo 'make services      find or start PostgreSQL, Redis and memcached for the tests and print NAME=URL of each'
	@echo 'make bench         all figures, beside their goals; bench-quick: those of one process, in a minute'
	@echo 'make surface       docs/surface.txt anew: what extensions are meant to use'
	@echo 'make lock          constraints.txt anew, keeping what still fits (LOCK_ARGS=--upgrade: newest of all)'
	@echo 'make clean         remove what was made here; data in .hexkey stays'

install: $(VENV)/installed

# Hashes first: pip takes a file with hashes only if all it installs has one, and our own package has none.
$(VENV)/installed: $(VENV)/locked pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/locked: constraints.txt
	@echo 'Setting up $(VENV); this takes a minute.'
	@python='$(PYTHON)'; : "$${python:=$$(sh .ci/python)}" && "$$python" -m venv --clear $(VENV)
	@$(PIP) install --require-hashes --requirement constraints.txt
	@touch $@

# The certified OpenID provider that tests sign in with. Without Node.js they are skipped, and say so.
OPENID = tests/oidc_provider/node_modules
$(OPENID): tests/oidc_provider/package-lock.json
	@! command -v node >/dev/null || ! command -v npm >/dev/null || \
		{ npm --prefix tests/oidc_provider ci --silent && touch $@; } || \
		echo 'oidc-provider was not installed; its tests are skipped' >&2

run: install
	@$(BIN)/hexkey database upgrade --no-prompt
	@$(BIN)/hexkey users create --admin --email admin@example.org --if-none
	@$(BIN)/hexkey run $(ARGS)

# On every core; a file's tests stay together, since they share the servers that they start.
# Four workers that are timed have the machine to themselves, before the others.
ALONE = tests/faults/test_revocations.py
test: install $(OPENID)
	@$(if $(ARGS),,$(BIN)/python -m pytest $(ALONE))
	@$(BIN)/python -m pytest -n auto --dist loadfile $(if $(ARGS),$(ARGS),--ignore $(ALONE))

fuzz: install
	@HEXKEY_TEST_FUZZ=$(EXAMPLES) $(BIN)/python -m pytest -n auto --dist load tests/app/test_fuzzing_people.py tests/app/test_fuzzing_machines.py $(ARGS)

soak: install
	@HEXKEY_TEST_MIXED=$(SECONDS) HEXKEY_TEST_SOAK=$(SECONDS) $(BIN)/python -m pytest -s tests/faults/test_mixed_load.py

check: install
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy --strict
	@PYTHONWARNINGS=error $(BIN)/lint-imports --no-logo

format: install
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

services:
	@bash .ci/services

# wrk makes the load; where it is missing and we may, it is installed, and else the run says how to get it.
bench: install
	@command -v wrk >/dev/null || { test "$$(id -u)" = 0 && apt-get install --yes --quiet wrk >/dev/null; } || true
	@$(BIN)/python -m benchmarks $(ARGS)

bench-quick: install
	@$(BIN)/python -m benchmarks --quick $(ARGS)

# For every platform and Python from 3.11 on at once; the tool is pinned and lives outside .venv.
lock:
	@python='$(PYTHON)'; : "$${python:=$$(sh .ci/python)}" && "$$python" -m venv --clear $(VENV)/lock
	@$(VENV)/lock/bin/python -m pip --quiet install uv==$(UV)
	@$(VENV)/lock/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
		--no-annotate --no-header --extra otel --group test --group check --group build \
		pyproject.toml --output-file constraints.txt $(LOCK_ARGS)

surface: install
	@$(BIN)/python -m tests.architecture.surface

clean:
	@rm -rf $(VENV) $(OPENID) dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find src tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
