# make index   install all that is needed and index a folder (DOCS=…; by default our own docs)
# make dev     Dagster's UI and daemon on the index's own instance
# make test    the test suite, in at most 15 minutes on two cores
# make check   format, lint, types
# make proof   whole corpora and whole matrices
# make bench   every benchmark: the tables and pictures of docs/PERFORMANCE.md
# make bench-peers   install what we are compared with, into .venv-peers, and run the comparison

PYTHON ?= python3
VENV ?= .venv
PEERS = .venv-peers
BIN = $(VENV)/bin
DOCS ?= docs

.PHONY: index dev test check proof bench bench-peers install clean

install: $(VENV)/installed

# torch first and pinned: left to itself, pip takes a build with several GB of CUDA.
$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

index: install
	$(BIN)/beast index "$(DOCS)"

dev: install
	$(BIN)/beast dev

test: check
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not proof"

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

proof: check
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "proof or not proof" --durations=15

bench: install
	$(BIN)/beast bench all --plot --record

bench-peers: install $(PEERS)/installed
	$(BIN)/beast bench files scan ingest --plot --record

# An environment of its own: nothing of the peers belongs to beast_assets. torch first, as above.
$(PEERS)/installed: benchmarks/peers/requirements.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --upgrade pip
	$(PEERS)/bin/python -m pip install --quiet torch==2.13.0
	$(PEERS)/bin/python -m pip install --quiet --requirement benchmarks/peers/requirements.txt
	touch $@

clean:
	rm -rf $(VENV) $(PEERS)
