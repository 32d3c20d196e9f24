# Two commands: `make demo` and `make test`. README.md has the same steps for Windows.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# The CPU build is enough for every test; any release from 2.5 on will do.
TORCH ?= torch==2.13.0

.PHONY: demo test lint types unit wheel clean

demo: $(BIN)/.cpu
	$(BIN)/vesimod demo

test: lint types unit wheel

lint: $(BIN)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(BIN)/.dev
	$(BIN)/mypy

unit: $(BIN)/.dev
	$(BIN)/python -m pytest -p no:cacheprovider --durations=10

# What a user of the wheel gets: inference without torch and onnx, in a venv of its own.
wheel: $(BIN)/.dev
	$(BIN)/python tests/check_wheel.py

$(BIN)/.cpu: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[cpu]'
	touch $@

$(BIN)/.dev: pyproject.toml $(BIN)/.cpu
	$(BIN)/pip install --quiet '$(TORCH)'
	$(BIN)/pip install --quiet --editable '.[cpu,train,dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist vesimod-demo
