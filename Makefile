PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed

# threads that wait must not spin: on a busy machine they would take the cores they wait for
export OMP_WAIT_POLICY := passive

.PHONY: help install demo check test bench lock

help:
	@echo "make install   the package, its dependencies and the checkers, in $(VENV)"
	@echo "make demo      every method on the embedded faces, ending with a table"
	@echo "make check     ruff, mypy, pyright, import-linter"
	@echo "make test      all checks and all tests"
	@echo "make bench     timings, side by side with what others use"
	@echo "make lock      write requirements.lock anew from $(VENV)"

install: $(READY)

$(READY): pyproject.toml requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "facesr needs Python 3.11 or newer; name one: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --requirement requirements.lock
	$(BIN)/python -m pip install --no-deps --no-build-isolation --editable .
	touch $@

demo: install
	$(BIN)/bench run --methods all --protocol realworld

check: install
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports

# a process per core, each with one thread: tests are many and small
test: export OMP_NUM_THREADS := 1
test: check
	$(BIN)/pytest --numprocesses auto --maxprocesses 8 --dist worksteal

bench: install
	$(BIN)/pytest tests/benchmarks --benchmark-enable --benchmark-only

# Names and versions only: no index, no file, no address. What exists for Linux only says so.
lock: install
	$(BIN)/python -m pip install --no-build-isolation --editable '.[dev]'
	@echo "# Written by make lock: the environment in which every check passed." > requirements.lock
	$(BIN)/python -m pip freeze --all --exclude pip --exclude-editable \
	  | sed -E 's/^((nvidia|cuda)-.*|triton==.*)$$/\1 ; sys_platform == "linux"/' >> requirements.lock
	touch $(READY)
