# Two commands for a newcomer: `make demo` runs the main job, `make test` passes the tests.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null 2>&1 && \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin

.PHONY: demo test lock clean

demo: .venv/ready
	$(BIN)/stratos up --spec examples/mahjong/stratos.yaml --yes
	$(BIN)/stratos ask --run mahjong 123m456p789s1122z

test: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest

# Everything that is needed, by the hashes of the lock file; bytecode too, so that every process starts quickly.
.venv/ready: requirements.lock pyproject.toml | .venv/bin/uv
	$(BIN)/uv pip install --python $(BIN)/python --quiet --compile-bytecode --require-hashes -r requirements.lock
	$(BIN)/uv pip install --python $(BIN)/python --quiet --no-deps -e .
	touch $@

.venv/bin/uv:
	@test -n "$(PYTHON)" || { echo "Stratos needs Python 3.11 or newer: install it, or name it with make PYTHON=…"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

lock: | .venv/bin/uv
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --no-header --no-annotate --generate-hashes \
		--quiet -o requirements.lock

clean:
	rm -rf .venv dist .mypy_cache .ruff_cache .import_linter_cache
