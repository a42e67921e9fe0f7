# Power Status Tracker: every way to run and check it. `make help` lists them.

SHELL := /bin/sh
PYTHON ?= python3
CONFIG ?= config.yaml
KILLS ?= 200
BIN := .venv/bin
UV := PYTHON="$(PYTHON)" tools/uv
LOCKED := pyproject.toml uv.lock
# An index that this machine prefers must not end up in the lock file.
ANY_INDEX := env -u UV_INDEX -u UV_INDEX_URL -u UV_DEFAULT_INDEX -u UV_EXTRA_INDEX_URL -u UV_FIND_LINKS

.DEFAULT_GOAL := help
.PHONY: help setup programs run test lint types imports unit dashboards format bench crash stack-test lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: .venv/.all programs ## everything for development: .venv and the tests' real programs

# What tests need is more than what running needs: `make run` brings only the latter, and leaves
# alone what `make setup` has brought.
.venv/.all: $(LOCKED)
	$(UV) sync --locked --quiet
	@touch .venv/.run $@

.venv/.run: $(LOCKED)
	$(UV) sync --locked --quiet --no-default-groups --inexact
	@touch $@

# Where they cannot be had, the tests that need them are reported as not run; in CI that is a fault.
programs: ## unpack the tests' real programs into .tools (part of setup)
	@$(PYTHON) tools/fetch_debian.py || [ "$${CI:-}" != true ]
	@$(PYTHON) tools/fetch_flux.py || [ "$${CI:-}" != true ]

run: .venv/.run ## start it with config.yaml (CONFIG=FILE for another); Ctrl-C stops it
	@exec $(BIN)/power-status run --config $(CONFIG)

test: lint types imports unit ## everything that CI checks

lint: .venv/.all ## style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.all ## static types
	$(BIN)/mypy

imports: .venv/.all ## which module may import which
	$(BIN)/lint-imports

# Most end-to-end tests wait for real programs: three at a time keep two cores busy.
unit: setup ## unit and end-to-end tests, three at a time
	$(BIN)/pytest --numprocesses 3 --dist worksteal

dashboards: .venv/.all ## write Grafana's dashboards anew from grafana/*.py
	$(BIN)/python -W ignore -m grafana

format: .venv/.all ## mend style and formatting in place
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## the benchmarks, each beside its peer
	$(BIN)/python -m bench

crash: setup ## kill exporter and relay again and again (KILLS=200) and look for what was lost
	$(BIN)/pytest tests/e2e/test_crash.py tests/e2e/test_relay_crash.py --kills $(KILLS) \
		-o faulthandler_timeout=0

# Where no engine can be had it says so; in CI that is a fault.
stack-test: setup ## the whole compose file on a Docker engine of its own (needs root and dockerd)
	@$(PYTHON) tools/stack_files.py || true
	$(BIN)/pytest tests/stack/test_stack.py --maxfail=1 -o faulthandler_timeout=0

lock: ## resolve the dependencies anew into uv.lock
	$(ANY_INDEX) $(UV) lock --upgrade

clean: ## remove what setup and the checks have made (not your data)
	rm -rf .venv .tools .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
