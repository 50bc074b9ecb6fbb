# What a developer types. Needs Python 3.11 or newer, git and make; everything else goes into .venv.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help install deploy demo test test-fast soak fuzz edits peers java lint types bench bench-scoring complete-read wheel constraints clean

VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# The first interpreter that is new enough. Override with: make install PYTHON=/path/to/python
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	command -v $$name >/dev/null 2>&1 && $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$name; break; }; done)

# $(call venv,FOLDER,WHAT TO INSTALL,WHAT ELSE BUILDS IT): the one way that Leadline is installed, here and in the image.
# Versions are those of constraints.txt, the build tool's included.
define venv
	@[ -n "$(PYTHON)" ] || { echo "Leadline needs Python 3.11 or newer: none found as python3.11 ... python3." >&2; exit 2; }
	@[ -x "$(1)/bin/python" ] || $(PYTHON) -m venv "$(1)"
	@"$(1)/bin/python" -m pip install --quiet --disable-pip-version-check --constraint constraints.txt pip hatchling $(3)
	@"$(1)/bin/python" -m pip install --quiet --constraint constraints.txt --no-build-isolation $(2)
endef

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED) ## everything for development, into .venv

$(INSTALLED): pyproject.toml constraints.txt
	$(call venv,$(VENV),--editable '.[sandbox$(,)postgres$(,)spark]' --group dev,setuptools)
	@touch $@

PREFIX ?= /opt/leadline
deploy: ## only what a worker needs, into PREFIX (used by the Dockerfile)
	$(call venv,$(PREFIX),'.[all$(,)postgres]')

demo: install ## the whole loop on two local CRMs, in two minutes
	@$(BIN)/leadline demo

# Three processes on two cores: many tests wait for a worker process or for a server.
PYTEST := $(BIN)/pytest -q -n 3 --dist worksteal

test: install ## every test
	@$(PYTEST)

soak: install ## a simulated day with 2 % faults and three killed workers an hour, against an undisturbed one
	@SOAK_HOURS=24 $(BIN)/pytest -q -s -m heavy tests/flow/test_soak.py

fuzz: install ## scoring beside its reference, 10,000 random pairs of each kind; FUZZ="--pairs N --only walk|scoring|interval|minutes"
	@$(BIN)/python -m tests.oracle.fuzz $(FUZZ)

edits: install ## stored scores after 1,000 random edit sequences have the digest of everything scored anew; half an hour
	@EDIT_SEQUENCES=1000 $(PYTEST) tests/flow/test_digest_of_edits.py

test-fast: install ## every test that does not need minutes
	@$(PYTEST) -m "not heavy"

lint: install ## ruff: rules and format; import-linter: layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo

types: install ## mypy, strict
	@$(BIN)/mypy

# Clients by others, each in an environment of its own: their dependencies disagree.
PEERS := $(patsubst tests/peers/python/%.txt,.peers/%/.installed,$(wildcard tests/peers/python/*.txt)) .peers/scoring/.installed

peers: install .peers/js/.installed $(PEERS) ## clients by others, for tests/peers; takes Node from the machine, or installs it as root

.peers/js/.installed: tests/peers/package.json tests/peers/package-lock.json
	@command -v npm >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		&& apt-get -qq update && apt-get -qq install -y --no-install-recommends nodejs npm >/dev/null; } \
		|| { echo "The peers need Node 18 or newer with npm: install them, then run this again." >&2; exit 2; }
	@mkdir -p $(@D) && cp tests/peers/package.json tests/peers/package-lock.json $(@D)
	@npm --prefix $(@D) ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

.peers/%/.installed: tests/peers/python/%.txt
	@[ -x "$(@D)/bin/python" ] || $(PYTHON) -m venv "$(@D)"
	@"$(@D)/bin/python" -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

java: install ## a Java for the tests of Spark: the machine's, or installed as root
	@$(BIN)/python -m leadline.frames.java 2>/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		&& apt-get -qq update && { apt-get -qq install -y --no-install-recommends openjdk-17-jre-headless >/dev/null 2>&1 \
			|| apt-get -qq install -y --no-install-recommends openjdk-21-jre-headless >/dev/null; } \
		&& $(BIN)/python -m leadline.frames.java; } \
		|| { echo "The tests of Spark need Java 17 or 21: install it, then run this again." >&2; exit 2; }

bench: install ## measured comparisons
	@for file in bench/*.py; do $(BIN)/python -m "bench.$$(basename "$$file" .py)"; done

# The programs that scoring is compared with share an environment: nothing in it disagrees.
.peers/scoring/.installed: bench/scoring/peers.txt
	@[ -x "$(@D)/bin/python" ] || $(PYTHON) -m venv "$(@D)"
	@"$(@D)/bin/python" -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

bench-scoring: install .peers/scoring/.installed ## scoring beside hand-written Polars, DuckDB, pandas and rule engines; half an hour
	@$(BIN)/python -m bench.scoring

complete-read: install ## whether a million records are read completely while people work in the CRM; half an hour
	@$(BIN)/python -m bench.complete_read --records 1000000

wheel: install ## the wheel and the source archive, into dist/
	@$(BIN)/python -m build --no-isolation --outdir dist .

constraints: ## write constraints.txt from what is installed in .venv
	@$(BIN)/python -m pip freeze --all --exclude-editable --exclude leadline \
		| LC_ALL=C sort --ignore-case > constraints.txt

clean: ## remove what was built and cached; .venv stays
	@rm -rf dist build .demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +

, := ,
