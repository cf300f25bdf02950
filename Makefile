# `make` lists the targets; each is what CI runs, nothing hidden.
PY := .venv/bin/python
DEMO ?= .demo
PYTHON ?= python3

# Threads of OpenMP that wait by spinning for long starve one another on a busy machine.
export GOMP_SPINCOUNT := 10000

.DEFAULT_GOAL := help
.PHONY: help setup demo test check docs bench serve clean format openapi schema

help:  ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1|/' | column -t -s '|'

.venv/.ready: pyproject.toml constraints.txt
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@$(PY) -m pip install -q --disable-pip-version-check uv
	@$(PY) -m uv pip install -q --python $(PY) -c constraints.txt -e '.[demo,dev]'
	@touch $@

OPENID := tests/access/oidc
$(OPENID)/node_modules/.ready: $(OPENID)/package.json
	@npm install --prefix $(OPENID) --no-package-lock --no-audit --no-fund --silent
	@touch $@

setup: .venv/.ready $(OPENID)/node_modules/.ready  ## the environment in .venv, with everything that demo and tests need (Node ≥ 20 is there)

demo: .venv/.ready  ## the whole loop on real data (about four minutes), then a server to look around on
	@.venv/bin/ostinato demo --data $(DEMO) --summary $(DEMO)/summary.json

test: setup  ## all tests
	@$(PY) -m pytest -n 2 --dist worksteal

check: setup  ## format, lint, types and the guards of the design
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(PY) -m pytest tests/architecture -p no:cacheprovider

format: setup  ## put the code in its one format
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

docs: setup openapi  ## what is generated in docs/

openapi: setup  ## docs/openapi.json from the table of operations
	@$(PY) -m ostinato.server.openapi > docs/openapi.json

schema: setup  ## the tables of the present revision, from which later ones are tested
	@$(PY) -m ostinato.testing.schema tests/storage/rows/released

bench: setup  ## measurements, side by side with the peers where they are installed
	@for b in bench/*.py; do echo "== $$b"; $(PY) $$b; done

serve: .venv/.ready  ## a server on ./ostinato-data, port 8080
	@.venv/bin/ostinato serve --port 8080

clean:  ## forget the environment and the demo
	@rm -rf .venv $(DEMO)
