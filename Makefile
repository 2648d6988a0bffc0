# What a person types. `make help` lists it.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help setup run test coverage prove soak bench lint types schema python-client attackers lock verify-stripe
.PHONY: try-debian try-image try-alerts try-manifests
THEIRS := tests/integration/graph/python_client
ATTACKERS := tests/attackers
# Tests wait for servers and browsers a quarter of the time: half as many again as there are cores keep them busy.
TESTERS ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) * 3 / 2 )))
# What was installed counts as long as its Python is there and finds it: systems are upgraded, folders copied.
STILL_THERE := from importlib.util import find_spec; raise SystemExit(find_spec("uvicorn") is None)
DROPPED := $(if $(wildcard .venv/.r*),$(shell $(BIN)/python -c '$(STILL_THERE)' 2>/dev/null || rm -f .venv/.runs .venv/.ready))
OLD_ENOUGH = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Paygraph needs Python 3.11 or newer; name one with make PYTHON=python3.12 …")'

help:  ## what can be typed here
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

setup: .venv/.ready  ## a virtual environment from the hash-pinned locks

.venv/.ready: requirements-dev.txt requirements-openapi.txt
	@$(OLD_ENOUGH)
	$(PYTHON) .ci/install.py requirements-dev.txt requirements-openapi.txt
	@$(BIN)/python -m ensurepip --default-pip >.venv/ensurepip.log 2>&1 || true # for who wants more in it
	@touch $@

run: .venv/.runs  ## the demo: a seeded shop, a database, a stand-in for Stripe
	@$(BIN)/python main.py demo

# The demo needs half of what the tests need; where the tests are set up, everything is there.
.venv/.runs: requirements-demo.txt
	@$(OLD_ENOUGH)
	@test -e .venv/.ready || echo "Installing what the demo needs into .venv, once …"
	@test -e .venv/.ready || $(PYTHON) .ci/install.py $<
	@touch $@

test: setup  ## every test, on a real PostgreSQL and a real HTTP Stripe stand-in
	$(BIN)/python -m pytest --numprocesses=$(TESTERS) --dist=worksteal

coverage: setup  ## the same, and which lines no test reaches; half as long again
	$(BIN)/python -m pytest --numprocesses=$(TESTERS) --dist=worksteal --cov --cov-report=term:skip-covered

verify-stripe: setup  ## the sandbox and our gateway against Stripe's own test mode (needs STRIPE_TEST_KEY=sk_test_…)
	@$(BIN)/python -m tests.verify_stripe

prove: setup  ## the state machine, ten thousand runs: some two hours
	PROOF_RUNS=10000 $(BIN)/python -m pytest tests/proof/test_state_machine.py -s

soak: setup  ## half an hour of twenty orders a second, with Stripe, the database and the workers failing
	SOAK_SECONDS=1800 $(BIN)/python -m pytest tests/proof/test_soak.py -s

bench: setup  ## what it costs: half an hour, writes docs/performance.md
	$(BIN)/python -m bench

try-debian: setup  ## follow docs/operations/debian.md in a bare Debian (root, debootstrap, systemd-container)
	$(BIN)/python -m tests.production.try_debian .data/try-debian

try-image: setup  ## build the image without a daemon and run it read-only, as nobody (root, buildah, podman)
	$(BIN)/python -m tests.production.try_image .data/try-image

try-alerts: setup  ## the alerts and the dashboard in a real Prometheus (Debian: prometheus)
	$(BIN)/python -m tests.production.try_alerts

try-manifests:  ## the Kubernetes manifests against Kubernetes's own schemas
	$(PYTHON) -m venv .data/try-manifests
	.data/try-manifests/bin/pip install --quiet --disable-pip-version-check kubernetes-validate==1.37.0
	for version in 1.27 1.37; do \
	  .data/try-manifests/bin/kubernetes-validate --strict --kubernetes-version $$version docs/operations/kubernetes.yaml || exit 1; \
	done

lint: setup  ## ruff: rules and format; bandit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive .

types: setup  ## mypy, strict, tests included
	$(BIN)/mypy

python-client: $(THEIRS)/.venv/.ready  ## what generates a Python client, for its test

$(THEIRS)/.venv/.ready: $(THEIRS)/requirements.txt
	$(PYTHON) .ci/install.py --into $(THEIRS)/.venv $<
	@touch $@

attackers: $(ATTACKERS)/.venv/.ready  ## scanners and fuzzers written elsewhere, for the tests that run them

$(ATTACKERS)/.venv/.ready: $(ATTACKERS)/requirements.txt
	$(PYTHON) .ci/install.py --into $(ATTACKERS)/.venv $<
	@touch $@

schema: setup  ## write schema.graphql anew
	$(BIN)/python main.py schema

lock:  ## resolve the locks anew (needs uv)
	uv pip compile -q --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.txt
	uv pip compile -q --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --extra demo --extra otel --group dev -c requirements.txt -o requirements-dev.txt
	uv pip compile -q --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --extra otel -c requirements-dev.txt -o requirements-otel.txt
	uv pip compile -q --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --extra demo -c requirements-dev.txt -o requirements-demo.txt
	uv pip compile -q --no-deps --generate-hashes --no-emit-index-url --no-header --group stripe-openapi -o requirements-openapi.txt
	uv pip compile -q --no-deps --generate-hashes --no-emit-index-url --no-header --group installer -o requirements-installer.txt
	uv pip compile -q --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $(THEIRS)/requirements.in -o $(THEIRS)/requirements.txt
	uv pip compile -q --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $(ATTACKERS)/requirements.in -o $(ATTACKERS)/requirements.txt
