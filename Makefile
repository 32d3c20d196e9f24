# `make demo`, `make quick`, `make test`, `make docs`; CONTRIBUTING.md says when. README.md has the steps for Windows.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# The CPU build is enough for every test; any release from 2.5 on will do.
TORCH ?= torch==2.13.0

.PHONY: demo quick test lint types unit wheel docs notebook wheelhouse constraints release-check clean

demo: $(BIN)/.cpu
	$(BIN)/vesimod demo
	@echo 'To use vesimod in this terminal: source $(BIN)/activate'

# Two processes of one thread each: more threads only wait for one another on two cores.
quick: $(BIN)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -p no:cacheprovider -q -n 2 -m "not slow"

test: lint types unit wheel docs

lint: $(BIN)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(BIN)/.dev
	$(BIN)/mypy

unit: $(BIN)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -p no:cacheprovider -n 2 --durations=10 --cov --cov-report=term

# What a user of the wheel gets: inference without torch and onnx, in a venv of its own.
wheel: $(BIN)/.dev
	$(BIN)/python tests/check_wheel.py

# The site, in build/site: strict, so that a dead link or a page without a place ends it.
docs: $(BIN)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

# Runs the tutorial anew and keeps what it printed and drew; a test compares.
notebook: $(BIN)/.docs
	$(BIN)/python -m nbconvert --to notebook --execute --inplace docs/tutorial.ipynb

# A folder to install from without internet, for Linux and one for Windows: dist/vesimod-*/.
PYTHONS ?= $(shell $(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
EXTRAS ?= cpu
wheelhouse: $(BIN)/.release
	$(BIN)/python release/wheelhouse.py --python $(PYTHONS) --extras $(EXTRAS)

# The versions that CI takes. PyTorch, which TORCH names, comes from indexes of its own.
constraints: $(BIN)/.release
	echo 'torch; sys_platform == "none"' > $(VENV)/no-torch.txt
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.10 --upgrade --quiet \
	  --extra cpu --extra report --extra figures --extra tiff --extra eman --extra zarr --extra train \
	  --group dev --group release --override $(VENV)/no-torch.txt --no-annotate --no-header \
	  --no-emit-index-url --no-emit-find-links -o .ci/constraints.txt

# All that a release needs, without releasing: docs/releasing.md.
release-check: $(BIN)/.dev $(BIN)/.release
	$(BIN)/python release/release_check.py

# Dependency groups need pip 25.1.
$(BIN)/.cpu: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "vesimod needs Python 3.10 to 3.13, $(PYTHON) is another: make demo PYTHON=python3.12"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/pip install --quiet --editable '.[cpu]'
	touch $@

$(BIN)/.docs: pyproject.toml $(BIN)/.cpu
	$(BIN)/pip install --quiet --editable '.[cpu]' --group docs
	touch $@

$(BIN)/.dev: pyproject.toml $(BIN)/.cpu
	$(BIN)/pip install --quiet '$(TORCH)'
	$(BIN)/pip install --quiet --editable '.[cpu,report,train]' --group dev
	touch $@

$(BIN)/.release: pyproject.toml $(BIN)/.cpu
	$(BIN)/pip install --quiet --group release
	touch $@

clean:
	rm -rf $(VENV) build dist vesimod-demo
