# make reproduce   the environment, then the default suite: tables, figures and the report
# make test        the environment, then lint, unit tests and a smoke run of the whole workflow
# make bench       the environment, then the timings and memory of docs/performance.md, about half an hour on a free core
PYTHON ?= python3
CORES ?= all
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: help install reproduce test bench lint generated

help:
	@sed -n 's/^# make/make/p' Makefile

install: $(INSTALLED)

$(INSTALLED): requirements.lock pyproject.toml mazo/zeroth_order/cpu_kernels.c
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else \
	  f"wanted Python >= 3.11, found {sys.version.split()[0]} as $(PYTHON): try make PYTHON=python3.12 $(MAKECMDGOALS)")'
	@echo "Installing the pinned packages into .venv (a few minutes, once) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

reproduce: $(INSTALLED)
	@$(BIN)/snakemake all report_html --cores $(CORES)

test: lint
	@$(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder

bench: $(INSTALLED)
	@$(BIN)/python benchmarks/steps.py --out docs/performance.md --plot docs/performance.svg
	@$(BIN)/python benchmarks/step_memory.py --out docs/performance.md
	@$(BIN)/python benchmarks/scaling.py --out docs/performance.md
	@$(BIN)/python benchmarks/workflow_cost.py --out docs/performance.md

lint: $(INSTALLED)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/snakefmt --check Snakefile workflow
	@$(BIN)/snakemake --lint
	@$(BIN)/mypy

# The schema and the table of config/README.md, from the settings classes.
generated: $(INSTALLED)
	@$(BIN)/mazo schema --out workflow/schemas/config.schema.yaml
	@$(BIN)/mazo keys --out config/README.md
