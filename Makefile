# taowen: make help lists the targets. Everything lives in .venv; a second call installs nothing.
# The first Python that runs and is 3.11 to 3.13: a name on the PATH may be a shim without one behind it.
FITS   := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do "$$p" -c '$(FITS)' 2>/dev/null && echo "$$p" && break; done)
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
DEMO   := build/demo

.DEFAULT_GOAL := help
N      ?= 100

.PHONY: help setup demo test check crash engines format train corpora promote mending bench docs wheel-check clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

setup: $(STAMP)  ## Make .venv and install taowen with the tools of development

$(STAMP): pyproject.toml constraints.txt hatch_build.py pipeline/native/build.py $(wildcard pipeline/native/*.[ch])
	@$(or $(PYTHON),false) -c '$(FITS)' || { echo "No Python 3.11 to 3.13 ($(or $(PYTHON),none found)). Install one, or name it: make setup PYTHON=/path/to/python3.12"; exit 2; }
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: setup  ## Run the main job on the bundled sample dump and show what came out
	@$(BIN)/python -m tests.demo $(DEMO)

test: setup  ## Run the tests
	$(BIN)/python -m pytest

check: setup  ## What CI runs: format, lint, types, tests, documents up to date, the wheel by itself
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest
	$(MAKE) --no-print-directory wheel-check

crash: setup  ## Stop runs at every point and N times at random (N=100), start them again, compare
	$(BIN)/python -m tests.dumps.crash $(N)

engines: setup  ## Run the tests on Ray, Spark and an object store, in an environment of their own
	bash tests/engines.sh $(BIN)/python

format: setup  ## Format and mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup  ## Write the generated documents again (docs/cli.md, records.md, modules.md, the topic figures, the README)
	$(BIN)/python -m tests.documents

wheel-check: setup  ## Build the wheel, install it alone, tag a page with it
	bash tests/wheel_check.sh $(BIN)/python

train: setup  ## Train all models from the labels in corpora/ into build/models (real text where it is)
	$(BIN)/python -m pipeline.ingest.learn --out build/models/strip
	$(BIN)/python -m pipeline.ingest.fluency train --out build/models/fluency
	$(BIN)/python -m pipeline.ingest.learn_phrases --out build/models/phrases
	$(BIN)/taowen train corpora --out build/models/topics --force

corpora: setup  ## Fetch the public text of the labelled articles into build/corpora (asks the network)
	$(BIN)/python -m pipeline.topics.fetch --out build/corpora

promote: setup  ## Move build/models to models/ if its scores are no worse
	$(BIN)/python -m tests.promote build/models models

mending: setup  ## Spoil articles in every kind, mend them, and measure what comes back
	$(BIN)/python -m tests.mending.evaluate

bench: setup  ## Measure quality on the development data, and speed beside plain peers
	$(BIN)/python -m tests.bench

clean:  ## Remove what make built, but not .venv
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
