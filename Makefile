# make run    the main job: the paper's cases, preset accurate, and the page with its tables and figures; minutes
# make test   style, types, and every test: serial, then on 2 and 3 ranks
# make setup  .venv with the `hybrid` command; the two above do it themselves, once
#
# PYTHON=... chooses the interpreter (>= 3.12). Where it has DOLFINx already (conda, the official images), .venv is laid
# over it and brings no DOLFINx of its own.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Processes that share the serial tests.
TESTERS ?= 2
export OMP_NUM_THREADS ?= 1

.PHONY: setup run test lint clean
.NOTPARALLEL:

setup: $(VENV)/.done

$(VENV)/.done: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null || \
	  { echo "setup: '$(PYTHON)' is not Python 3.12 or newer; install it (Debian: python3), or say make PYTHON=..." >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "setup: Python's venv module is missing; install it (Debian: python3-venv)" >&2; exit 2; }
	@$(PYTHON) -c 'import os, sysconfig, sys; sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' || \
	  { echo "setup: Python's headers (Python.h) are missing, FFCx compiles against them; install them (Debian: python3-dev)" >&2; exit 2; }
	@printf '#include <math.h>\nint main(void){return 0;}' | $${CC:-cc} -x c -o /dev/null - 2>/dev/null || \
	  { echo "setup: no working C compiler, FFCx needs one; install it (Debian: gcc libc6-dev)" >&2; exit 2; }
	@if $(PYTHON) -c 'import dolfinx' 2>/dev/null; then \
	  echo "setup: using the DOLFINx that $(PYTHON) has"; \
	  $(PYTHON) -m venv --clear --system-site-packages $(VENV) && \
	  $(PYTHON) -c 'import sys; print(*(p for p in sys.path if p.endswith("-packages")), sep="\n")' \
	    > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/below.pth" && \
	  $(BIN)/python -m pip install --quiet --editable '.[test]'; \
	else \
	  echo "setup: installing the pinned packages into $(VENV) (about 6 GB, a few minutes)"; \
	  $(PYTHON) -m venv --clear $(VENV) && \
	  $(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.txt && \
	  $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .; \
	fi
	@touch $@

run: setup
	$(BIN)/hybrid reproduce --preset accurate

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Where the venv has no mpiexec of its own, the system's belongs to the system's DOLFINx.
MPIEXEC = $(if $(wildcard $(BIN)/mpiexec),$(BIN)/mpiexec,mpiexec)

# Tests that share the cores start ranks too, which are to sleep while they wait (hybrid/started.py).
test: lint
	MPIR_CVAR_CH4_PROGRESS_THROTTLE=1 $(BIN)/pytest -m "not slow" -n $(TESTERS) --dist worksteal
	timeout 900 $(MPIEXEC) -n 2 $(BIN)/pytest -m "mpi and not slow" -q
	timeout 900 $(MPIEXEC) -n 3 $(BIN)/pytest -m "mpi and not slow" -q

clean:
	rm -rf $(VENV) results build .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
