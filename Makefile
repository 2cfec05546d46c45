# The two commands a newcomer needs are `make demo` and `make test`; both set everything up themselves.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo test test-fast lint format run-setup dev-setup system lock bench-codes bench-propose bench-same bench-learn bench-match bench-harvest bench-desk bench-survey bench-report bench-adversary soak docs clean

PY := .venv/bin/python
ARGS ?=
BENCH ?= bench-data

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: run-setup ## Run the whole main job on a demo observatory, then serve its pages (ARGS=--no-serve stops before)
	@$(PY) -m demo $(ARGS)

test: dev-setup system ## Run the whole test suite: SQLite, PostgreSQL and a real browser (ARGS="-k words" for some)
	@$(PY) -m pytest -n 4 $(ARGS)

test-fast: dev-setup ## Run the tests without a browser, on SQLite only
	@$(PY) -m pytest -n 2 -m "not browser" -k "not postgresql" $(ARGS)

lint: dev-setup ## Check style, types and the import contract
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

format: dev-setup ## Put the code into the house's format
	@.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format .

run-setup: ; @sh bin/setup run
dev-setup: ; @sh bin/setup dev
system: ; @sh bin/setup system

docs: run-setup ## Write the parts of docs/ that follow from the code
	@$(PY) bin/write_docs.py

lock: dev-setup ## Pin every dependency anew, with hashes (needs uv)
	@sh bin/lock

bench-codes: dev-setup ## Code engine against a strict pattern; BENCH=folder made by the corpus generator
	@$(PY) -m bench.codes $(BENCH) $(ARGS)

bench-propose: dev-setup ## Proposals against a plain title ratio; BENCH=folder made by the papers and projects generator
	@$(PY) -m bench.propose $(BENCH) $(ARGS)

bench-same: dev-setup ## Same paper and names, against plain rules; BENCH=folder of labelled pairs
	@$(PY) -m bench.same $(BENCH) $(ARGS)

bench-learn: dev-setup ## Ranking after verdicts against the profile's weights; BENCH=folder as for bench-propose
	@$(PY) -m bench.learn $(BENCH) $(ARGS)

bench-match: dev-setup ## All figures of the matcher, into docs/accuracy.md (ARGS=--quick: a tenth, nothing written)
	@$(PY) -m bench.match $(ARGS)

bench-harvest: dev-setup ## Reading and storing harvests beside other tools (ARGS=--quick; BENCH=folder keeps the databases)
	@$(PY) -m bench.harvest $(ARGS) $(if $(filter command environment,$(firstword $(origin BENCH))),$(BENCH))

bench-desk: dev-setup ## The desk with 200,000 papers, and twenty people deciding at once (ARGS=--quick; BENCH=folder keeps the stores)
	@$(PY) -m bench.desk $(ARGS) $(if $(filter command environment,$(firstword $(origin BENCH))),$(BENCH))

bench-survey: dev-setup ## The questionnaire at the size of 100,000 projects (ARGS=--quick; BENCH=folder keeps the stores)
	@$(PY) -m bench.survey $(ARGS) $(if $(filter command environment,$(firstword $(origin BENCH))),$(BENCH))

bench-report: dev-setup ## The success report of 20,000 projects, 50,000 papers (ARGS="--quick", "--growth 3"; BENCH=folder keeps the stores)
	@$(PY) -m bench.report $(ARGS) $(if $(filter command environment,$(firstword $(origin BENCH))),$(BENCH))

bench-adversary: dev-setup ## Thousands of answers against whoever holds everything but the key (ARGS=--quick: a fifth)
	@$(PY) -m bench.adversary $(ARGS)

soak: dev-setup ## Kill a harvest of 100,000 records ten times on each database and compare (ARGS="--records 20000")
	@$(PY) -m tests.ingest.soak $(ARGS)

clean: ## Remove the virtual environment and everything made (never a database of yours)
	@rm -rf .venv demo-run test-output .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
