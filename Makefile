# Two commands matter: `make run` opens the shop, `make test` runs every test. Both set up what they need.
# Only Python 3.11+ and make must be on the machine; Node comes from a Python wheel into .venv.

PORT ?= 8000
DATA_DIR ?=
WORKERS ?= 2
# More of pyproject.toml's extras for development: EXTRAS=neural,text-export adds PyTorch (large). CI tries everything.
EXTRAS ?= $(if $(CI),forecast$(comma)neural$(comma)text-export)
ARGS ?=

comma := ,
PROGRAMS := $(CURDIR)/.venv/bin
STAMPS := .venv/stamps
# npm itself writes this file when an installation is complete.
FRONT_END := frontend/node_modules/.package-lock.json
# Tracking clients of other makers, which the tests point at the running service.
NODE_CLIENTS := $(patsubst %/package-lock.json,%/node_modules/.package-lock.json,$(wildcard tests/clients/*/package-lock.json))
STOREFRONT := frontend/web/dist/index.html
STOREFRONT_SOURCES := $(shell find frontend -name node_modules -prune -o -name dist -prune -o -name e2e -prune -o -type f -print)

# Programs of .venv come first, so that `node` and `npm` are the wheel's whatever the machine has.
export PATH := $(PROGRAMS):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help run test check bench setup clean docs types format constraints test-python test-front-end chromium
.DELETE_ON_ERROR:

help: ## Show what can be made.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(STAMPS)/python $(STOREFRONT) ## Open the shop: set up, then `smartshop up` (PORT=8000, DATA_DIR=./smartshop-data).
	@exec smartshop up --port "$(PORT)" $(if $(DATA_DIR),--data-dir "$(DATA_DIR)") $(ARGS)

test: test-front-end test-python ## Run every test: set up, front end, service, browser (ARGS="-k basket", WORKERS=2).

test-front-end: $(FRONT_END)
	npm --prefix frontend run --silent test

test-python: $(STAMPS)/development $(STOREFRONT) $(NODE_CLIENTS) chromium
	@# A worker each has a core of its own: threads of linear algebra would only wait for each other.
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

check: $(STAMPS)/development $(FRONT_END) ## Lint, types, import directions, and generated files in step with the code.
	ruff check .
	ruff format --check .
	mypy
	lint-imports --no-logo
	npm --prefix frontend run --silent lint
	npm --prefix frontend run --silent typecheck
	python -m tools.front_end_types --check
	python -m tools.reference_pages --check

bench: $(STAMPS)/development $(STOREFRONT) ## Measure speed and size; prints the figures and writes them as JSON.
	python -m bench $(ARGS)

setup: $(STAMPS)/development $(STOREFRONT) $(NODE_CLIENTS) chromium ## Only set up: environment, storefront, browser.

docs: $(STAMPS)/development ## Write docs/commands.md and docs/settings.md anew from the code.
	python -m tools.reference_pages

types: $(STAMPS)/development $(FRONT_END) ## Write the front end's API types anew from the service.
	python -m tools.front_end_types

format: $(STAMPS)/development ## Format the Python code and mend what the linter can.
	ruff check --fix .
	ruff format .

constraints: $(STAMPS)/development ## Choose the newest fitting versions anew and pin them in constraints.txt.
	sh tools/pin_versions.sh

clean: ## Remove what was built; the shop's data stays.
	rm -rf .venv frontend/node_modules tests/clients/*/node_modules frontend/web/dist build dist bench-output
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find bench src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

chromium:
	@sh tools/ensure_chromium.sh

$(STAMPS)/python: pyproject.toml constraints.txt tools/set_up_python.sh tools/link_node.py
	sh tools/set_up_python.sh storefront
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/development: $(STAMPS)/python
	sh tools/set_up_python.sh storefront,dev$(if $(EXTRAS),$(comma)$(EXTRAS))
	@touch $@

tests/clients/%/node_modules/.package-lock.json: tests/clients/%/package-lock.json | $(STAMPS)/python
	npm --prefix tests/clients/$* ci --no-fund --no-audit --loglevel=error
	@touch $@

$(FRONT_END): frontend/package-lock.json | $(STAMPS)/python
	npm --prefix frontend ci --no-fund --no-audit --loglevel=error
	@touch $@

$(STOREFRONT): $(FRONT_END) $(STOREFRONT_SOURCES)
	npm --prefix frontend run --silent build
	@touch $@
