# `make` lists the targets; each is what CI runs, nothing hidden.
PY := .venv/bin/python
DEMO ?= .demo
PYTHON ?= python3

# Threads of OpenMP that wait by spinning for long starve one another on a busy machine.
export GOMP_SPINCOUNT := 10000
# The products of matrices here are small: to share one among threads takes longer than to make it.
export OPENBLAS_NUM_THREADS := 1
# Hundreds of processes are started here: each would compile all that it imports, for as long as no other may keep what it compiled.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-frameworks check docs bench bench-tracking serve clean frameworks format openapi schema web web-check web-types chromium

help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | column -t -s '|'

.venv/.ready: pyproject.toml constraints.txt
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@$(PY) -m pip install -q --disable-pip-version-check uv
	@$(PY) -m uv pip install -q --python $(PY) -c constraints.txt -e '.[demo,dev]'
	@touch $@

.venv/.frameworks: .venv/.ready
	@$(PY) -m pip install -q --disable-pip-version-check -c constraints.txt torch  # pip may be told where a build without CUDA is; uv does not ask it
	@$(PY) -m uv pip install -q --python $(PY) -c constraints.txt -e '.[demo,dev,frameworks]'
	@touch $@

OPENID := tests/access/oidc
$(OPENID)/node_modules/.ready: $(OPENID)/package.json
	@npm install --prefix $(OPENID) --no-package-lock --no-audit --no-fund --silent
	@touch $@

MLFLOW2 := tests/gateways/mlflow/old
$(MLFLOW2)/.venv/.ready: $(MLFLOW2)/requirements.txt .venv/.ready
	@$(PY) -m uv venv -q --clear --python $(PY) $(MLFLOW2)/.venv
	@$(PY) -m uv pip install -q --python $(MLFLOW2)/.venv/bin/python -r $<
	@touch $@

NODE := $(shell node -e 'process.exit(+process.versions.node.split(".")[0] < 20 ? 1 : 0)' 2>/dev/null && echo there)
WEB := web/node_modules/.ready
STATIC := src/ostinato/server/static/index.html
SHOWN := $(shell find web/src web/index.html web/vite.config.ts -type f -not -name '*.test.*' 2>/dev/null)

$(WEB): web/package.json web/package-lock.json
	@npm install --no-save --prefix web --no-audit --no-fund --silent  # not `ci`: it wants the other platforms' binaries in the lock
	@touch $@

$(STATIC): $(WEB) $(SHOWN)
	@npm run build --prefix web --silent -- --logLevel warn
	@touch $@

ifeq ($(NODE),there)
web: $(STATIC)  ## the web UI, built for the server from web/ (with Node ≥ 20)

PAGES := $(STATIC)
else
web:
	@echo "the web UI is not built: that takes Node 20 or later; all else works without" >&2; exit 1
endif

web-types: $(WEB)  ## what web/ knows of the API, from docs/openapi.json
	@npm run types --prefix web --silent > /dev/null

web-check: web  ## format, lint, types, unit tests and the bundle's budget of web/
	@cp web/src/kernel/api/schema.ts .schema.before && $(MAKE) -s web-types && { diff -q .schema.before web/src/kernel/api/schema.ts > /dev/null \
		|| { echo "web/src/kernel/api/schema.ts was not of docs/openapi.json; it is now" >&2; rm .schema.before; exit 1; }; } && rm .schema.before
	@npm run check --prefix web --silent
	@npm run budget --prefix web --silent

chromium:  ## the browser of the journeys, from Debian where it is absent; another Chromium does where that cannot be had
	@command -v chromium-headless-shell > /dev/null || { [ "$$(id -u)" = 0 ] && as= || as=sudo; \
		$$as apt-get update -qq && $$as apt-get install -y -qq --no-install-recommends chromium-headless-shell > /dev/null; } \
		|| command -v chromium > /dev/null

setup: .venv/.ready $(OPENID)/node_modules/.ready $(MLFLOW2)/.venv/.ready  ## the environment in .venv, with everything that demo and tests need (Node ≥ 20 is there)

frameworks: .venv/.frameworks  ## PyTorch, Keras, boosters, ONNX and more (about 1 GB), without which the tests of what touches them are skipped

demo: .venv/.ready $(PAGES)  ## the whole loop on real data (about four minutes), then a server to look around on
	@.venv/bin/ostinato demo --data $(DEMO) --summary $(DEMO)/summary.json

# One more than the two cores: some tests wait.
PROCESSES ?= 3

# The slices that live by their rows are tested on PostgreSQL as well; what tests/storage has to say of it, it says in the first run.
AGAIN := ledger access registry pipelines tracking traces gateways/mlflow/test_search.py
# Not again: what fits, packs, forks or reads files above the verbs, and comes to rows by verbs that are tested again.
ABOVE := registry/test_flavors.py registry/test_flavors_native.py registry/test_flavors_prophet.py \
	pipelines/test_keys.py pipelines/test_processes.py pipelines/test_serialization.py pipelines/test_source_inspection.py \
	tracking/autolog tracking/tensorboard tracking/test_capture.py tracking/test_reproduce.py

test: setup $(PAGES)  ## all tests; those of rows on SQLite and on PostgreSQL
	@$(PY) -m pytest -n $(PROCESSES) --dist worksteal
	@OSTINATO_TEST_ROWS=postgres $(PY) -m pytest -n $(PROCESSES) --dist worksteal -p no:schemathesis $(addprefix tests/,$(AGAIN)) $(addprefix --ignore=tests/,$(ABOVE))

# What takes the packages of `frameworks`; without them, as in `make test`, these tests are skipped. Beside them everything starts more slowly.
FRAMED := tracking/autolog tracking/tensorboard registry/test_flavors_native.py registry/test_flavors_prophet.py registry/test_cards.py

test-frameworks: setup frameworks  ## the tests of autolog, TensorBoard and flavors that take PyTorch, Keras, boosters or ONNX
	@$(PY) -m pytest -n $(PROCESSES) --dist worksteal $(addprefix tests/,$(FRAMED))

check: setup web-check  ## format, lint, types and the guards of the design
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

bench-tracking: setup  ## tracking beside MLflow (OSTINATO_BENCH_PEERS), and docs/growth-tracking.svg; some minutes on two idle cores
	@$(PY) bench/tracking.py --rounds 2
	@$(PY) bench/tracking_client.py --rounds 3
	@$(PY) bench/points.py --json > .growth && $(PY) bench/lists.py --json --keys 20 --times 5 >> .growth
	@$(PY) bench/growth.py .growth > docs/growth-tracking.svg && cat .growth && rm .growth

serve: .venv/.ready $(PAGES)  ## a server on ./ostinato-data, port 8080
	@.venv/bin/ostinato serve --port 8080

clean:  ## forget the environment and the demo
	@rm -rf .venv $(DEMO) web/node_modules $(dir $(STATIC))
