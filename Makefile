# Two commands do everything on a fresh machine with Python >= 3.11 and make:
#   make demo    sets up .venv and runs the main job on a real newborn
#   make test    the same, and passes the tests
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.DEFAULT_GOAL := test
.PHONY: setup demo test slow reference lint format types contracts docs bench lock check clean

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "individose needs Python 3.11 or later; this is " + sys.version.split()[0] + ". Set PYTHON=python3.11, say.")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY)          ## the main job: a newborn's phenobarbital levels in, a dose out (writes demo.html)
	$(BIN)/individose estimate examples/newborn.json --html demo.html

test: $(READY)          ## all tests of the default run
	$(BIN)/python -m pytest -n auto -m "not slow"

slow: $(READY)          ## recoveries and large runs
	$(BIN)/python -m pytest -n auto -m slow

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(READY)
	$(BIN)/pyright

contracts: $(READY)     ## which room may import which
	$(BIN)/lint-imports

docs: $(READY)          ## the documentation as a site, into site/
	$(BIN)/mkdocs build --strict

bench: $(READY)         ## benchmarks, one after the other; results are printed and kept under benchmarks/results
	$(BIN)/python -m benchmarks

lock: $(READY)          ## renew requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev --group build --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" -o requirements.lock

check: lint types contracts test docs

clean:
	rm -rf $(VENV) site demo.html .pytest_cache .ruff_cache .hypothesis
