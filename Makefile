# Every target makes .venv from requirements.lock first; that is all a fresh machine needs besides Python 3.11.
PYTHON ?= python3.11
BIN := .venv/bin
STAMP := .venv/installed
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps

# Compiled modules are kept: those that are imported are compiled then, which is a tenth of all.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install up demo test check fuzz bench chaos soak garments pictures blender format variants lock clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

install: $(STAMP) ## Make .venv from requirements.lock

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	sed -n '/^uv==/,/[^\\]$$/p' requirements.lock >.venv/uv.txt
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r .venv/uv.txt
	# uv takes a tenth of pip's time, but knows none of the indexes that pip may be configured with.
	$(UV) --require-hashes -r requirements.lock || $(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements.lock
	$(UV) --no-build-isolation --editable .
	$(BIN)/python -c "import orchestration.definitions, orchestration.api.app"
	touch $(STAMP)

up: install ## Run Dagster's UI with sensors on, over the sample feed
	$(BIN)/orchestration up

demo: install ## Sync two days of the sample feed, headless, and show what changed
	$(BIN)/orchestration demo

test: install ## Run the tests
	$(BIN)/pytest

check: install ## Lint, types, import contracts, manifests, known vulnerabilities
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec deploy/compose/compose.yaml
	$(BIN)/python deploy/audit/audit.py
	$(BIN)/kubernetes-validate --quiet --strict -k 1.33 deploy/kubernetes/base/resources/*.yaml

fuzz: install ## Fuzz what reads bytes of strangers; MINUTES=10 for each, TARGET=... for one
	$(UV) --group fuzz
	$(BIN)/python -m orchestration_tests.fuzz --minutes $(or $(MINUTES),10) $(TARGET)

bench: install ## Race the product against named rivals, in ten minutes; PARTS="prints canvas" alone, RIVAL=folder for syncs
	$(BIN)/python -m orchestration_tests.benchmarks $(PARTS) $(if $(RIVAL),--rival $(RIVAL))

chaos: install ## Kill the work of every domain KILLS times, and see that nothing is lost
	$(BIN)/python -m orchestration_tests.chaos --kills $(or $(KILLS),1000)

soak: install ## Load every domain for MINUTES with faults, and see that nothing grows
	$(BIN)/python -m orchestration_tests.chaos.soak --minutes $(or $(MINUTES),30)

garments: install ## Drape the garments of the mockups again, and bake their light
	$(BIN)/python -m orchestration.mockups.garments.draping

pictures: install ## Render the garments of the sample supplier again
	$(BIN)/python -m orchestration.demo.rendered

blender: ## Install Blender as a Python module for the mockups' optional engine, about 1 GB, in .venv-blender
	$(PYTHON) -m venv .venv-blender
	.venv-blender/bin/python -m pip install --quiet bpy==4.5.15
	@echo "export ORCHESTRATION_MOCKUP_BLENDER=$(CURDIR)/.venv-blender/bin/python"

format: install ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

variants: install ## Make the dagster.yaml of Kubernetes and of ECS from this one
	$(BIN)/python deploy/dagster/variants.py

lock: install ## Renew requirements.lock from pyproject.toml, and what of it the image holds
	$(BIN)/uv pip compile pyproject.toml --group dev --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --quiet --upgrade --output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml --group deploy --group build --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --quiet --constraint requirements.lock --output-file deploy/image/requirements.lock

clean: ## Remove .venv and the state directory
	rm -rf .venv .venv-blender .orchestration
