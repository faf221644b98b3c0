# Everything a person types. Each target sets up what it needs; a second run finds it done.
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.ready

.PHONY: help setup run demo test lint bench load capacity memory soak lock clean

help:
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) ## .venv with the locked dependencies and this project, editable

# The stamp is written last: an interrupted set-up is done again, a finished one costs nothing.
$(STAMP): pyproject.toml requirements-dev.lock
	@test -x $(PY) || python3 -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: $(STAMP) ## serve the sample site with the embedded server
	@exec $(VENV)/bin/vipline serve

demo: $(STAMP) ## a lively hour, told as it happens: PROVIDER=twilio SPEED=1 (real time) ARGS=--help
	@exec $(VENV)/bin/vipline demo $(if $(PROVIDER),--provider $(PROVIDER)) $(if $(SPEED),--speed $(SPEED)) $(ARGS)

test: $(STAMP) ## everything that must pass
	$(PY) -m pytest -n 3 --dist worksteal $(ARGS)

lint: $(STAMP) ## ruff and mypy --strict
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

bench: $(STAMP) ## every transition in units of the floor script
	$(VENV)/bin/vipline bench

load: $(STAMP) ## a load with a verdict: RATE= MINUTES= WORKERS= MIX=twilio:75,api:25 SHARES=gold:30,standard:70 SHAPE=day KILL=worker,service,master ARGS=--help
	@exec $(PY) -m loadtests $(if $(RATE),--rate $(RATE)) $(if $(MINUTES),--minutes $(MINUTES)) \
		$(if $(WORKERS),--workers $(WORKERS)) $(if $(MIX),--mix $(MIX)) $(if $(SHAPE),--shape $(SHAPE)) \
		$(if $(KILL),--kill $(KILL)) $(if $(SHARES),--shares $(SHARES)) $(ARGS)

capacity: $(STAMP) ## the highest clean rate, and what a call costs: ARGS="--workers 1 --workers 2"
	@exec $(PY) -m loadtests.capacity $(ARGS)

memory: $(STAMP) ## half an hour of load: does anything grow? ARGS=--help
	@exec $(PY) -m loadtests.memory $(ARGS)

soak: $(STAMP) ## long property histories and load
	$(PY) -m pytest -m soak $(ARGS)

COMPILE := uv pip compile -q --python-version 3.11 --universal --generate-hashes --no-header --no-annotate

lock: ## resolve the lock files anew (needs uv on the PATH)
	$(COMPILE) --upgrade pyproject.toml -o requirements.lock
	$(COMPILE) --upgrade pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	$(COMPILE) --upgrade --group build -c requirements-dev.lock -o requirements-build.lock

clean: ## remove what set-up and tests made (never var/, the data)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
