# Each target makes .venv first, from a Python and a package index alone. The plain pip lines stand in README.md.
PYTHON ?= python3
CONFIG ?= configs/dcgan_mnist.yml
BIN := .venv/bin

.PHONY: train test lint benchmark clean

train: .venv/user
	$(BIN)/python tools/train.py -c $(CONFIG) $(ARGS)

test: .venv/dev
	$(BIN)/python -m pytest $(ARGS)

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# More than an hour, with nothing else running; writes docs/PERFORMANCE.md. ARGS="--parts speed" measures a part of it.
benchmark: .venv/benchmark
	$(BIN)/python benchmarks/performance.py $(ARGS)

clean:
	rm -rf .venv

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/user: requirements.txt requirements-base.txt | .venv/bin/python
	$(BIN)/python -m pip install -r requirements.txt
	touch $@

.venv/dev: requirements-dev.txt .venv/user
	$(BIN)/python -m pip install -r requirements-dev.txt
	touch $@

.venv/benchmark: benchmarks/requirements.txt .venv/user
	$(BIN)/python -m pip install -r benchmarks/requirements.txt
	touch $@
