# Every target sets up what it needs, from nothing but python3.11+, git and make.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PY ?= python3
VENV := .venv
LOCK := requirements.lock
BIN := $(CURDIR)/$(VENV)/bin
STAMP := $(VENV)/.stamp-$(shell cat $(LOCK) bootstrap.lock pyproject.toml | sha256sum | cut -c1-16)

export PATH := $(BIN):$(PATH)
export PYTHONDONTWRITEBYTECODE := 1
export DVC_NO_ANALYTICS := 1
export MLFLOW_DISABLE_TELEMETRY := true
export MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR := false
export MLFLOW_ALLOW_PICKLE_DESERIALIZATION := false

WORKERS ?= 2
COMPANY ?=
DATA ?=
ARGS ?=
PRESET ?=
ifneq ($(PRESET),)
override COMPANY := examples/presets/$(PRESET)
endif

.PHONY: help setup run test lint test-system test-spark in-spark bench in-bench-features bench-engines in-bench-engines bench-quality bench-policy bench-reasons lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

$(STAMP):
	@exec 9>.env.lock; flock 9; [ -f $@ ] && exit 0; \
	echo "setting up $(VENV) from $(LOCK) …"; \
	[ -x $(BIN)/python ] || $(PY) -m venv $(VENV); \
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r bootstrap.lock; \
	$(BIN)/uv pip sync -q --compile-bytecode --python $(BIN)/python --require-hashes $(LOCK); \
	[[ $(LOCK) = peers*.lock ]] || { $(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	$(BIN)/python -m pipelines.plots_template; }; \
	rm -f $(VENV)/.stamp-*; touch $@

setup: $(STAMP) ## the environment, from the lock file with hashes

run: $(STAMP) ## from raw tables to the list; PRESET=enterprise a company of another kind, COMPANY=examples/ravenstack DATA=folder another's data
	@exec 8>.run.lock; flock -n 8 || { echo "another make run is at work in this folder; wait for it, or stop it" >&2; exit 2; }; \
	if [ -n "$(COMPANY)" ]; then python -m pipelines.company "$(COMPANY)" $(if $(DATA),--data "$(DATA)"); else python -m pipelines.preflight; dvc repro; python -m pipelines.whence; fi; \
	python -m pipelines.summary $(COMPANY)

test: export OMP_NUM_THREADS := 1
test: $(STAMP) ## the tests that need nothing but Python, in two processes (WORKERS=4: four; 0: this one)
	python -m pytest -q -n $(WORKERS) -m "not system and not spark"

lint: $(STAMP) ## style, types and import layers
	ruff check . && ruff format --check . && mypy && lint-imports

test-system: $(STAMP) ## the tests that need a browser, LibreOffice or a server
	python -m pytest -q -m system

test-spark: ## the tests that need Spark (Java 17), in an environment of their own
	@$(MAKE) --no-print-directory VENV=.venv-spark LOCK=spark.lock in-spark

in-spark: $(STAMP)
	python -m pytest -q -m spark

bench: $(STAMP) ## measure what the documents quote, after make run (Java 17); about 65 minutes, 2 GB of disk
	python -m benchmarks.ten_times
	python -m benchmarks.readme
	python -m benchmarks.thresholds
	python -m benchmarks.reasons
	@$(MAKE) --no-print-directory bench-reasons
	python -m benchmarks.figures
	python -m benchmarks.delivery
	@$(MAKE) --no-print-directory VENV=.venv-spark LOCK=spark.lock in-bench-features

in-bench-features: $(STAMP)
	python -m benchmarks.features
	python -m benchmarks.limit_intervals

bench-engines: ## how far apart the engines are, and what each costs
	@$(MAKE) --no-print-directory VENV=.venv-spark LOCK=spark.lock in-bench-engines

in-bench-engines: $(STAMP)
	python -m benchmarks.engines

bench-quality: $(STAMP) ## ours beside LightGBM, CatBoost, XGBoost, FLAML, AutoGluon; DATA=folder; two hours (ARGS=--quick: less)
	@[ -n "$(DATA)" ] || { echo "bench-quality: give DATA=folder, the one that holds bank_marketing/ and hillstrom/" >&2; exit 2; }
	@$(MAKE) --no-print-directory VENV=.venv-peers LOCK=peers.lock setup
	python -m benchmarks.quality "$(DATA)" $(ARGS)

bench-policy: $(STAMP) ## a policy beside causalml's and EconML's on hillstrom, and off-policy intervals; DATA=folder that holds hillstrom/
	@[ -n "$(DATA)" ] || { echo "bench-policy: give DATA=folder, the one that holds hillstrom/" >&2; exit 2; }
	@$(MAKE) --no-print-directory VENV=.venv-policy LOCK=peers-policy.lock setup
	python -m benchmarks.hillstrom "$(DATA)/hillstrom"
	python -m benchmarks.ope

bench-reasons: $(STAMP) ## contributions beside LightGBM's, shap's, woodelf-explainer's and fasttreeshap's; about 15 minutes (ARGS=--quick: two)
	@$(MAKE) --no-print-directory VENV=.venv-reasons LOCK=peers-reasons.lock setup
	OMP_NUM_THREADS=1 python -m benchmarks.reasons_engine $(ARGS)

lock: $(STAMP) ## resolve the dependencies again
	uv pip compile --generate-hashes --no-header --python-version 3.11 --upgrade pyproject.toml --group dev -o requirements.lock -q
	uv pip compile --generate-hashes --no-header --python-version 3.11 -c requirements.lock pyproject.toml --group dev --group spark -o spark.lock -q
	uv pip compile --generate-hashes --no-header --python-version 3.11 --upgrade --group peers -o peers.lock -q
	uv pip compile --generate-hashes --no-header --python-version 3.11 --upgrade --group peers-policy -o peers-policy.lock -q
	uv pip compile --generate-hashes --no-header --python-version 3.11 --upgrade --group peers-reasons -o peers-reasons.lock -q
	echo uv | uv pip compile --generate-hashes --no-header --no-annotate --python-version 3.11 --upgrade - -o bootstrap.lock -q

clean: ## forget what runs have made (the environment stays)
	rm -rf data/lake reports/weekly mlflow.db mlruns .dvc/cache .dvc/tmp
